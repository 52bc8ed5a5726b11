"""Why a record is as it is, in the words of the office: `python -m beteiligte_sync.explain CBeteiligte ID`."""
