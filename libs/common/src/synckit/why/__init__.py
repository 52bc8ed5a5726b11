"""Why a record is as it is, in the words of the office: `python -m synckit.why CBeteiligte ID`."""
