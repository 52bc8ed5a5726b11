"""Links between records → looks at those of them that are ours. Pure.

A look is an event on the record's own topic: there it waits its turn among the other events of that record, in their
order, merged with them. Handled where it came in, it would be a second look beside theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from kanzlei.topics import EVENT_TOPICS
from synckit.errors import InvalidEvent
from synckit.events import LINKS, Action, ChangeEvent, Record, attribute_names, encode


def looks(events: Iterable[ChangeEvent], entities: Collection[str]) -> Mapping[str, Record]:
    """Topic → what to send there, for the events of one key, oldest first: one look a noun, by its newest event.

    Ids are unique within a type only, so one key may be records of two nouns. The event's id and trace stay: a
    journal leads back to the webhook. InvalidEvent for what is no link.
    """
    found: dict[str, ChangeEvent] = {}
    for event in events:
        if event.action not in LINKS:
            raise InvalidEvent(f"{event.type} does not belong on this topic")
        if event.entity in entities:
            topic = EVENT_TOPICS[event.entity]
            before = found[topic].changed if topic in found else ()
            names = attribute_names(sorted({*before, *event.changed}))
            found[topic] = replace(event, action=Action.SYNC_CHECK, changed=names)
    return {topic: encode(event) for topic, event in found.items()}
