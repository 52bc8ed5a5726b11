"""Attachments on the disk: hashed on their way, never more than 1 MiB of one in memory, gone with their look.

The file has no name from the moment that it is there: a crash leaves nothing of a client's behind.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from document_sync.domain.values import StoredFile, Unusable
from synckit.errors import RemoteUnavailable

PIECE = 512 * 1024
"""Bytes that are held at once, and handed over at once."""
UPSTREAM = "spool"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Download(Protocol):
    """One attachment on its way."""

    @property
    def is_gone(self) -> bool:
        """EspoCRM has no such attachment."""

    @property
    def content_type(self) -> str:
        """As EspoCRM says, in small letters, without parameters."""

    @property
    def length(self) -> int | None:
        """Bytes as it was said before."""

    def chunks(self) -> AsyncIterator[bytes]: ...


class Source(Protocol):
    """Where attachments come from."""

    def download(self, attachment: str) -> AbstractAsyncContextManager[Download]: ...


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """`largest` in bytes. `types`: content types that may be sent; empty: all."""

    largest: int
    types: frozenset[str] = frozenset()


@dataclass(slots=True)
class DiskSpooled:
    """`ports.Spooled`."""

    content: StoredFile | Unusable
    _file: IO[bytes] | None = field(default=None, repr=False)

    async def chunks(self) -> AsyncIterator[bytes]:
        """From the beginning each time."""
        if self._file is None:
            return
        await asyncio.to_thread(self._file.seek, 0)
        while piece := await asyncio.to_thread(self._file.read, PIECE):
            yield piece

    async def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await asyncio.to_thread(file.close)


class DiskSpool:
    """`ports.Spool`. RemoteUnavailable of `spool` where the disk is full: no document is at fault."""

    def __init__(self, source: Source, folder: Path | None, limits: SpoolLimits) -> None:
        self._source = source
        self._folder = folder
        self._limits = limits

    async def fetch(self, attachment: str) -> DiskSpooled:
        async with self._source.download(attachment) as download:
            reason = self._refused_unread(download)
            if reason:
                return DiskSpooled(Unusable(attachment, reason))
            file = await self._opened()
            try:
                content = await self._written(attachment, download, file)
            except BaseException:
                file.close()
                raise
        if isinstance(content, Unusable):
            file.close()
            return DiskSpooled(content)
        return DiskSpooled(content, file)

    def _refused_unread(self, download: Download) -> str:
        """What can be told from what was said before the bytes."""
        if download.is_gone:
            return "gone"
        if download.length == 0:
            return "empty"
        if self._limits.types and download.content_type not in self._limits.types:
            return "type"
        return "too_large" if (download.length or 0) > self._limits.largest else ""

    async def _opened(self) -> IO[bytes]:
        try:
            return await asyncio.to_thread(tempfile.TemporaryFile, dir=self._folder)
        except OSError as error:
            raise RemoteUnavailable(UPSTREAM, f"no file can be made ({error.errno})") from None

    async def _written(self, attachment: str, download: Download, file: IO[bytes]) -> StoredFile | Unusable:
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        held, size = bytearray(), 0

        def write(piece: bytes) -> None:
            sha256.update(piece)
            md5.update(piece)
            file.write(piece)

        async for chunk in download.chunks():
            size += len(chunk)
            if size > self._limits.largest:
                return Unusable(attachment, "too_large")
            held += chunk
            if len(held) >= PIECE:
                await _on_disk(write, bytes(held))
                held.clear()
        await _on_disk(write, bytes(held))
        if download.length is not None and size != download.length:
            raise RemoteUnavailable("espocrm", "an attachment of another size than was said")
        if not size:
            return Unusable(attachment, "empty")
        return StoredFile(attachment, sha256.hexdigest(), md5.hexdigest(), size, download.content_type)


async def _on_disk(write: Callable[[bytes], None], piece: bytes) -> None:
    """In a thread: a slow disk holds up nobody else."""
    try:
        await asyncio.to_thread(write, piece)
    except OSError as error:
        word = "the disk is full" if error.errno in FULL else f"it can't be written ({error.errno})"
        raise RemoteUnavailable(UPSTREAM, word) from None
