"""synckit: keeps the records of two systems in step. Decide purely (`reconcile`), act at the edge (`adapters`)."""
