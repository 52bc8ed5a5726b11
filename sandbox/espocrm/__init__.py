"""A sandbox EspoCRM (10.0 or 9.2): REST API and webhooks as measured on the real one, records in memory."""
