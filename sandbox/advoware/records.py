"""The records of the sandbox, as values that never change (a write replaces them), and how the API shows them."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.advoware.switches import Switches
from sandbox.clocks import lying

CHILD_KINDS = ("adressen", "kommunikation", "bankverbindungen")
_row_numbers = itertools.count(1)


def new_row_id() -> str:
    """Opaque Base64 text, never the same twice."""
    return base64.b64encode(secrets.token_bytes(5) + next(_row_numbers).to_bytes(4, "big")).decode("ascii")


@dataclass(frozen=True)
class Child:
    """One address, bank account or communication entry. `kz_hidden`: the API shows kommKz 0 until a desk edits it."""

    id: int
    values: Mapping[str, Any]
    kz_hidden: bool = False
    row_id: str = field(default_factory=new_row_id)

    def as_json(self, *, zero_kz: bool = False) -> dict[str, Any]:
        """As GET shows it."""
        shown = {"id": self.id, "rowId": self.row_id, **self.values}
        if zero_kz and self.kz_hidden:
            shown["kommKz"] = 0
        return shown


@dataclass(frozen=True)
class Party:
    """One Beteiligter with all that belongs to it; `changed` is local time without a zone, in seconds."""

    bet_nr: int
    values: Mapping[str, Any]
    changed: datetime
    children: Mapping[str, tuple[Child, ...]] = field(default_factory=lambda: dict.fromkeys(CHILD_KINDS, ()))
    in_use: bool = False
    row_id: str = field(default_factory=new_row_id)

    def as_json(self, switches: Switches) -> dict[str, Any]:
        """As GET shows it, with the children inline."""
        told = None if switches.geaendert_am_null else lying(switches.geaendert_am_lie, self.changed)
        kinds = {
            kind: [child.as_json(zero_kz=switches.komm_kz_zero) for child in self.children[kind]]
            for kind in CHILD_KINDS
        }
        return {
            "betNr": self.bet_nr,
            "rowId": self.row_id,
            "geaendertAm": told and told.isoformat(timespec="seconds"),
            **self.values,
            "adressen": kinds["adressen"],
            "kommunikation": kinds["kommunikation"],
            switches.bank_spelling: kinds["bankverbindungen"],
        }


@dataclass(frozen=True)
class Version:
    """One write in a record's history: who (`api` or `desk`), what, which fields, and the record afterwards."""

    at: datetime
    origin: str
    action: str
    fields: tuple[str, ...]
    row_id: str
    values: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For the control API and the page; `at` is UTC with microseconds."""
        return {
            "at": self.at.isoformat(),
            "origin": self.origin,
            "action": self.action,
            "fields": list(self.fields),
            "rowId": self.row_id,
            "values": dict(self.values),
        }
