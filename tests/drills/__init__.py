"""Every alert made to fire for real on the local stack: `python -m tests.drills`."""
