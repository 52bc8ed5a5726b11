"""How much of large bodies is held at once, over all requests. Pure: it counts, and says no."""

from __future__ import annotations


class NoRoom(Exception):
    """The piece that has come is one too many; its request has to go, and may come again."""


class Room:
    """Counts what has come, not what was announced: who announces much and sends little takes no room from others."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def share(self) -> Share:
        """What one request holds, given back at the end of its `with`."""
        return Share(self)

    def take(self, size: int) -> None:
        if self.held + size > self._most:
            raise NoRoom
        self.held += size

    def give(self, size: int) -> None:
        self.held -= size


class Share:
    """One request's part of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._held = 0

    def take(self, size: int) -> None:
        """NoRoom where all requests together would hold too much; nothing is taken then."""
        self._room.take(size)
        self._held += size

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self._room.give(self._held)
        self._held = 0
