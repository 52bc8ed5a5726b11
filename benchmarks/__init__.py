"""How fast it is, against plain ways of doing the same; one command each, all of them by `make bench`."""
