"""The fifteen nastiest cases of the calendar, through HTTP: both sandboxes, our adapters, whole runs.

Cases 9 to 11, about times and series, are in `test_calendar_cases_of_times.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from calendar_sync.domain.lost import released
from calendar_sync.domain.memory import CalendarState, Memory, Outcome, State
from calendar_sync.domain.values import Mode, Strategy
from synckit.errors import StaleVersion
from tests.contract.calendar_over_http import HttpOffice, Start, employee, http_office, starts, times

NINE, TEN = "2026-10-20T09:00:00", "2026-10-20T10:00:00"


@pytest.fixture
async def office(aiohttp_server: Start, tmp_path: Path) -> AsyncIterator[HttpOffice]:
    async with http_office(aiohttp_server, tmp_path) as made:
        await made.run()
        yield made


async def several(office: HttpOffice, count: int) -> list[int]:
    """Termine on days one after another, in step."""
    made = [await office.enters(f"Termin {n}", f"2026-10-{10 + n}T09:00:00") for n in range(count)]
    await office.quiet()
    return made


async def test_case_1_an_empty_list_a_page_half_a_list(office: HttpOffice) -> None:
    """Nothing is written on either side, rows and token stay, and the next good run has nothing to do."""
    await several(office, 12)
    before, token = await office.writes(), office.store.known["SB"].token
    rows = office.rows()
    for lie in ("empty_list", "html", "truncated", "not_found"):
        await office.advoware("POST", "switches", {"lie": lie})
        assert await office.attempt() in ("skipped", "RemoteUnavailable", "Implausible"), lie
        assert office.store.known["SB"].token == token, lie
    await office.advoware("POST", "switches", {"lie": "half_list"})
    assert await office.attempt() == "done"
    await office.advoware("POST", "switches", {"lie": None})
    assert (await office.writes(), office.rows()) == (before, rows)
    assert await office.unchanged()
    assert len(await office.events()) == 12


async def test_case_2_an_empty_list_of_google(office: HttpOffice) -> None:
    await several(office, 12)
    before = await office.writes()
    office.store.known["SB"] = replace(office.store.known["SB"], token="")
    await office.fault("google", "body", path="/events$", method="GET", body={"items": [], "nextSyncToken": "1"})
    assert await office.attempt() == "skipped"
    assert await office.writes() == before
    assert await office.unchanged()
    assert len(await office.termine()) == 12


async def test_case_2_a_lost_calendar_is_made_once_more(office: HttpOffice) -> None:
    """Deleted by its owner: nothing is deleted anywhere, a person's word makes a new one with everything in it."""
    await office.enters("vom Tisch", NINE)
    await office.puts("vom Telefon", "2026-10-21T09:00:00", "2026-10-21T10:00:00")
    weekly = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}
    series = await office.puts("Serie", "2026-10-22T09:00:00", "2026-10-22T10:00:00", **weekly)
    await office.quiet()
    await office.edits(f"{series}_20261029T080000Z", **times("2026-10-30T11:00:00", "2026-10-30T12:00:00"))
    await office.bins(f"{series}_20261105T080000Z")
    several_days = {"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4"]}
    await office.puts("Einzeln", "2026-11-09T09:00:00", "2026-11-09T10:00:00", **several_days)
    await office.quiet()
    shown, termine = await office.shown(), await office.termine()
    await office.google("POST", "google/revoke", {"calendar": office.calendar()})
    assert await office.attempt() == "waiting"
    assert await office.attempt() == "waiting"
    assert office.store.known["SB"].state is CalendarState.LOST
    assert sorted(await office.termine()) == sorted(termine), "nothing is deleted at the desk"
    memory = await office.store.load("SB")
    await office.store.commit(memory, released(memory))
    await office.quiet()
    assert await office.shown() == shown
    assert [row["datum"] for row in (await office.termine()).values()] == [row["datum"] for row in termine.values()]


async def test_case_3_killed_after_the_post(office: HttpOffice) -> None:
    """The mark in the `notiz` is found: one Termin. Where the POST never arrived, it is sent once."""
    await office.puts("Mittag", NINE, TEN)
    await office.fault("advoware", "reset_after", path="/Termine", method="POST")
    assert await office.attempt() == "failed"
    assert [row.state for row in office.rows()] == [State.CREATING]
    await office.quiet()
    assert len(await office.termine()) == 1
    await office.puts("Abend", "2026-10-20T18:00:00", "2026-10-20T19:00:00")
    await office.fault("advoware", "reset_before", path="/Termine", method="POST")
    assert await office.attempt() == "failed"
    await office.quiet()
    assert sorted(row["text"] for row in (await office.termine()).values()) == ["Abend", "Mittag"]


