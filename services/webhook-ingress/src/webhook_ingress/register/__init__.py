"""`python -m webhook_ingress.register`: tells EspoCRM where to send its webhooks."""
