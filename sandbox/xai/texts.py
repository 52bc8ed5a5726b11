"""The text of files: plain text as it is, PDFs by pypdf, other kinds have none here."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

CHUNK = 800
"""Characters of a chunk, cut between words."""
_TAGS = re.compile(r"<[^>]{0,500}>")
TEXT_TYPES = ("text/", "application/json", "application/xml", "message/")
TEXT_NAMES = (".txt", ".md", ".csv", ".eml", ".json", ".xml", ".html", ".htm")


@dataclass(frozen=True)
class Page:
    """`number` from 1 in a PDF, None elsewhere."""

    number: int | None
    text: str


def pages_of(name: str, content_type: str, content: bytes) -> list[Page]:
    """What can be read of it; nothing of a PDF that is broken or encrypted."""
    if content.startswith(b"%PDF-"):
        return _pdf(content)
    is_text = content_type.startswith(TEXT_TYPES) or name.lower().endswith(TEXT_NAMES)
    if not is_text and b"\x00" in content[:4096]:
        return []
    text = content.decode("utf-8", "replace")
    return [Page(None, _TAGS.sub(" ", text) if content_type == "text/html" else text)]


def _pdf(content: bytes) -> list[Page]:
    # Here and not above: most runs of the sandbox never see a PDF, and the library takes its time to load.
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content))
        return [Page(number, page.extract_text()) for number, page in enumerate(reader.pages, 1)]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def chunks_of(text: str) -> list[str]:
    """Pieces of about CHUNK characters."""
    found: list[str] = []
    held: list[str] = []
    size = 0
    for word in text.split():
        if size + len(word) > CHUNK and held:
            found.append(" ".join(held))
            held, size = [], 0
        held.append(word)
        size += len(word) + 1
    return [*found, " ".join(held)] if held else found
