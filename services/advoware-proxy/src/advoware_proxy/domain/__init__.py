"""Pure: what may pass, and in which words it is refused."""
