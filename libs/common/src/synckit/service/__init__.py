"""What every service is made of: settings, HTTP server, health, metrics, start and end."""
