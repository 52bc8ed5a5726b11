"""Google Calendar as an office's Workspace has it: token service, API v3, push, and its web page for people."""
