"""An exception told without its values: types and frames, and the text only where it is one of our own.

An exception of a library may quote anything, a client's name included; one of `synckit.errors` never does.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator

from synckit.errors import SyncError

MAX_FRAMES = 30
MAX_LEAVES = 5
MAX_LINKS = 20
_MARKERS = ("/site-packages/", "/src/", "/lib/python3")


def message_of(error: BaseException) -> str:
    """The text of a SyncError, else the type's name; of a group also those of what is in it."""
    if isinstance(error, BaseExceptionGroup):
        names = dict.fromkeys(type(leaf).__name__ for leaf in leaves(error))
        return f"{type(error).__name__}: {', '.join(list(names)[:MAX_LEAVES])}"
    return str(error) if isinstance(error, SyncError) else type(error).__name__


def leaves(error: BaseException) -> list[BaseException]:
    """What is in a group of exceptions, however deep; the error itself where it is no group."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in leaves(inner)]


def traceback_of(error: BaseException) -> str:
    """Frames and types of the whole chain, oldest cause first. No source lines, no locals, no foreign texts."""
    links = list(_chain(error))
    grouped = leaves(error)[:MAX_LEAVES] if isinstance(error, BaseExceptionGroup) else []
    parts = []
    for link in [*grouped, *reversed(links)]:
        frames = traceback.extract_tb(link.__traceback__)[-MAX_FRAMES:]
        lines = [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
        name = type(link).__name__
        told = message_of(link)
        parts.append("\n".join([*lines, told if told.startswith(name) else f"{name}: {told}"]))
    return "\n---\n".join(parts)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        if len(seen) >= MAX_LINKS:
            return
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _short(filename: str) -> str:
    for marker in _MARKERS:
        if marker in filename:
            return filename.rpartition(marker)[2]
    return filename.rpartition("/")[2]
