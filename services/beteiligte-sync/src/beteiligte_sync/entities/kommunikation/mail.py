"""E-mail addresses: compared without case, domains with umlauts as punycode, and only what EspoCRM takes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

_TAKEN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}"
)
LONGEST_LOCAL = 64
LONGEST = 254


@lru_cache(maxsize=4096)
def address_of(typed: str) -> str | None:
    """The address as EspoCRM can hold it; None for what is none, or what it would refuse."""
    local, at, domain = typed.strip().rpartition("@")
    if not at or not local or len(local) > LONGEST_LOCAL:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    address = f"{local}@{domain}"
    return address if len(address) <= LONGEST and _TAKEN.fullmatch(address) else None
