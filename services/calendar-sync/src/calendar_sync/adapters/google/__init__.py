"""Google Calendar by google-api-python-client, in threads of its own."""
