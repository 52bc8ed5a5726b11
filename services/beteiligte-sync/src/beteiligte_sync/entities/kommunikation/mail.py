"""E-mail addresses: compared without case, domains with umlauts as punycode, and only what EspoCRM takes. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import idna

from synckit.text import squeezed

_TAKEN = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}"
)
_SCHEME = re.compile(r"mailto:\s*", re.IGNORECASE)
_NARROW = re.compile("[\u2006\u2008-\u200a\u202f]")
"""Blanks so narrow that nobody sees them in an address; a wide one parts two words."""
_AROUND_AT = re.compile(r"\s*[@\N{FULLWIDTH COMMERCIAL AT}]\s*")
LONGEST_LOCAL = 64
LONGEST = 254


@lru_cache(maxsize=4096)
def address_of(typed: str) -> str | None:
    """The address as EspoCRM can hold it; None for what is none, or what it would refuse."""
    text = _AROUND_AT.sub("@", squeezed(_NARROW.sub("", typed)))
    if scheme := _SCHEME.match(text):
        text = text[scheme.end() :].partition("?")[0]
    # An address is never followed by a full stop; the sentence that it was copied from is.
    local, at, domain = text.rstrip(" .,;").rpartition("@")
    if not at or not local or len(local) > LONGEST_LOCAL:
        return None
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    address = f"{local}@{domain}"
    return address if len(address) <= LONGEST and _TAKEN.fullmatch(address) else None
