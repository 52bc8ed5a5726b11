"""Dead letters as a person reads them, and as a program does. Pure; identity only, never a record's values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kanzlei.deadletters.decide import Listed, State

STATES = {State.OPEN: "offen", State.OVERTAKEN: "überholt", State.SETTLED: "erledigt"}
HOW = {"redriven": "erneut gesendet", "dropped": "verworfen"}


def table(rows: Sequence[Listed], now: datetime) -> str:
    """One line a letter, with a line above that says what the columns are."""
    if not rows:
        return "Keine."
    head = ("Brief", "Schlüssel", "Grund", "Alter", "gesendet", "Stand")
    lines = [head, *(_row(one, now) for one in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def details(one: Listed) -> str:
    """All that is known of one letter."""
    letter = one.letter
    lines = [
        f"Brief       {letter.name}",
        f"Stand       {_state(one)}",
        f"seit        {letter.at.isoformat(timespec='seconds')}",
        f"Schlüssel   {letter.key or '(keine ID)'}",
        f"Herkunft    {letter.source.topic}, Partition {letter.source.partition}, Offset {letter.source.offset}",
        f"Ereignis    {letter.event.type if letter.event else 'nicht lesbar'}",
        f"Dienst      {letter.service or '?'}",
        f"Grund       {letter.reason}",
        f"Meldung     {letter.message or '-'}",
        f"Größe       {letter.size} Bytes",
        f"gesendet    {letter.redrives}-mal erneut",
    ]
    return "\n".join(lines)


def document(one: Listed) -> dict[str, Any]:
    """For programs."""
    letter, settled = one.letter, one.settled
    return {
        "letter": letter.name,
        "state": str(one.state),
        "at": letter.at.isoformat(),
        "key": letter.key,
        "source": {
            "topic": letter.source.topic,
            "partition": letter.source.partition,
            "offset": letter.source.offset,
        },
        "event": letter.event.type if letter.event else None,
        "service": letter.service,
        "reason": letter.reason,
        "message": letter.message,
        "size": letter.size,
        "redrives": letter.redrives,
        "settled": settled and {"how": settled.how, "who": settled.who, "at": settled.at.isoformat()},
    }


def age(seconds: float) -> str:
    """The largest unit that is not nought: `3 Tage`, `2 Std`, `5 Min`, `12 s`."""
    for unit, size in (("Tage", 86_400), ("Std", 3_600), ("Min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def _row(one: Listed, now: datetime) -> tuple[str, ...]:
    letter = one.letter
    old = age((now - letter.at).total_seconds())
    return (letter.name, letter.key or "-", letter.reason, old, f"{letter.redrives}x", _state(one))


def _state(one: Listed) -> str:
    if one.settled is None:
        return STATES[one.state]
    return f"{HOW[one.settled.how]} von {one.settled.who}, {one.settled.at.isoformat(timespec='minutes')}"
