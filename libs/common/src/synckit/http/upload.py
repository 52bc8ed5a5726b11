"""A body on its way to a remote: cut to pieces, counted, timed."""

from __future__ import annotations

from collections.abc import AsyncIterator

from synckit.body import Body, WrongLength, pieces
from synckit.http.patience import Patience


class Upload:
    """The chunks of a body for aiohttp: iterated once.

    `failure` is what the source raised. `may_be_whole`: the remote may have all of it, and so may act on it.
    """

    def __init__(self, body: Body, patience: Patience) -> None:
        self.failure: Exception | None = None
        self.may_be_whole = False
        self._length = body.size
        self._source = aiter(pieces(body.content))
        self._patience = patience
        self._sent = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        # The source has limits of its own; the remote's silence counts while it has something to take.
        self._patience.for_source()
        try:
            piece = await anext(self._source, None)
            self._count(piece)
        except Exception as error:
            self.failure = error
            raise
        if piece is None:
            self._patience.for_answer()
            raise StopAsyncIteration
        self._patience.for_chunk()
        return piece

    def _count(self, piece: bytes | None) -> None:
        self._sent += len(piece or b"")
        if self._length is None:
            self.may_be_whole = piece is None
        elif self._sent > self._length or (piece is None and self._sent < self._length):
            raise WrongLength
        else:
            self.may_be_whole = self._sent == self._length
