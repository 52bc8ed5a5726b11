"""Builds and tries every image without a container engine."""
