"""The accounts: those of the office's domain, which delegation knows, and persons from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

ADDRESS = re.compile(r"[^@\s:]+@[^@\s:]+\Z")
DOMAIN = "kanzlei.example"


class Accounts:
    """An account is its address in small letters."""

    def __init__(self, emails: Iterable[str] = ()) -> None:
        self._domain: dict[str, str] = {}
        for email in emails:
            self.add(email)

    def add(self, email: object, name: object = None) -> str:
        """One more in the domain; ValueError for what is no address."""
        address = str(email).strip().lower()
        if not ADDRESS.match(address):
            raise ValueError(f"{email!r} is no address")
        self._domain[address] = str(name or address.partition("@")[0])
        return address

    def remove(self, email: str) -> bool:
        """Suspended or deleted: delegation knows it no longer."""
        return self._domain.pop(email.lower(), None) is not None

    def in_domain(self, email: str) -> bool:
        return email.lower() in self._domain

    def as_rows(self) -> list[dict[str, str]]:
        """All of the domain."""
        return [{"email": email, "name": name} for email, name in self._domain.items()]


def read_accounts(path: Path) -> list[str]:
    """A JSON list of addresses or of {"email"}, or one address a line."""
    text = path.read_text()
    if not text.lstrip().startswith("["):
        return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [str(row["email"] if isinstance(row, dict) else row) for row in json.loads(text)]
