"""Tables of document-sync, in a schema of their own."""

SCHEMA = "document_sync"
