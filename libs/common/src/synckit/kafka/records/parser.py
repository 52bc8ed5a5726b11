"""Records of Kafka's format 2 from the uncompressed bytes of a batch. Pure; nothing in it raises.

Each record says its length, so that one that makes no sense inside costs itself only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aiokafka.record.util import decode_varint

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class ParsedRecord:
    """`problem`: why it is not what its producer meant; then some of the rest may be missing. `raw` is all of it."""

    offset_delta: int
    raw: bytes
    problem: str = ""
    timestamp_delta: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self.at = 0

    def number(self) -> int:
        value, self.at = decode_varint(self._data, self.at)
        return int(value)

    def content(self) -> bytes | None:
        length = self.number()
        if length < 0:
            return None
        if self.at + length > len(self._data):
            raise ValueError("longer than its record")
        found = bytes(self._data[self.at : self.at + length])
        self.at += length
        return found


def parse_records(data: memoryview, count: int) -> Iterator[ParsedRecord]:
    """`count` records at most. Where even the lengths make no sense, the rest is one record with a problem."""
    at = 0
    for number in range(count):
        reader = _Reader(bytes(data[at : at + 10]))
        try:
            length = reader.number()
        except (ValueError, IndexError):
            length = -1
        start = at + reader.at
        if length < 0 or start + length > len(data):
            yield ParsedRecord(count - 1, bytes(data[at:]), "rest of a batch has no structure")
            return
        at = start + length
        yield _parsed(bytes(data[start:at]), number)


def _parsed(raw: bytes, number: int) -> ParsedRecord:
    reader = _Reader(raw)
    try:
        reader.at = 1  # attributes
        timestamp_delta, offset_delta = reader.number(), reader.number()
        key, value = reader.content(), reader.content()
        named = [(reader.content(), reader.content()) for _ in range(reader.number())]
    except (ValueError, IndexError):
        return ParsedRecord(number, raw, "record has no structure")
    headers = tuple(((name or b"").decode("utf-8", "backslashreplace"), content) for name, content in named)
    problem = "" if all(_is_text(name) for name, _ in named) else "name of a header is no UTF-8"
    return ParsedRecord(offset_delta, raw, problem, timestamp_delta, key, value, headers)


def _is_text(name: bytes | None) -> bool:
    try:
        return (name or b"").decode("utf-8") is not None
    except UnicodeDecodeError:
        return False
