"""What Google may answer that the general taxonomy has no word for. Each says what happens next.

SyncTokenDead      list the whole window again; what we remember of the pairs stays
IdTaken            an event with our id is there: read it, compare the marker, adopt it or undelete it by an update
CalendarLost       the calendar is gone or not ours to see any more: that employee is quarantined, nothing is deleted
ReadOnlyEvent      somebody else's event: shown as it is, never written
NoAccount          an address that the domain does not know: that employee has no calendar until somebody mends it
WritesBlocked      Google's limit against abuse: no write of this account for hours; never a loop of tries
"""

from __future__ import annotations

from synckit.errors import PermanentError, RateLimited, RemoteRejected, StaleVersion


class SyncTokenDead(StaleVersion):
    """410 fullSyncRequired, 410 updatedMinTooLongAgo, or 400 "Invalid sync token value."."""

    code = "sync_token_dead"


class IdTaken(RemoteRejected):
    """409 of an insert: by an event that lives or by one that is cancelled."""

    code = "id_taken"


class CalendarLost(PermanentError):
    """404 or 403 for the calendar as a whole."""

    code = "calendar_lost"


class ReadOnlyEvent(RemoteRejected):
    """403 because the event is not ours to change."""

    code = "read_only_event"


class NoAccount(PermanentError):
    """Google gives no token for this address: misspelt, suspended, deleted, or of another domain."""

    code = "no_account"


class WritesBlocked(RateLimited):
    """403 quotaExceeded, or a write that was not sent because of one."""

    code = "writes_blocked"
