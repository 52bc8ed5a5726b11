"""advoware-proxy."""
