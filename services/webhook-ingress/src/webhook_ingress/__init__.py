"""webhook-ingress."""
