"""Who is told: the employee's EspoCRM user, else the IT, else the log. Each once, and never a run's failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from calendar_sync.adapters.notices import Notices, Waiting
from synckit.errors import RemoteRejected, RemoteUnavailable

SECRET = "Zwiebelfisch"


@dataclass
class Page:
    rows: Sequence[Mapping[str, Any]]


@dataclass
class Espo:
    """`users`: address → ids. `deaf` users take no post."""

    users: Mapping[str, list[str]] = field(default_factory=dict)
    deaf: frozenset[str] = frozenset()
    may_look: bool = True
    away: bool = False
    posts: list[tuple[str, str]] = field(default_factory=list)

    async def page(self, entity_type: str, search: Mapping[str, Any]) -> Page:
        if self.away:
            raise RemoteUnavailable("espocrm", "503")
        if not self.may_look:
            raise RemoteRejected("espocrm", 403, "forbidden")
        assert entity_type == "User"
        return Page([{"id": one} for one in self.users.get(search["where"][0]["value"], [])])

    async def call(self, method: str, path: str, *, body: Any = None) -> None:
        if self.away:
            raise RemoteUnavailable("espocrm", "503")
        (user,) = body["usersIds"]
        if user in self.deaf:
            raise RemoteRejected("espocrm", 403, "forbidden")
        self.posts.append((user, body["post"]))


class Outbox:
    def __init__(self, *emails: str) -> None:
        self.open = [Waiting("conflict", f"k{number}", SECRET, email) for number, email in enumerate(emails)]
        self.ways: list[str] = []

    async def waiting(self, kuerzel: str) -> Sequence[Waiting]:
        return list(self.open)

    async def posted(self, kuerzel: str, notice: Waiting, way: str) -> None:
        self.open.remove(notice)
        self.ways.append(way)


@pytest.mark.parametrize(
    ("espo", "it", "way", "reader"),
    [
        (Espo({"ab@k.example": ["u1"]}), "it", "user", "u1"),
        (Espo(), "it", "notify_user", "it"),
        (Espo({"ab@k.example": ["u1", "u2"]}), "it", "notify_user", "it"),
        (Espo({"ab@k.example": ["u1"]}, deaf=frozenset({"u1"})), "it", "notify_user", "it"),
        (Espo(may_look=False), "it", "notify_user", "it"),
        (Espo(), "", "log", None),
        (None, "it", "log", None),
    ],
)
async def test_the_next_best_is_told(espo: Espo | None, it: str, way: str, reader: str | None) -> None:
    outbox, told = Outbox("ab@k.example"), list[str]()
    await Notices(espo, outbox, it, told.append).tell("AB")
    assert (outbox.ways, told, outbox.open) == ([way], [way], [])
    assert [user for user, _ in espo.posts] == ([reader] if reader else []) if espo else reader is None


async def test_what_can_not_be_told_now_waits() -> None:
    """In order, and the run is none the worse for it."""
    outbox, espo = Outbox("ab@k.example", "ab@k.example"), Espo({"ab@k.example": ["u1"]}, away=True)
    await Notices(espo, outbox, "").tell("AB")
    assert len(outbox.open) == 2
    espo.away = False
    await Notices(espo, outbox, "").tell("AB")
    assert (outbox.open, len(espo.posts)) == ([], 2)


async def test_the_log_tells_no_client(capsys: pytest.CaptureFixture[str]) -> None:
    await Notices(None, Outbox("ab@k.example"), "").tell("AB")
    assert SECRET not in capsys.readouterr().out
