"""The sandbox Advoware: token service, REST API with all its quirks, a desk for people, and controls for tests."""
