"""Registers our webhooks in EspoCRM and keeps their keys: what it does, step by step, and what it says about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from kanzlei.espocrm.secrets_file import add_secrets, ensure_usable
from kanzlei.espocrm.webhooks import Webhook, compare, warnings
from synckit.errors import RemoteRejected

FORBIDDEN = 403
SKIPPED = 1
"""Exit status where EspoCRM lacks an entity type: the rest is done."""


class Webhooks(Protocol):
    """EspoCRM's webhooks."""

    async def all(self) -> Sequence[Webhook]: ...

    async def create(self, webhook: Webhook) -> Webhook: ...


@dataclass(slots=True)
class Report:
    """Webhooks by what became of them; ids and events only, never a key."""

    dry_run: bool
    created: list[Webhook] = field(default_factory=list)
    missing: list[Webhook] = field(default_factory=list)
    present: list[Webhook] = field(default_factory=list)
    elsewhere: list[Webhook] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    secrets_written: bool = False

    @property
    def status(self) -> int:
        return SKIPPED if self.skipped else 0

    def as_json(self) -> dict[str, object]:
        shown = {name: [_shown(one) for one in getattr(self, name)] for name in _LISTS}
        return {
            **shown,
            "dry_run": self.dry_run,
            "skipped": self.skipped,
            "warnings": self.warnings,
            "secrets_written": self.secrets_written,
        }

    def lines(self) -> list[str]:
        """All of them, one a line."""
        return [*(line for name in _LISTS for line in self._lines_of(name)), *self._troubles()]

    def summary(self) -> list[str]:
        """How many, and only those apart that are somebody's task."""
        made = f"{len(self.missing)} to create" if self.dry_run else f"{len(self.created)} created"
        return [
            f"webhooks: {made}, {len(self.present)} there already",
            *self._lines_of("elsewhere"),
            *self._troubles(),
        ]

    def _lines_of(self, name: str) -> list[str]:
        word = _WORDS[name]
        return [f"{word:<14} {one.event:<26} {one.id:<18} {one.url}" for one in getattr(self, name)]

    def _troubles(self) -> list[str]:
        skipped = [f"{'skipped':<14} {event:<26} {reason}" for event, reason in self.skipped.items()]
        return [*skipped, *(f"warning: {one}" for one in self.warnings)]


_LISTS = ("created", "missing", "present", "elsewhere")
_WORDS = {"created": "created", "missing": "would create", "present": "there", "elsewhere": "other address"}


def _shown(one: Webhook) -> dict[str, str]:
    return {"id": one.id, "event": one.event, "url": one.url}


async def register(webhooks: Webhooks, base_url: str, secrets_file: Path | None, *, dry_run: bool) -> Report:
    """Creates what is missing and keeps the keys. Again, it does nothing. SecretsFileUnusable before anything."""
    if secrets_file is not None and not dry_run:
        ensure_usable(secrets_file)
    found = compare(base_url, await webhooks.all())
    report = Report(dry_run, present=list(found.present), elsewhere=list(found.elsewhere))
    report.warnings += warnings(base_url, found.present)
    if dry_run:
        report.missing += found.missing
        return report
    report.secrets_written |= _keep(secrets_file, found.present)
    for one in found.missing:
        made = await _create(webhooks, one, report)
        # One at a time, so that no key is lost where a later one fails.
        report.secrets_written |= _keep(secrets_file, made)
    return report


async def _create(webhooks: Webhooks, one: Webhook, report: Report) -> Sequence[Webhook]:
    try:
        made = await webhooks.create(one)
    except RemoteRejected as error:
        if error.status != FORBIDDEN:
            raise
        report.skipped[one.event] = str(error)
        return ()
    report.created.append(made)
    return (made,)


def _keep(secrets_file: Path | None, webhooks: Sequence[Webhook]) -> bool:
    keys = {one.id: one.secret_key for one in webhooks if one.secret_key}
    return secrets_file is not None and bool(keys) and add_secrets(secrets_file, keys)
