"""Kommunikation: a party's e-mail addresses and phone numbers, a list in EspoCRM, rows in Advoware."""
