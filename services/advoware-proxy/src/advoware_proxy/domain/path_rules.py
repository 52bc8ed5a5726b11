"""What of a query becomes a URL. Everything is checked before there is one; what is not plainly good is refused.

Nothing is mended: a path is a list of segments of a few harmless characters, or it is not taken. So there is no second
reading of it (encoded, double encoded, backslashes, dots) that could differ from ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

PATH_NAMES = ("path", "endpoint")
"""The parameter that holds the path; old callers say `endpoint`."""
OLD_PREFIX = ("api", "v1", "advonet")
"""Old callers give the path from the root of Advoware's host."""
MOST_QUERY, MOST_PATH, MOST_SEGMENTS, MOST_PAIRS, MOST_VALUE = 8192, 512, 12, 40, 1024
_SEGMENT = re.compile(r"[A-Za-z0-9_~-](?:[A-Za-z0-9._~-]{0,62}[A-Za-z0-9_~-])?\Z", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


class BadPath(ValueError):
    """Not taken. `reason` is a word of ours, never part of the path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Target:
    """Checked segments below the base path, and decoded parameters in the order in which they came."""

    segments: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Base:
    """The one place that is ever called: `origin` is scheme, host and port; `path` has no slash at its end."""

    origin: str
    path: str

    @classmethod
    def of(cls, address: str, path: str) -> Base:
        """From a configured address; what it has of a path comes before `path`. ValueError for anything else in it."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError("must be http:// or https://, a host, perhaps a port")
        if parts.query or parts.fragment:
            raise ValueError("has a query or a fragment")
        return cls(f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/") + path)


def parse(query: str) -> Target:
    """The raw query of a request → what is asked for. BadPath for anything that is not plainly good."""
    pairs = _pairs(query)
    paths = [value for name, value in pairs if name in PATH_NAMES]
    if len(paths) != 1:
        raise BadPath("path_missing" if not paths else "path_twice")
    others = tuple((name, value) for name, value in pairs if name not in PATH_NAMES)
    return Target(_segments(paths[0]), others)


def build_url(base: Base, target: Target) -> str:
    """The URL, encoded: it has the base's origin, is below the base's path, and decodes to exactly this target."""
    url = f"{base.origin}{base.path}/{'/'.join(target.segments)}"
    if not target.pairs:
        return url
    return f"{url}?{'&'.join(f'{_quoted(name)}={_quoted(value)}' for name, value in target.pairs)}"


def _pairs(query: str) -> Sequence[tuple[str, str]]:
    if len(query) > MOST_QUERY:
        raise BadPath("query_too_long")
    parts = [part for part in query.split("&") if part]
    if len(parts) > MOST_PAIRS:
        raise BadPath("too_many_parameters")
    return [_pair(part) for part in parts]


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    name, value = _decoded(name), _decoded(value)
    if not _NAME.match(name):
        raise BadPath("parameter_name")
    if len(value) > MOST_VALUE:
        raise BadPath("value_too_long")
    return name, value


def _decoded(text: str) -> str:
    """Once, strictly: whole escapes, UTF-8, nothing invisible that ends lines or strings."""
    if _ESCAPE.search(text):
        raise BadPath("broken_escape")
    try:
        raw = b"".join(_bytes_of(piece) for piece in re.split(r"(%[0-9A-Fa-f]{2})", text.replace("+", " ")))
        decoded = raw.decode("utf-8")
    except UnicodeError:
        raise BadPath("not_utf8") from None
    if _CONTROL.search(decoded):
        raise BadPath("control_character")
    return decoded


def _bytes_of(piece: str) -> bytes:
    return bytes([int(piece[1:], 16)]) if piece.startswith("%") else piece.encode("utf-8")


def _segments(path: str) -> tuple[str, ...]:
    if len(path) > MOST_PATH:
        raise BadPath("path_too_long")
    segments = tuple(path.removeprefix("/").split("/"))
    if segments[: len(OLD_PREFIX)] == OLD_PREFIX:
        segments = segments[len(OLD_PREFIX) :]
    if not segments or len(segments) > MOST_SEGMENTS:
        raise BadPath("segments")
    if not all(_SEGMENT.match(segment) for segment in segments):
        raise BadPath("characters")
    return segments


def _quoted(text: str) -> str:
    return quote(text, safe="")
