"""Migrations of our own schema, in plain SQL; run by `migrate` and by nothing else."""
