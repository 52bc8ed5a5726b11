"""Why a record is as it is, in the words of the office: `python -m recordsync.explain CBeteiligte ID`."""
