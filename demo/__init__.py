"""A morning in the office: thirteen steps on the real stack, watched from the two remote systems."""
