"""Which push channels are opened and which are stopped. Pure: Google renews none by itself.

A new channel is opened a day before the old one ends, and the old one is stopped after that: between the two a change
is told twice, never not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LIFE = timedelta(days=7)
"""Google's default, and what we ask for."""
RENEW = timedelta(days=1)
"""Before its end."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A calendar that wants a channel."""

    kuerzel: str
    calendar_id: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A channel as we remember it. `account` opened it, and alone may stop it."""

    channel_id: str
    kuerzel: str
    calendar_id: str
    account: str
    resource_id: str
    expires_at: datetime

    def lasts(self, now: datetime) -> bool:
        """True while no new one is needed."""
        return bool(self.resource_id) and self.expires_at > now + RENEW


@dataclass(frozen=True, slots=True)
class ChannelWork:
    """What is to be done, the opening first."""

    wanted: Sequence[Watched]
    unwanted: Sequence[OpenChannel]


def channel_work(watched: Iterable[Watched], channels: Sequence[OpenChannel], now: datetime) -> ChannelWork:
    """One lasting channel for each calendar; all others go as soon as it is there. Those that are over go, too."""
    calendars = {(one.kuerzel, one.calendar_id): one for one in watched}
    lasting: dict[tuple[str, str], OpenChannel] = {}
    unwanted: list[OpenChannel] = []
    for channel in sorted(channels, key=lambda one: (one.expires_at, one.channel_id), reverse=True):
        key = (channel.kuerzel, channel.calendar_id)
        if key in calendars and key not in lasting and channel.lasts(now):
            lasting[key] = channel
        elif key not in calendars or key in lasting or channel.expires_at <= now:
            unwanted.append(channel)
    return ChannelWork([one for key, one in calendars.items() if key not in lasting], unwanted)
