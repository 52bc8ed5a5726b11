"""Bytes on their way through the disk."""

from __future__ import annotations

import errno
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from document_sync.adapters.spool import PIECE, DiskSpool, SpoolLimits
from document_sync.domain.values import StoredFile, Unusable
from synckit.errors import RemoteUnavailable

MIB = 1024 * 1024


@dataclass
class Coming:
    """A download of so many bytes."""

    size: int
    length: int | None
    content_type: str = "application/pdf"
    is_gone: bool = False
    given: int = 0
    breaks_at: int = -1

    async def chunks(self) -> AsyncIterator[bytes]:
        while self.given < self.size:
            if 0 <= self.breaks_at <= self.given:
                raise RemoteUnavailable("espocrm", "it broke off")
            piece = b"x" * min(64 * 1024, self.size - self.given)
            self.given += len(piece)
            yield piece


@dataclass
class One:
    coming: Coming

    @asynccontextmanager
    async def download(self, attachment: str) -> AsyncIterator[Coming]:
        yield self.coming


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def spool(coming: Coming, folder: Path, largest: int = 48 * MIB, types: frozenset[str] = frozenset()) -> DiskSpool:
    return DiskSpool(One(coming), folder, SpoolLimits(largest, types))


async def test_bytes_are_hashed_on_their_way(tmp_path: Path) -> None:
    """Read again as often as wished, in pieces; the file has no name, and is gone when it is closed."""
    coming = Coming(3 * MIB + 5, 3 * MIB + 5)
    spooled = await spool(coming, tmp_path).fetch("a1")
    whole = b"x" * coming.size
    assert spooled.content == StoredFile(
        "a1",
        hashlib.sha256(whole).hexdigest(),
        hashlib.md5(whole, usedforsecurity=False).hexdigest(),
        coming.size,
        "application/pdf",
    )
    for _ in range(2):
        pieces = [piece async for piece in spooled.chunks()]
        assert max(map(len, pieces)) <= PIECE < MIB
        assert b"".join(pieces) == whole
    assert names(tmp_path) == []
    await spooled.close()
    assert [piece async for piece in spooled.chunks()] == []


@pytest.mark.parametrize(
    ("coming", "reason"),
    [
        (Coming(0, 0), "empty"),
        (Coming(0, None), "empty"),
        (Coming(MIB + 1, MIB + 1), "too_large"),
        (Coming(MIB + 1, None), "too_large"),
        (Coming(5, 5, content_type="video/mp4"), "type"),
        (Coming(0, None, is_gone=True), "gone"),
    ],
)
async def test_what_can_not_be_sent_is_told(tmp_path: Path, coming: Coming, reason: str) -> None:
    """0 bytes, one byte too many, a type that is not in the list, an attachment that is gone."""
    found = await spool(coming, tmp_path, MIB, frozenset({"application/pdf"})).fetch("a1")
    assert found.content == Unusable("a1", reason)
    if coming.length is not None:
        assert coming.given == 0


async def test_the_largest_file_goes(tmp_path: Path) -> None:
    found = await spool(Coming(MIB, MIB), tmp_path, MIB).fetch("a1")
    assert isinstance(found.content, StoredFile)
    await found.close()


@pytest.mark.parametrize("said", [4, 6])
async def test_another_size_than_said_is_no_file(tmp_path: Path, said: int) -> None:
    with pytest.raises(RemoteUnavailable, match="another size"):
        await spool(Coming(5, said), tmp_path).fetch("a1")


async def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RemoteUnavailable, match="broke off"):
        await spool(Coming(MIB, MIB, breaks_at=MIB // 2), tmp_path).fetch("a1")
    assert names(tmp_path) == []


async def test_a_full_disk_is_nobodys_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as trouble of the spool: the document waits."""

    class Full:
        def write(self, _piece: bytes) -> int:
            raise OSError(errno.ENOSPC, "full")

        def close(self) -> None:
            pass

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(RemoteUnavailable, match="spool: the disk is full"):
        await spool(Coming(5, 5), tmp_path).fetch("a1")


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(RemoteUnavailable, match="no file can be made"):
        await spool(Coming(5, 5), tmp_path / "nowhere").fetch("a1")
