"""The product of before and that of now on the same servers: `python -m tests.upgrade`."""
