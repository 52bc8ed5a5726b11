"""Changes → records, as `synckit.events.encode` would make them, with all that is the same for a batch made once.

Thousands a second come through here: headers are shared tuples.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from kanzlei.nouns import ESPOCRM
from synckit.events import CONTENT_TYPE, Action, EventBody, Record, event_type, rfc3339, written

_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", CONTENT_TYPE)


class Envelope:
    """Makes the records of one entity and action."""

    def __init__(self, entity: str, action: Action) -> None:
        origin = ESPOCRM
        self._source = ("ce_source", f"/{origin}/{entity}".encode())
        self._type = ("ce_type", event_type(entity, action).encode())
        self._entity, self._action, self._origin = entity, action.value, origin

    def records(
        self,
        changes: Mapping[str, tuple[str, ...]],
        *,
        batch_id: str,
        traceparent: str,
        received_at: datetime,
    ) -> list[Record]:
        """One record an id. `batch_id` is unique; an event's id is that and its place."""
        time = ("ce_time", rfc3339(received_at))
        trace = ("ce_traceparent", traceparent.encode())
        made = []
        for place, (entity_id, changed) in enumerate(changes.items()):
            key = entity_id.encode()
            body = EventBody(self._entity, entity_id, self._action, self._origin, list(changed))
            headers = (
                _SPECVERSION,
                ("ce_id", f"{batch_id}-{place}".encode()),
                self._source,
                self._type,
                ("ce_subject", key),
                time,
                _CONTENT_TYPE,
                trace,
            )
            made.append(Record(key, written(body), headers))
        return made
