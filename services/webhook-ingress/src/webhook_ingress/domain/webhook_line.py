"""The one line that a webhook leaves in the log."""

from __future__ import annotations

from typing import ClassVar

from synckit.log.checked_text import Ident, Word
from synckit.log.known_lines import KnownLine


class WebhookLine(KnownLine, kw_only=True, gc=False):
    """One webhook request and its answer."""

    told: ClassVar[str] = "webhook"
    entity: Word
    action: Word
    outcome: Word
    status: int
    items: int
    records: int
    seconds: float
    trace_id: Ident
