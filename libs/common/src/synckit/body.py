"""A request's body: bytes, or chunks that are fetched as the remote takes them, and forms made of both. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass, field

PIECE = 65536
"""Bytes that are handed over at once, however large the source's chunks are."""
_ESCAPED = {'"': "%22", "\r": "%0D", "\n": "%0A"}


class WrongLength(Exception):
    """A body is shorter or longer than was said before. A bug of whoever made it, or its source broke off."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is sent. `length` in bytes where it is known before; else the request is sent in chunks of HTTP/1.1.

    Bytes can be sent again. Chunks are iterated once, in a task of the client; what their source raises is raised by
    the client's call, and the request breaks off.
    """

    content: bytes | AsyncIterable[bytes] = field(repr=False)
    content_type: str | None = None
    length: int | None = None

    @property
    def size(self) -> int | None:
        return len(self.content) if isinstance(self.content, bytes) else self.length

    @property
    def is_small(self) -> bool:
        """It is one piece, and goes out at once."""
        return isinstance(self.content, bytes) and len(self.content) <= PIECE

    @property
    def is_repeatable(self) -> bool:
        return isinstance(self.content, bytes)


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form: text where it has no `filename`. `length` as for Body."""

    name: str
    content: bytes | AsyncIterable[bytes] = field(repr=False)
    filename: str | None = field(default=None, repr=False)
    content_type: str | None = None
    length: int | None = None


def multipart(parts: Sequence[Part], *, boundary: str | None = None) -> Body:
    """`multipart/form-data` (RFC 7578), names as browsers write them. Its length is known where each part's is."""
    boundary = boundary or uuid.uuid4().hex
    heads = [_head(part, boundary) for part in parts]
    tail = f"--{boundary}--\r\n".encode()
    sizes = [Body(part.content, length=part.length).size for part in parts]
    known = [size for size in sizes if size is not None]
    overhead = sum(len(head) + 2 for head in heads) + len(tail)
    length = overhead + sum(known) if len(known) == len(sizes) else None
    return Body(_form(parts, heads, tail), f"multipart/form-data; boundary={boundary}", length)


async def _form(parts: Sequence[Part], heads: Sequence[bytes], tail: bytes) -> AsyncIterator[bytes]:
    for part, head in zip(parts, heads, strict=True):
        yield head
        if isinstance(part.content, bytes):
            yield part.content
        else:
            async for chunk in part.content:
                yield chunk
        yield b"\r\n"
    yield tail


def _head(part: Part, boundary: str) -> bytes:
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(part.name)}"']
    if part.filename is not None:
        lines[1] += f'; filename="{_quoted(part.filename)}"'
    if content_type := part.content_type or ("application/octet-stream" if part.filename is not None else None):
        lines.append(f"Content-Type: {_quoted(content_type)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def _quoted(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


async def pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """A body's content in pieces of at most PIECE bytes."""
    if isinstance(content, bytes):
        for start in range(0, len(content), PIECE):
            yield content[start : start + PIECE]
        return
    async for chunk in content:
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]
