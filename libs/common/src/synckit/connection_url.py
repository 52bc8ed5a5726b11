"""Addresses with credentials in them: whether every part is what its writer meant. Nothing here repeats a value.

A `/`, `#`, `@` or `?` that a password holds unescaped cuts the address elsewhere: a library then takes a part of the
password for a host or a port, and says so in its error.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

ESCAPES = "/ is %2F, # is %23, @ is %40, ? is %3F, : is %3A, [ is %5B, ] is %5D, % is %25, a space is %20"
_CUT = f"has to be percent-encoded where it holds such a character ({ESCAPES})"
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = r"(?:[^/?\#@\[\]:,]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_URL = re.compile(
    rf"[a-z][a-z0-9+.-]*://(?:[^/?\#@\[\]]*@)?(?P<hosts>{_HOST}(?:,{_HOST})*)(?:/[^?\#@\[\]]*)?(?:\?[^\#@\[\]]*)?"
)
_BROKER = re.compile(r"[^,:/@\s]+:[0-9]{1,5}")
Words = Collection[str]


def check_url(value: str, schemes: Words) -> None:
    """ValueError with what is wrong and how to mend it."""
    found = _URL.fullmatch(value)
    if value.partition("://")[0] not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{name}://' for name in schemes)}")
    if found is None or _INVISIBLE.search(value) or _ESCAPE.search(value):
        raise ValueError(f"is no address that can be read: the user or password {_CUT}")
    ports = re.findall(r":([0-9]+)(?=,|\Z)", found["hosts"])
    if any(not 0 < int(port) < 65536 for port in ports):
        raise ValueError(f"has a port that there is not; or the user or password {_CUT}")


def check_address(value: str) -> None:
    """Of a server that gets its credentials otherwise. ValueError with what is wrong."""
    if value.partition("://")[0] not in ("http", "https"):
        raise ValueError("must be an http:// or https:// address")
    if "@" in value:
        raise ValueError("holds a user or password: they have variables of their own")
    found = _URL.fullmatch(value)
    if found is None or _INVISIBLE.search(value) or "?" in value or not urlsplit(value).hostname:
        raise ValueError("must be an http:// or https:// address without blanks, parameters or #")
    _ = urlsplit(value).port  # a ValueError of its own names the port


def shown(value: str) -> str:
    """For a complaint about an argument: repeated where it can't hold a credential."""
    return "it" if set("@?#") & set(value) else repr(value)


def check_brokers(value: str) -> None:
    """`host:port`, separated by commas."""
    if not all(_BROKER.fullmatch(each) for each in value.split(",")):
        raise ValueError("must be host:port, separated by commas")


def check_key(value: str) -> None:
    """What is sent in a header: a line break would make every single call a bug."""
    if not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError("holds a blank, a line break or a letter that no header takes, perhaps at its end")


def check_text(value: str) -> None:
    """Of any variable."""
    if re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("holds a line break or another invisible character, perhaps at its end")
