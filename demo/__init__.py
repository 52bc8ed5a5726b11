"""A morning in the office: sixteen steps on the real stack, watched from the two remote systems."""
