"""A morning in the office: seventeen steps on the real stack, watched from the two remote systems."""
