"""Which webhooks EspoCRM should have for us, and what is missing of them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from kanzlei.nouns import BY_PATH, WEBHOOK_PREFIX


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as EspoCRM has it, or as we want it (then without id and key)."""

    event: str
    url: str
    id: str = ""
    secret_key: str = ""
    is_active: bool = True
    skip_own: bool = True


@dataclass(frozen=True, slots=True)
class Registration:
    """`present`: there and pointing at us. `elsewhere`: our event, another address; left alone."""

    missing: Sequence[Webhook]
    present: Sequence[Webhook]
    elsewhere: Sequence[Webhook]


def wanted(base_url: str) -> Iterator[Webhook]:
    """Each event has a URL of its own, as nothing in the body tells them apart."""
    for noun in BY_PATH.values():
        for action in noun.actions:
            yield Webhook(f"{noun.espocrm}.{action}", f"{base_url.rstrip('/')}{WEBHOOK_PREFIX}/{noun.path}/{action}")


def compare(base_url: str, existing: Iterable[Webhook]) -> Registration:
    """A webhook is ours by event and URL."""
    ours = {(one.event, one.url): one for one in wanted(base_url)}
    events = {event for event, _ in ours}
    there = list(existing)
    present = [one for one in there if (one.event, one.url) in ours]
    known = {(one.event, one.url) for one in present}
    return Registration(
        missing=[one for key, one in ours.items() if key not in known],
        present=present,
        elsewhere=[one for one in there if one.event in events and (one.event, one.url) not in ours],
    )


def warnings(base_url: str, present: Iterable[Webhook]) -> Iterator[str]:
    """What EspoCRM would not do with these, in words."""
    if is_literal_address(base_url):
        yield (
            "the URL's host is a literal IP address: EspoCRM 10 fails on it and sends nothing any more, "
            "to nobody. Use a name that DNS knows."
        )
    for one in present:
        if not one.is_active:
            yield f"{one.event} ({one.id}) is switched off in EspoCRM"
        if not one.skip_own:
            yield f"{one.event} ({one.id}) has skipOwn off: our own changes come back as echoes"


def is_literal_address(base_url: str) -> bool:
    """True where the URL's host is no name."""
    try:
        ipaddress.ip_address(urlsplit(base_url).hostname or "")
    except ValueError:
        return False
    return True