async def test_case_4_an_insert_without_an_answer(office: HttpOffice) -> None:
    """Our own id is taken by our own event: adopted, with what a person has edited in it since."""
    frnr = await office.enters("Besprechung", NINE)
    await office.fault("google", "reset_after", path="/events$", method="POST")
    assert await office.attempt() == "failed"
    (event,) = await office.events()
    await office.edits(event["id"], location="Saal 1")
    await office.quiet()
    assert [each["id"] for each in await office.events()] == [event["id"]]
    assert (await office.termine())[frnr]["ort"] == "Saal 1"


async def test_case_4_a_cancelled_own_id_is_confirmed(office: HttpOffice) -> None:
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    (event,) = await office.events()
    await office.bins(event["id"])
    await office.quiet()
    assert [each["id"] for each in await office.events()] == [event["id"]]
    assert list(await office.termine()) == [frnr]


@pytest.mark.parametrize("answer", [410, 400])
async def test_case_5_a_token_that_died_in_an_outage(office: HttpOffice, answer: int) -> None:
    """Three deleted and two moved in five days: found by the whole list and by asking, nothing is doubled."""
    ids = [await office.puts(f"E{n}", f"2026-10-{11 + n}T09:00:00", f"2026-10-{11 + n}T10:00:00") for n in range(12)]
    await office.quiet()
    for each in ids[:3]:
        await office.bins(each)
    for number, each in enumerate(ids[3:5]):
        await office.edits(each, **times(f"2026-11-0{3 + number}T14:00:00", f"2026-11-0{3 + number}T15:00:00"))
    await office.google("POST", "google/expire-sync-tokens", {"answer": answer})
    office.clock.advance(5 * 86_400)
    await office.quiet()
    rows = {row["text"]: row["datum"] for row in (await office.termine()).values()}
    assert sorted(rows) == sorted(f"E{n}" for n in range(3, 12))
    assert (rows["E3"], rows["E4"]) == ("2026-11-03T14:00:00", "2026-11-04T14:00:00")
    assert len(await office.events()) == 9


async def test_case_5_the_token_dies_while_paging(office: HttpOffice) -> None:
    """Pages of three, the second one empty: the list begins again and is whole."""
    numbers = await several(office, 9)
    await office.google("POST", "google/pages", {"limit": 3, "empty": True})
    for number in numbers[:5]:
        await office.changes(number, ort="Saal 2")
    await office.run()
    await office.google("POST", "google/expire-sync-tokens", {"while_paging": True})
    await office.quiet()
    await office.google("POST", "google/pages", {"limit": 2500, "empty": False})
    assert [event.get("location") for event in await office.events()].count("Saal 2") == 5
    assert len(await office.events()) == len(await office.termine()) == 9


async def test_case_6_out_of_the_window_and_back(office: HttpOffice) -> None:
    """Moved to far away: changed, not deleted and made. The window's settings delete nothing either."""
    frnr = await office.enters("Fern", NINE)
    await office.enters("Nah", "2026-10-21T09:00:00")
    await office.quiet()
    (event, _) = sorted(await office.events(), key=starts)
    await office.changes(frnr, datum="2029-03-01T09:00:00")
    await office.quiet()
    assert sorted(each["id"] for each in await office.events()).count(event["id"]) == 1
    await office.changes(frnr, datum=NINE)
    await office.quiet()
    assert (await office.phone("GET", f"/{event['id']}"))["start"]["dateTime"].startswith(NINE[:16])
    before = await office.writes()
    office.rules["SB"] = replace(office.rules["SB"], past_days=1, future_days=3)
    await office.quiet()
    office.rules["SB"] = replace(office.rules["SB"], past_days=30, future_days=730)
    await office.quiet()
    assert await office.writes() == before
    assert len(await office.events()) == len(await office.termine()) == 2


async def test_case_7_both_sides_edited(office: HttpOffice) -> None:
    """Different fields are merged; of one field the source's value stays, and the other one is told once."""
    frnr = await office.enters("Besprechung", NINE, ort="Saal 1")
    await office.quiet()
    (event,) = await office.events()
    await office.edits(event["id"], **times("2026-10-20T14:00:00", "2026-10-20T15:00:00"))
    await office.changes(frnr, text="Verhandlung")
    await office.quiet()
    row = (await office.termine())[frnr]
    assert (row["text"], row["datum"], row["uhrzeitBis"]) == ("Verhandlung", "2026-10-20T14:00:00", "15:00:00")
    assert not office.store.notices
    await office.edits(event["id"], location="am Telefon")
    await office.changes(frnr, ort="am Tisch")
    await office.quiet()
    assert (await office.phone("GET", f"/{event['id']}"))["location"] == "am Tisch"
    (notice,) = office.store.notices.values()
    assert "am Telefon" in notice.text
    assert [entry.loser for _, entry in office.store.lines if entry.loser] == ["am Telefon"]


