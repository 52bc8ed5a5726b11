"""The calendars' round: one event every 15 minutes, once in the cluster, and by hand."""

from __future__ import annotations

import pytest

from recordsync.testing.memory import FakePublisher
from synckit.events import ChangeEvent, decode
from synckit.testing.clock import FakeClock
from ticker.calendar import CalendarRound
from ticker.commands import ask_by_hand, parsed, run_once
from ticker.handlers import Emitter, Look
from ticker.timers import Timer, TimerLoop


class Once:
    """A cluster in which every slot is claimed once."""

    def __init__(self) -> None:
        self.claimed: list[str] = []

    async def claim(self, name: str, every: object) -> bool:
        self.claimed.append(name)
        return self.claimed.count(name) == 1

    async def give_back(self, name: str, every: object) -> None:
        self.claimed.remove(name)


def sent(publisher: FakePublisher) -> list[tuple[str, ChangeEvent]]:
    return [(topic, decode(record.key, record.value, record.headers)) for topic, record in publisher.sent]


async def test_a_round_is_one_event_once_in_the_cluster() -> None:
    publisher, clock, once = FakePublisher(), FakeClock(), Once()
    timer = Timer("calendar", 900.0, [CalendarRound()])
    for _ in range(2):
        await TimerLoop(timer, Emitter(publisher, clock), once, clock).step()
    ((topic, event),) = sent(publisher)
    assert (topic, event.type, event.entity_id, event.origin) == ("calendar.sync", "calendar.sync.all", "all", "ticker")


@pytest.mark.parametrize(
    ("arguments", "kind", "key"),
    [
        (["run-once", "calendar"], "calendar.sync.all", "all"),
        (["run-once", "calendar", "--employee", "ÄB"], "calendar.sync.employee", "%C3%84B"),
        (["run-once", "all"], "calendar.sync.all", "all"),
    ],
)
async def test_by_hand_it_is_for_now(
    capsys: pytest.CaptureFixture[str], arguments: list[str], kind: str, key: str
) -> None:
    """`operator` as origin: nothing is put off."""
    publisher, chosen = FakePublisher(), parsed(arguments)
    ours: list[Look] = [CalendarRound()]
    looks = ask_by_hand(ours, chosen.employee)
    assert await run_once(looks, Emitter(publisher, FakeClock()), dry_run=False, as_json=False) == 0
    ((_, event),) = sent(publisher)
    assert (event.type, event.entity_id, event.origin, event.not_before) == (kind, key, "operator", None)
    assert "calendar.round" in capsys.readouterr().out


async def test_a_dry_round_emits_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    publisher = FakePublisher()
    chosen = parsed(["run-once", "calendar", "--employee", "AB", "--dry-run"])
    looks = ask_by_hand([CalendarRound()], chosen.employee)
    assert await run_once(looks, Emitter(publisher, FakeClock()), dry_run=chosen.dry_run, as_json=False) == 0
    assert publisher.sent == []
    assert "1 would emit" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["run-once", "all", "--employee", "AB"], ["run-once", "calendar", "--employee", ""]]
)
def test_an_employee_belongs_to_calendars(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed(["run-once", *arguments])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err
