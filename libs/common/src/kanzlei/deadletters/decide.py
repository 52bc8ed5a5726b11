"""What can be done with a dead letter, and with what record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kanzlei.deadletters.letter import REDRIVES, Letter
from kanzlei.nouns import BY_TOPIC
from kanzlei.topics import ENTITY_LINKS, EVENT_TOPICS
from synckit.events import ENTITY_ID, Action, ChangeEvent, Origin, Record, encode

MOST_REDRIVES = 3
NOUN_OF = {topic: noun for noun, topic in EVENT_TOPICS.items()}


class State(StrEnum):
    """`settled`: sent again or dropped by a person. `overtaken`: a look since then has ended well."""

    OPEN = "open"
    OVERTAKEN = "overtaken"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Settled:
    """What a person did: `how` is redriven or dropped."""

    how: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter with what has become of it."""

    letter: Letter
    state: State
    settled: Settled | None = None


@dataclass(frozen=True, slots=True)
class Redrive:
    """A record for a topic; `refusal` says in German why there is none."""

    topic: str = ""
    record: Record | None = None
    refusal: str = ""


def listed(letter: Letter, settled: Settled | None, looked_at: datetime | None) -> Listed:
    """`looked_at`: when the record was last found in step, or brought there."""
    if settled is not None:
        return Listed(letter, State.SETTLED, settled)
    overtaken = looked_at is not None and looked_at > letter.at
    return Listed(letter, State.OVERTAKEN if overtaken else State.OPEN)


def in_original_order(letters: Iterable[Letter]) -> list[Letter]:
    """As their records once stood: by topic, partition, offset, so that one key's keep their order."""
    return sorted(letters, key=lambda one: (one.source, one.place))


def redrive(letter: Letter, at: datetime) -> Redrive:
    """How this letter goes back.

    A record's own event goes as `sync_check` of an operator: a look reads what both sides are now, and an old event's
    bytes could be taken for old news. A link goes as its bytes, for nothing else says which two records it joins.
    """
    if letter.redrives >= MOST_REDRIVES:
        return Redrive(refusal=f"schon {letter.redrives}-mal erneut gesendet: erst die Ursache beheben")
    topic = letter.source.topic
    if topic == ENTITY_LINKS:
        return _as_it_was(letter) if letter.event else Redrive(refusal="kein lesbares Ereignis")
    if noun := NOUN_OF.get(topic):
        if not ENTITY_ID.match(letter.key):
            return Redrive(refusal="ohne ID eines Datensatzes")
        check = ChangeEvent(noun, letter.key, Action.SYNC_CHECK, Origin.OPERATOR, at)
        return Redrive(topic, _marked(encode(check), letter))
    event, owned = letter.event, BY_TOPIC.get(topic)
    if event is None or owned is None or (event.domain, event.entity) != (owned.domain, owned.name):
        return Redrive(refusal="kein lesbares Ereignis")
    again = replace(event, origin=Origin.OPERATOR, received_at=at, id="", not_before=None)
    return Redrive(topic, _marked(encode(again), letter))


def looked_at(letter: Letter, looks: Mapping[tuple[str, str], datetime]) -> datetime | None:
    """From (noun, id) → the last look that ended well."""
    noun = NOUN_OF.get(letter.source.topic) or (letter.event.entity if letter.event else "")
    return looks.get((noun, letter.key))


def _as_it_was(letter: Letter) -> Redrive:
    return Redrive(letter.source.topic, _marked(letter.original, letter))


def _marked(record: Record, letter: Letter) -> Record:
    kept = tuple(one for one in record.headers if one[0] != REDRIVES)
    return Record(record.key, record.value, (*kept, (REDRIVES, str(letter.redrives + 1).encode())))
