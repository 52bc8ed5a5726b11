"""An Erstgespräch whose time has come: what is written, what is left to people, and what becomes of trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.consultations import ConsultationExplainer, ConsultationHandler
from beteiligte_sync.domain.consultation import Verdict, verdict
from kanzlei.consultations import NEW, WAITING, accepts, check_event
from kanzlei.office_hours import office_hours
from recordsync.mapping.codecs import espo_time
from synckit.errors import (
    CircuitOpen,
    CredentialsRefused,
    InvalidEvent,
    RemoteRejected,
    RemoteUnavailable,
    StaleVersion,
    TransientError,
)
from synckit.events import ChangeEvent, decode, encode
from synckit.handling import Attempt
from synckit.ports import Payload, Snapshot
from synckit.testing.clock import FakeClock

MONDAY = datetime(2026, 6, 1, 10, tzinfo=UTC)
HOURS = office_hours("Mon-Fri 08:00-18:00")
PAST = MONDAY - timedelta(hours=1)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def waiting(due: datetime = PAST, **more: Any) -> dict[str, Any]:
    return {"id": "e1", "status": WAITING, "nextCall": espo_time(due), "versionNumber": 3, **more}


class Records:
    """EspoCRM with one record and optimistic concurrency; `meanwhile` is what a person saves after the next read."""

    def __init__(self, record: dict[str, Any] | None) -> None:
        self.record = record
        self.meanwhile: dict[str, Any] = {}
        self.writes: list[Payload] = []

    async def read(self, record_id: str) -> Snapshot | None:
        if self.record is None:
            return None
        seen = Snapshot(record_id, dict(self.record), str(self.record["versionNumber"]))
        if self.meanwhile:
            self.record |= {**self.meanwhile, "versionNumber": self.record["versionNumber"] + 1}
            self.meanwhile = {}
        return seen

    async def update_unmoved(self, record_id: str, payload: Payload, version: str | None) -> Snapshot:
        assert self.record is not None
        if version != str(self.record["versionNumber"]):
            raise StaleVersion("espocrm: saved by somebody meanwhile")
        self.record |= {**payload, "versionNumber": self.record["versionNumber"] + 1}
        self.writes.append(payload)
        return Snapshot(record_id, dict(self.record))


def handler(records: Records, now: datetime = MONDAY) -> ConsultationHandler:
    return ConsultationHandler(records, HOURS, FakeClock(now))


EVENT = check_event("e1", "ticker", MONDAY)
ATTEMPT = Attempt(1, 0.0, (EVENT,))


async def test_one_that_is_due_is_new_again() -> None:
    records = Records(waiting())
    assert (await handler(records).handle(EVENT, ATTEMPT)).result == "reset"
    assert records.writes == [{"status": NEW}]


async def test_a_second_delivery_writes_nothing() -> None:
    records = Records(waiting())
    results = [(await handler(records).handle(EVENT, ATTEMPT)).result for _ in range(3)]
    assert (results, len(records.writes)) == (["reset", "left_alone", "left_alone"], 1)


@pytest.mark.parametrize(
    ("record", "now", "expected"),
    [
        (None, MONDAY, Verdict.GONE),
        (waiting(status="In Bearbeitung"), MONDAY, Verdict.LEFT_ALONE),
        (waiting(status="warten auf neuen anruf"), MONDAY, Verdict.LEFT_ALONE),
        (waiting(status=None), MONDAY, Verdict.LEFT_ALONE),
        (waiting(MONDAY + timedelta(seconds=1)), MONDAY, Verdict.NOT_DUE),
        (waiting(MONDAY), MONDAY, Verdict.RESET),
        (waiting(nextCall=None), MONDAY, Verdict.NOT_DUE),
        (waiting(nextCall="0000-00-00 00:00:00"), MONDAY, Verdict.NOT_DUE),
        (waiting(nextCall="bald"), MONDAY, Verdict.NOT_DUE),
        (waiting(), MONDAY + timedelta(hours=6), Verdict.CLOSED),
        (waiting(), MONDAY - timedelta(days=1), Verdict.NOT_DUE),
        (waiting(), MONDAY + timedelta(days=5), Verdict.CLOSED),
    ],
)
def test_what_is_written_and_what_is_not(record: dict[str, Any] | None, now: datetime, expected: Verdict) -> None:
    assert verdict(record, now, HOURS) is expected


@given(st.sampled_from([WAITING, NEW, "In Bearbeitung", "Erledigt", None]), moments, moments)
def test_only_the_waiting_whose_time_has_come_are_written_in_office_hours(
    status: str | None, due: datetime, now: datetime
) -> None:
    found = verdict(waiting(due, status=status), now, HOURS)
    is_due = due.replace(microsecond=0) <= now
    assert (found is Verdict.RESET) == (status == WAITING and is_due and HOURS.is_open(now))


@pytest.mark.parametrize(
    ("saved", "then", "status"),
    [
        ({"status": "In Bearbeitung"}, "left_alone", "In Bearbeitung"),
        ({"status": "Erledigt"}, "left_alone", "Erledigt"),
        ({"nextCall": "2026-06-02 10:00:00"}, "not_due", WAITING),
        ({"name": "another name"}, "reset", NEW),
    ],
)
async def test_what_a_person_saves_meanwhile_decides(saved: dict[str, Any], then: str, status: str) -> None:
    """The write names the version that was read; what the person saved is read by the next try."""
    records = Records(waiting())
    records.meanwhile = saved
    with pytest.raises(StaleVersion):
        await handler(records).handle(EVENT, ATTEMPT)
    assert (await handler(records).handle(EVENT, ATTEMPT)).result == then
    assert records.record is not None
    assert (records.record["status"], saved.items() <= records.record.items()) == (status, True)


async def test_trouble_of_one_record_is_left_to_the_next_look() -> None:
    """As long as it waits and its time has passed, the ticker asks again."""
    await handler(Records(waiting())).give_up(EVENT, RemoteUnavailable("espocrm", "500"), ATTEMPT)


@pytest.mark.parametrize(
    "error",
    [
        CircuitOpen("espocrm", "in trouble"),
        CredentialsRefused("espocrm", "credentials refused"),
        RemoteUnavailable("kafka", "away"),
    ],
)
async def test_trouble_of_all_records_keeps_the_event(error: TransientError) -> None:
    with pytest.raises(type(error)):
        await handler(Records(waiting())).give_up(EVENT, error, ATTEMPT)


async def test_a_refusal_goes_to_the_dead_letters() -> None:
    with pytest.raises(RemoteRejected):
        await handler(Records(waiting())).refused(EVENT, RemoteRejected("espocrm", 403, "No edit access"))


async def test_the_explanation_is_the_handlers_own_verdict() -> None:
    records = Records(waiting())
    explainer = ConsultationExplainer(records, HOURS, FakeClock(MONDAY))
    told = await explainer.explain("e1")
    assert told is not None
    assert (told.outcome, told.writes, told.ids) == ("reset", {"espocrm": 1}, {"espocrm": "e1"})
    await handler(records).handle(EVENT, ATTEMPT)
    told = await explainer.explain("e1")
    assert told is not None
    assert (told.outcome, told.writes) == ("left_alone", {"espocrm": 0})


@pytest.mark.parametrize("name", ["", "a/b", "x" * 37, "ü"])
async def test_what_is_no_id_is_not_asked_for(name: str) -> None:
    assert await ConsultationExplainer(Records(waiting()), HOURS, FakeClock(MONDAY)).explain(name) is None
    assert await ConsultationExplainer(Records(None), HOURS, FakeClock(MONDAY)).explain("e1") is None


def test_the_event_is_named_and_keyed_by_its_record() -> None:
    record = encode(EVENT)
    event = decode(record.key, record.value, record.headers)
    accepts(event)
    assert (event.type, record.key, event.origin) == ("vmh.erstgespraeche.check", b"e1", "ticker")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(EVENT, action="update"),
        replace(EVENT, entity="beteiligte"),
        replace(EVENT, domain="calendar"),
        replace(EVENT, entity_id="a%20b"),
        replace(EVENT, entity_id="x" * 37),
    ],
)
def test_another_event_is_none_of_this_topic(wrong: ChangeEvent) -> None:
    with pytest.raises(InvalidEvent):
        accepts(wrong)
