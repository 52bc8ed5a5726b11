"""POST /v1/documents/search: chunks that have the words of the question, the rarest words counting most."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.xai.filters import parsed
from sandbox.xai.texts import chunks_of
from sandbox.xai.world import Collection, Document, World

WORD = re.compile(r"\w+")
STEM = 5
"""Letters that two forms of a word share, where the retrieval is not by keyword."""
NOISE = frozenset(
    re.findall(
        r"\w+",
        "der die das den dem des ein eine einer eines einem einen und oder aber ist sind war wird wer was wann wo wie "
        "warum welche welcher welches hat haben nicht kein keine mit von vom zum zur bei aus auf für im in am an zu es "
        "sie er wir the a an and or of on to is are was were who what when where why how which does did has have not",
    )
)


@dataclass
class Chunk:
    """A piece of one document; in several collections it is one match."""

    id: str
    document: Document
    text: str
    page: int | None
    words: frozenset[str]
    collections: list[str] = field(default_factory=list)


def search(world: World, chosen: Sequence[Collection], asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The best matches first. Asks only what is PROCESSED and whose file is still there."""
    by_stem = _mode(asked) != "keyword"
    wanted = terms(str(asked["query"]), by_stem=by_stem)
    chunks = list(_chunks(world, chosen, str(asked.get("filter") or ""), by_stem=by_stem))
    scored = [(score, chunk) for chunk in chunks if (score := _score(wanted, chunk, chunks)) > 0]
    scored.sort(key=lambda pair: (-pair[0], pair[1].id))
    return [_match(score, chunk) for score, chunk in scored[: int(asked.get("limit") or 10)]]


def terms(text: str, *, by_stem: bool) -> frozenset[str]:
    """The words that count, in one form."""
    words = (word.casefold() for word in WORD.findall(text))
    return frozenset(word[:STEM] if by_stem else word for word in words if word not in NOISE)


def _mode(asked: Mapping[str, Any]) -> str:
    mode = asked.get("retrieval_mode")
    return str(mode.get("type") or "hybrid") if isinstance(mode, dict) else "hybrid"


def _chunks(world: World, chosen: Sequence[Collection], told: str, *, by_stem: bool) -> Iterable[Chunk]:
    keep = parsed(told)
    found: dict[str, Chunk] = {}
    for collection in chosen:
        for file_id, document in collection.documents.items():
            values = {"file_id": file_id, "name": document.file.name}
            values |= {f"fields.{key}": value for key, value in document.fields.items()} | document.fields
            if not world.is_found(document) or not keep(values):
                continue
            for chunk in _of(document, by_stem=by_stem):
                found.setdefault(chunk.id, chunk).collections.append(collection.id)
    return found.values()


def _of(document: Document, *, by_stem: bool) -> Iterable[Chunk]:
    number = 0
    for page in document.file.pages:
        for text in chunks_of(page.text):
            number += 1
            name = hashlib.sha256(f"{document.file.id}/{number}".encode()).hexdigest()[:32]
            yield Chunk(f"chunk_{name}", document, text, page.number, terms(text, by_stem=by_stem))


def _score(wanted: frozenset[str], chunk: Chunk, chunks: Sequence[Chunk]) -> float:
    """0 to 1: the share of the question that is there, rare words counting more."""
    weights = {word: math.log(1 + len(chunks) / (1 + sum(word in each.words for each in chunks))) for word in wanted}
    total = sum(weights.values())
    return 0.0 if not total else sum(weights[word] for word in wanted & chunk.words) / total


def _match(score: float, chunk: Chunk) -> dict[str, Any]:
    match = {
        "file_id": chunk.document.file.id,
        "chunk_id": chunk.id,
        "chunk_content": chunk.text,
        "score": round(score, 6),
        "collection_ids": chunk.collections,
        "fields": dict(chunk.document.fields),
    }
    return match if chunk.page is None else {**match, "page_number": chunk.page}
