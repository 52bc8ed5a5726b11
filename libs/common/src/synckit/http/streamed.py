"""An answer that is read as it comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace

import aiohttp

from synckit.errors import RemoteUnavailable
from synckit.http.answer import Answer
from synckit.http.patience import Patience
from synckit.http.session import TRANSPORT_ERRORS


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """Status and headers are here, the body is still to come; at most two read buffers of it are held.

    `head` is the answer without its body, `broken` turns a transport error into ours, `ended` hears of the last byte.
    """

    response: aiohttp.ClientResponse = field(repr=False)
    head: Answer
    largest: int
    patience: Patience = field(repr=False)
    broken: Callable[[Exception], RemoteUnavailable] = field(repr=False)
    ended: Callable[[], None] = field(repr=False)

    @property
    def status(self) -> int:
        return self.head.status

    @property
    def headers(self) -> Mapping[str, str]:
        """All of them, in their order; a name may be there more than once."""
        return self.head.headers

    @property
    def length(self) -> int | None:
        """Bytes of the body as it says, None where only its end tells."""
        return self.response.content_length

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body once, as it comes. RemoteUnavailable where it breaks off or is too large, else TooSlow."""
        received = 0
        while chunk := await self._chunk():
            received += len(chunk)
            if received > self.largest:
                raise RemoteUnavailable(self.head.upstream, "too large an answer", maybe_applied=self.head.is_write)
            yield chunk
        self.ended()

    async def complete(self) -> Answer:
        """The whole answer, read to its end and held: for small ones. Errors as for `chunks`."""
        return replace(self.head, body=b"".join([chunk async for chunk in self.chunks()]))

    async def _chunk(self) -> bytes:
        try:
            async with self.patience.receiving():
                return await self.response.content.readany()
        except TRANSPORT_ERRORS as error:
            raise self.broken(error) from None
