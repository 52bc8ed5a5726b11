"""document-sync: linked CDokumente in the xAI collections of their records, and nowhere else."""
