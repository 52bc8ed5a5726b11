"""A morning in the office: eighteen steps on the real stack, watched from the two remote systems."""
