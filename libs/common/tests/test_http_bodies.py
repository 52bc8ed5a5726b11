"""Bodies and forms: what is written is what a server reads, whatever the names and the sizes of the chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synckit.body import PIECE, Body, Part, WrongLength, multipart
from synckit.http.patience import Patience, Waits
from synckit.http.upload import Upload

PATIENT = Waits(60, 60, 60, 60)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _uploaded(body: Body) -> tuple[list[bytes], Upload]:
    upload = Upload(body, Patience(PATIENT))
    return [piece async for piece in upload], upload


@given(contents=st.lists(st.binary(max_size=300), max_size=4), names=st.lists(NAMES, min_size=4, max_size=4))
def test_a_form_is_read_as_it_was_meant(contents: list[bytes], names: list[str]) -> None:
    """The length said before is the length, and another reader than ours finds the parts."""
    parts = [
        Part(name, _chunks(content[:9], content[9:]), name, "application/pdf", len(content))
        for name, content in zip(names, contents, strict=False)
    ]
    body = multipart(parts, boundary="a0b1c2d3e4f5a6b7")
    pieces, _ = asyncio.run(_uploaded(body))
    sent = b"".join(pieces)
    assert len(sent) == body.length
    found = sent.split(b"--a0b1c2d3e4f5a6b7")[1:-1]
    assert [one.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for one in found] == contents
    assert all(one.partition(b"\r\n\r\n")[0].count(b"\r\n") == 2 for one in found)


def test_a_filename_ends_no_line_and_no_quote() -> None:
    body = multipart([Part("file", b"x", 'a"\r\nX-Evil: 1 Ü.pdf')], boundary="b")
    pieces, _ = asyncio.run(_uploaded(body))
    head = b"".join(pieces).partition(b"\r\n\r\n")[0].partition(b"\r\n")[2]
    read = BytesParser(policy=HTTP).parsebytes(head)
    assert read.keys() == ["Content-Disposition", "Content-Type"]
    assert 'filename="a%22%0D%0AX-Evil: 1 Ü.pdf"'.encode() in head


def test_a_form_without_lengths_has_none() -> None:
    body = multipart([Part("purpose", b"assistants"), Part("file", _chunks(b"x"), "a")])
    assert (body.length, body.is_repeatable) == (None, False)


async def test_large_chunks_are_cut_to_pieces() -> None:
    pieces, upload = await _uploaded(Body(_chunks(b"x" * (3 * PIECE + 1)), length=3 * PIECE + 1))
    assert [len(piece) for piece in pieces] == [PIECE, PIECE, PIECE, 1]
    assert upload.may_be_whole


@pytest.mark.parametrize("length", [3, 5])
async def test_a_wrong_length_breaks_off(length: int) -> None:
    upload = Upload(Body(_chunks(b"ab", b"cd"), length=length), Patience(PATIENT))
    with pytest.raises(WrongLength):
        [piece async for piece in upload]
    assert isinstance(upload.failure, WrongLength)
    assert not upload.may_be_whole


async def test_what_the_source_raises_is_kept() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise LookupError

    upload = Upload(Body(broken()), Patience(PATIENT))
    with pytest.raises(LookupError):
        [piece async for piece in upload]
    assert isinstance(upload.failure, LookupError)
    assert not upload.may_be_whole


async def test_a_body_is_whole_with_its_last_byte() -> None:
    """The remote has it then, though nobody has asked for the end."""
    upload = Upload(Body(_chunks(b"ab", b"cd"), length=4), Patience(PATIENT))
    seen = [(await anext(upload), upload.may_be_whole) for _ in range(2)]
    assert seen == [(b"ab", False), (b"cd", True)]
