"""This office: what is true of its EspoCRM and its Advoware and of no other system."""
