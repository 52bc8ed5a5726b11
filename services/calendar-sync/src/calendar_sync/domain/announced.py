"""A POST that was announced and perhaps made: looked for by its mark before anything follows. Pure."""

from __future__ import annotations

from datetime import timedelta

from calendar_sync.domain.memory import Row
from calendar_sync.domain.scene import Ask, Part, Scene

PATIENCE = timedelta(minutes=2)
"""So long a POST of which we saw no answer may still arrive."""


def looked_for(scene: Scene, row: Row) -> int | Part | None:
    """The number of its Termin; what must be asked or waited for first; None: it was not made."""
    found = [each for each in scene.desk.marked.get(row.mark, ()) if each not in scene.by_frnr]
    if found:
        return min(found)
    day = row.left.start.date() if row.left is not None else scene.today
    if day not in scene.desk.days:
        return Part(ask=Ask(days=(day,)))
    if scene.desk.is_doubtful:
        return Part(waiting=((row.key, "Advowares Liste war unvollständig"),))
    if row.since is not None and scene.now - row.since < PATIENCE:
        return Part(waiting=((row.key, "der vorige Versuch kann noch ankommen"),))
    return None
