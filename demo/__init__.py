"""A morning in the office: ten steps on the real stack, watched from the two remote systems."""