async def test_case_7_an_edit_during_the_write(office: HttpOffice) -> None:
    """412: decided again from what stands there now."""
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    (event,) = await office.events()
    await office.changes(frnr, text="Verhandlung")
    await office.fault("google", "status", path="/events/", method="PUT", status=412)
    report = await office.run()
    assert report.left_over == 1
    await office.edits(event["id"], location="Saal 9")
    await office.quiet()
    row = (await office.termine())[frnr]
    assert (row["text"], row["ort"]) == ("Verhandlung", "Saal 9")


@pytest.mark.parametrize("strategy", [Strategy.LATEST, Strategy.SOURCE])
async def test_case_8_deleted_here_edited_there(office: HttpOffice, strategy: Strategy) -> None:
    """The edit wins and is made again, unless the source decides and the source has deleted."""
    office.rules["SB"] = replace(office.rules["SB"], strategy=strategy)
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    (event,) = await office.events()
    await office.edits(event["id"], location="Saal 9")
    await office.removes(frnr)
    await office.quiet()
    places = [row["ort"] for row in (await office.termine()).values()]
    assert places == (["Saal 9"] if strategy is Strategy.LATEST else [])
    assert len(await office.events()) == len(places)
    if strategy is Strategy.SOURCE:
        kept = [entry.before for _, entry in office.store.lines if entry.action == "delete"]
        assert [each["place"] for each in kept] == ["Saal 9"], "for undo"


async def test_case_12_given_to_somebody_else(office: HttpOffice) -> None:
    """Made for the new one first, then taken from the old one; never in neither."""
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    await office.quiet("CD")
    await office.changes(frnr, sb="CD", anwalt="CD")
    assert await office.attempt() == "done"
    assert len(await office.events()) == 1, "it stands nowhere else yet"
    await office.quiet("CD")
    await office.quiet()
    assert (len(await office.events()), len(await office.events("CD"))) == (0, 1)
    assert list(await office.termine("CD")) == [frnr]


async def test_case_12_one_termin_of_two(office: HttpOffice) -> None:
    """Two events with ids of their own: an edit reaches the other one, a deletion takes only the own copy."""
    frnr = await office.enters("Zu zweit", NINE, anwalt="CD")
    await office.quiet()
    await office.quiet("CD")
    (mine,), (other,) = await office.events(), await office.events("CD")
    assert mine["id"] != other["id"]
    await office.edits(mine["id"], location="Saal 4")
    await office.quiet()
    await office.quiet("CD")
    assert (await office.events("CD"))[0]["location"] == "Saal 4"
    assert await office.unchanged()
    assert await office.unchanged("CD")
    await office.bins(mine["id"])
    await office.quiet()
    await office.quiet("CD")
    assert (len(await office.events()), len(await office.events("CD"))) == (0, 1)
    assert list(await office.termine()) == [frnr]
    await office.changes(frnr, datum="2026-10-20T16:00:00", uhrzeitBis="17:00:00")
    await office.quiet()
    assert [starts(event) for event in await office.events()] == ["2026-10-20T16:00"]


async def test_case_13_a_copy_is_a_new_one(office: HttpOffice) -> None:
    """It carries our mark: the original stays untouched, the copy gets its own Termin and its own mark."""
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    (event,) = await office.events()
    extended = {"extendedProperties": event["extendedProperties"]}
    copied = await office.puts("Besprechung", "2026-10-23T09:00:00", "2026-10-23T10:00:00", **extended)
    await office.quiet()
    assert sorted(row["datum"][:10] for row in (await office.termine()).values()) == ["2026-10-20", "2026-10-23"]
    marks = [each["extendedProperties"]["private"]["advo"] for each in await office.events()]
    assert len(set(marks)) == 2
    await office.bins(copied)
    await office.quiet()
    assert list(await office.termine()) == [frnr]


async def test_case_13_thirty_restored(office: HttpOffice) -> None:
    """Deleted in Google with a person's word, and taken out of the bin again: they stand at the desk once more."""
    ids = [
        await office.puts(f"E{n}", f"2026-11-{1 + n % 28:02}T09:00:00", f"2026-11-{1 + n % 28:02}T10:00:00")
        for n in range(30)
    ]
    await office.quiet()
    for each in ids:
        await office.bins(each)
    report = await office.run()
    assert report.state == "waiting"
    assert len(await office.termine()) == 30, "a person is asked first"
    await office.store.decide_list("SB", report.held, released=True)
    await office.quiet()
    assert not await office.termine()
    for each in ids:
        await office.edits(each, status="confirmed")
    await office.quiet()
    assert sorted(row["text"] for row in (await office.termine()).values()) == sorted(f"E{n}" for n in range(30))
    assert len(await office.events()) == 30


