"""synckit: what every service is made of: events, reconciling, a worker, and the edges. Knows no system and no noun."""
