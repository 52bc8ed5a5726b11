"""Advoware: its client, its token, and its records as the ports want them."""
