"""What runs the product on Kubernetes, and the command that checks it."""