async def test_case_14_one_poisonous_among_many(office: HttpOffice) -> None:
    """Refused for ever: parked with its reason, never counted as deleted; all others are in step."""
    bad = await office.enters("giftig", NINE)
    poisonous = {"match": {"path_regex": "/events$", "method": "POST", "body_regex": "giftig"}, "times": 2}
    await office.google("POST", "faults", {**poisonous, "fault": {"kind": "status", "status": 400}})
    numbers = [await office.enters(f"Termin {n}", f"2026-11-{1 + n:02}T09:00:00") for n in range(20)]
    await office.run()
    report = await office.run()
    assert [reason for _, reason in report.parked] == ["abgelehnt von google (400)"]
    assert len(await office.events()) == 20
    assert sorted(await office.termine()) == sorted([bad, *numbers])
    office.clock.advance(86_400)
    await office.quiet()
    assert len(await office.events()) == 21, "tried again a while later"


async def test_case_14_quota_exceeded_in_the_middle(office: HttpOffice) -> None:
    """Writes of that account stop; intents stay, and later everything is there once."""
    for number in range(9):
        await office.enters(f"Termin {number}", f"2026-10-{12 + number}T09:00:00")
    error = {"domain": "calendar", "reason": "quotaExceeded", "message": "Calendar usage limits exceeded."}
    body = {"error": {"code": 403, "message": "Calendar usage limits exceeded.", "errors": [error]}}
    skipped = {"match": {"path_regex": "/events$", "method": "POST"}, "skip": 4, "times": 1}
    await office.google("POST", "faults", {**skipped, "fault": {"kind": "body", "status": 403, "body": body}})
    report = await office.run()
    assert (report.state, report.left_over) == ("failed", 5), report
    assert len(office.prices.blocked) == 1
    await office.quiet()
    assert sorted(event["summary"] for event in await office.events()) == [f"Termin {n}" for n in range(9)]


async def test_case_14_odd_texts_are_no_change(office: HttpOffice) -> None:
    """HTML, quotes, emoji, line ends, letters in two parts, nothing at all: settled after one run, byte for byte."""
    texts = ["<b>wichtig</b> & mehr", "Zeile\r\nzwei\n\n", "🎉 «Feier»", "Mu\u0308ller", "", "  Rand  "]
    for number, text in enumerate(texts):
        await office.enters(text or "", f"2026-10-{12 + number}T09:00:00", notiz=text)
    before = {frnr: (row["text"], row["notiz"]) for frnr, row in (await office.termine()).items()}
    await office.run()
    for _ in range(3):
        assert await office.unchanged()
    assert {frnr: (row["text"], row["notiz"]) for frnr, row in (await office.termine()).items()} == before


async def test_case_15_a_second_run_begins_in_between(office: HttpOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one's fence is old: it remembers nothing more, and what it wrote is adopted."""
    for number in range(6):
        await office.enters(f"Termin {number}", f"2026-10-{12 + number}T09:00:00")

    commit = office.store.commit

    async def overtaken(memory: Memory, outcome: Outcome) -> None:
        monkeypatch.undo()
        await office.store.load("SB")
        await commit(memory, outcome)

    monkeypatch.setattr(office.store, "commit", overtaken)
    with pytest.raises(StaleVersion):
        await office.run()
    await office.quiet()
    assert len(await office.events()) == len(await office.termine()) == 6


async def test_case_15_clocks_apart_the_source_wins(office: HttpOffice) -> None:
    """`last-change-wins`, and the two changes less than two minutes apart: nobody guesses."""
    office.rules["SB"] = replace(office.rules["SB"], strategy=Strategy.LATEST)
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    (event,) = await office.events()
    await office.changes(frnr, ort="am Tisch")
    await office.edits(event["id"], location="am Telefon")
    await office.advoware("POST", "switches", {"termine_geaendert_am_null": True})
    await office.quiet()
    assert (await office.termine())[frnr]["ort"] == "am Tisch"


async def test_case_15_dry_writes_nowhere(office: HttpOffice) -> None:
    """No link, no token, no event: and twice the same plan."""
    frnr = await office.enters("Besprechung", NINE)
    await office.quiet()
    await office.changes(frnr, text="Verhandlung")
    await office.enters("Neu", "2026-10-22T09:00:00")
    before = (await office.writes(), office.rows(), dict(office.store.known))
    dry = replace(office.rules["SB"], mode=Mode.DRY)
    plans = [await office.of(office.store).plan_for(employee("SB"), dry) for _ in range(2)]
    report = await office.run(mode=Mode.DRY)
    assert plans[0].steps == plans[1].steps
    assert report.counts["planned_insert_event"] == report.counts["planned_update_event"] == 1
    assert (await office.writes(), office.rows(), dict(office.store.known)) == before
