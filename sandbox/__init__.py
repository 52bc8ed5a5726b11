"""Sandboxes of the remote systems: aiohttp apps that behave as the contracts say, and import nothing of the product."""
