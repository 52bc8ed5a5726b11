"""A cProfile file → shares of own time by part of the program. What a builtin costs is its caller's.

cProfile makes small Python functions look dearer than they are: read the order, not the third digit.
"""

from __future__ import annotations

import pstats
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.grounds import Grounds, Running
from benchmarks.report_card import Card
from deploy.local.addresses import Addresses
from deploy.local.table import Service

Place = tuple[str, int, str]
_LIBRARIES = (
    "aiohttp", "aiokafka", "asyncpg", "faust", "mode", "redis", "structlog", "pydantic", "prometheus_client", "yarl",
    "multidict", "msgspec",
)  # fmt: skip
_OURS = (
    "/synckit/", "/recordsync/", "/kanzlei/", "/webhook_ingress/", "/beteiligte_sync/", "/advoware_proxy/",
    "/benchmarks/",
)  # fmt: skip
_WAITING = ("select.epoll", "poll' of 'select", "time.sleep")
_STARTING = ("<frozen importlib", "importlib", "marshal", "posix.stat", "builtins.compile", "pydantic")


def profile_of(path: Path, title: str, most: int = 16) -> dict[str, Any]:
    """For a card: title and rows of share and part, dearest first."""
    shares: Counter[str] = Counter()
    stats: Any = pstats.Stats(str(path))
    for place, (_, _, own, _, callers) in stats.stats.items():
        if place[0] != "~":
            shares[_part(place)] += own
            continue
        if any(word in place[2] for word in _WAITING):
            continue
        for caller, (_, _, spent, _) in callers.items():
            shares[_part(caller) if caller[0] != "~" else "builtins"] += spent
    shares.pop("start", None)
    total = sum(shares.values()) or 1.0
    rows = [{"share": f"{spent / total:.0%}", "part": part} for part, spent in shares.most_common(most)]
    return {"title": title, "rows": rows}


@contextmanager
def profiled(grounds: Grounds, card: Card, service: Service, addresses: Addresses, title: str) -> Iterator[Running]:
    """A service of its own under cProfile, ready; ended after the block, and its profile is on the card."""
    name = f"profiled-{service.name}-{len(card.profiles)}"
    path = grounds.folder / f"{name}.prof"
    server = grounds.start(service, addresses, name=name, profile=path)
    yield server
    grounds.stop(server)
    card.profiles.append(profile_of(path, title))


def _part(place: Place) -> str:
    """Our code by module, libraries by package, the rest of Python together but for what matters here."""
    filename = place[0].replace("\\", "/")
    if filename.startswith("<frozen") or "/importlib/" in filename or place[2] == "<module>":
        return "start"
    for ours in (
        "/synckit/",
        "/recordsync/",
        "/kanzlei/",
        "/webhook_ingress/",
        "/beteiligte_sync/",
        "/advoware_proxy/",
        "/benchmarks/",
    ):
        if ours in filename:
            return f"{ours.strip('/')}.{filename.split(ours, 1)[1].removesuffix('.py').replace('/', '.')}"
    for library in _LIBRARIES:
        if f"/{library}/" in filename or filename.startswith(library):
            return library
    for module in ("asyncio", "json", "logging", "ssl", "random", "re"):
        if f"/{module}/" in filename or filename.endswith(f"/{module}.py"):
            return f"Python: {module}"
    return "Python: rest"
