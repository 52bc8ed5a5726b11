"""What is remembered of a record, from look to look and within one."""
