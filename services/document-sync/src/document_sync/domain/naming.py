"""Names and fields that go to xAI. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from document_sync.domain.memory import File, digest
from document_sync.domain.values import RecordKey
from document_sync.domain.wanted import leader

LONGEST = 120
"""Bytes of a document's name in the name of its file: with the hash before it, xAI and any disk take it."""
LONGEST_FIELD = 500
_FORBIDDEN = frozenset('/\\:*?"<>|')


def prefix_of(sha256: str) -> str:
    """What the name of a file at xAI begins with: by it a lost answer is looked up."""
    return f"{sha256[:16]}-"


def file_name(sha256: str, name: str) -> str:
    """`<first 16 of sha256>-<name>`: no path, no control character, never too long, its ending kept."""
    plain = "".join("_" if each in _FORBIDDEN or not each.isprintable() else each for each in name)
    plain = plain.replace("..", "_").strip(" .") or "Dokument"
    stem, dot, ending = plain.rpartition(".")
    if not dot or not stem or len(ending) > 10:
        stem, ending = plain, ""
    room = LONGEST - len(f"{dot}{ending}".encode()) if ending else LONGEST
    kept = stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore")
    return prefix_of(sha256) + (f"{kept}.{ending}" if ending else kept)


def collection_name(record: RecordKey) -> str:
    """Of a record's collection, by which a lost answer is looked up. It names no client."""
    return f"{record.type}-{record.id}"


def fields_of(record: RecordKey, documents: tuple[str, ...], file: File, name: str) -> Mapping[str, str]:
    """The fields of a file in a collection. All are text."""
    return {
        "sha256": file.sha256,
        "espo_documents": ",".join(documents),
        "record": str(record),
        "name": name[:LONGEST_FIELD],
        "version": str(version_of(documents, file)),
    }


def version_of(documents: tuple[str, ...], file: File) -> int:
    """Of the document that the file is named after."""
    first = leader(documents, file)
    return next((one.version for one in file.standings if one.id == first), 0)


def named(key: bytes, fields: Mapping[str, str]) -> str:
    """The digest by which a change of name or version is seen."""
    return digest(key, fields["name"], fields["version"])
