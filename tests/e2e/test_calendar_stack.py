"""Calendars through everything: a desk, Google, push, Kafka, the runs, and the commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from demo.calendars import SYNC, CalendarDay, Json, calendar_day, command
from demo.wait import StepFailedError, until
from deploy.local.office import Office
from kanzlei.topics import CALENDAR_SYNC
from synckit.events import Record
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from tests.e2e import places
from tests.e2e.outside import metric

pytestmark = pytest.mark.stack
AT_NINE = {"datum": "2027-03-22T09:00:00", "uhrzeitBis": "10:00:00"}


@pytest.fixture
async def day(office: Office) -> AsyncIterator[CalendarDay]:
    async with calendar_day(office.addresses) as shown:
        try:
            yield shown
        finally:
            await shown.switch(lie=None)


async def entered(day: CalendarDay, kuerzel: str, title: str, **more: Any) -> Json:
    body = {**AT_NINE, "text": title, "sb": kuerzel, "anwalt": kuerzel, **more}
    made: Json = await day.desk("POST", "termine", body)
    return made


async def test_a_desks_appointment_is_in_the_phone(day: CalendarDay) -> None:
    """With a Kürzel beside the seven bits, in a calendar that the employee sees and may write."""
    mail = await day.hire("ÄB")
    await entered(day, "ÄB", "Müller ./. Groß", ort="Saal 3")
    run = await day.sync("ÄB")
    assert (run["state"], run["reason"]) == ("done", ""), run
    (event,) = await day.events(mail)
    assert (event["summary"], event["location"]) == ("Müller ./. Groß", "Saal 3")
    assert event["start"]["dateTime"].startswith("2027-03-22T09:00")
    writes = (await day.sync("ÄB"))["counts"]
    assert not any(writes.values()), "a second run finds nothing to do"


async def test_moved_in_google_is_moved_at_the_desk_by_push(day: CalendarDay, office: Office) -> None:
    """Nobody asks for a run: Google tells webhook-ingress, and a flood of it is few runs."""
    mail = await day.hire("PUS")
    termin = await entered(day, "PUS", "Besprechung")
    await day.sync("PUS")
    await day.watched(mail)
    (event,) = await day.events(mail)
    before = metric(office.addresses.services["calendar-sync"], "sync_calendar_runs_total", outcome="done")
    for minute in range(10, 20):
        await day.move(mail, event, start=f"2027-03-23T11:{minute}:00", end=f"2027-03-23T12:{minute}:00")

    async def moved() -> bool | None:
        (row,) = await day.termine("PUS")
        return (row["frNr"], row["datum"]) == (termin["frNr"], "2027-03-23T11:19:00") or None

    await until(moved, "the Termin was moved")
    after = metric(office.addresses.services["calendar-sync"], "sync_calendar_runs_total", outcome="done")
    assert after - before < 40


async def test_an_empty_list_deletes_nothing(day: CalendarDay) -> None:
    """Advoware answers 200 with nothing in it, and after that as ever."""
    mail = await day.hire("LEE")
    for number in range(5):
        await entered(day, "LEE", f"Termin {number}")
    await day.sync("LEE")
    assert len(await day.events(mail)) == 5
    await day.switch(lie="empty_list")
    run = await day.sync("LEE")
    assert run["state"] in ("skipped", "failed"), run
    assert run["reason"]
    assert len(await day.events(mail)) == 5
    await day.switch(lie=None)
    assert not any((await day.sync("LEE"))["counts"].values())
    assert len(await day.termine("LEE")) == 5


async def test_nobody_comes_in_without_a_key(day: CalendarDay) -> None:
    url = day.addresses.services["calendar-sync"] + SYNC
    for headers, status in (({}, 401), ({"X-Api-Key": "k0123456789ab.x"}, 401), ({"X-Api-Key": day.key}, 404)):
        async with day.session.post(url, json={"kuerzel": "NIEMAND"}, headers=headers) as answer:
            assert answer.status == status
            assert answer.headers["Content-Type"].startswith("application/problem+json")


async def test_a_killed_service_doubles_nothing(day: CalendarDay, office: Office) -> None:
    """Killed while it works: every appointment is there once afterwards, on both sides."""
    mail = await day.hire("KIL")
    for number in range(12):
        await entered(day, "KIL", f"Termin {number}")
    waiting = asyncio.ensure_future(day.sync("KIL"))
    await asyncio.to_thread(office.kill, "calendar-sync")
    await asyncio.to_thread(office.start_process, "calendar-sync")
    await asyncio.gather(waiting, return_exceptions=True)
    await day.sync("KIL")
    assert sorted(event["summary"] for event in await day.events(mail)) == sorted(f"Termin {n}" for n in range(12))
    assert len(await day.termine("KIL")) == 12


async def test_the_commands_do_what_they_say(day: CalendarDay, office: Office) -> None:
    """A plan that is kept is carried out, and refused once a row has moved; an undo puts a field back on both sides."""
    mail = await day.hire("CMD")
    await day.sync("CMD")
    termin = await entered(day, "CMD", "Vorher")
    file = str(office.state_dir / "plan.json")
    planned = command(office, "plan", "CMD", "--out", file)
    assert planned.returncode == 0, planned.stderr
    assert "in Google anlegen" in planned.stdout
    assert await day.desk("GET", "termine?kuerzel=CMD")
    done = command(office, "apply", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [event["summary"] for event in await day.events(mail)] == ["Vorher"]
    again = command(office, "apply", file)
    assert again.returncode == 1, again.stdout
    synced = command(office, "sync", "CMD", "--wait")
    assert (synced.returncode, "fertig" in synced.stdout) == (0, True), synced.stdout + synced.stderr
    await day.desk("POST", f"termine/{termin['frNr']}", {"text": "Nachher"})
    await day.sync("CMD")
    assert [event["summary"] for event in await day.events(mail)] == ["Nachher"]
    shown = command(office, "undo", "CMD", "--since", "2020-01-01T00:00")
    assert "Vorher" in shown.stdout, shown.stdout + shown.stderr
    assert [event["summary"] for event in await day.events(mail)] == ["Nachher"]
    undone = command(office, "undo", "CMD", "--since", "2020-01-01T00:00", "--yes")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert [event["summary"] for event in await day.events(mail)] == ["Vorher"]
    assert [row["text"] for row in await day.termine("CMD")] == ["Vorher"]
    audited = command(office, "audit", "CMD")
    assert (audited.returncode, audited.stdout.strip()) == (0, "keine Abweichung"), audited.stdout + audited.stderr
    assert command(office, "quarantine", "list").returncode == 0
    assert command(office, "plan", "NIEMAND").returncode == 1
    renamed = command(office, "rename", "CMD", "CMX")
    assert renamed.returncode == 0, renamed.stderr


async def test_a_lost_right_is_found_and_mended(day: CalendarDay, office: Office) -> None:
    mail = await day.hire("ACL")
    await entered(day, "ACL", "Termin")
    await day.sync("ACL")
    calendar = await day.calendar(mail)
    await day.google("POST", "/_sandbox/google/revoke", {"calendar": calendar, "email": mail})
    found = command(office, "audit", "ACL")
    assert found.returncode == 1, found.stdout + found.stderr
    assert "Freigabe" in found.stdout
    mended = command(office, "audit", "ACL", "--repair")
    assert mended.returncode == 0, mended.stdout + mended.stderr


@pytest.mark.parametrize(("server", "kuerzel"), [("postgres", "PGA"), ("redis", "RDA"), ("kafka", "KAA")])
async def test_a_server_that_is_away_in_a_run_doubles_nothing(
    day: CalendarDay, office: Office, server: str, kuerzel: str
) -> None:
    """Killed while the run works, and started again: what the run left is done by the next one, once."""
    mail = await day.hire(kuerzel)
    for number in range(8):
        await entered(day, kuerzel, f"Termin {number}")
    waiting = asyncio.ensure_future(day.sync(kuerzel))
    await asyncio.to_thread(office.kill, server)
    await asyncio.to_thread(office.start_process, server)
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.to_thread(office.wait_ready, "calendar-sync")

    async def whole() -> bool | None:
        try:
            run = await day.sync(kuerzel)
        except (StepFailedError, OSError):
            return None
        return run["state"] == "done" or None

    await until(whole, "a run is done again")
    assert sorted(event["summary"] for event in await day.events(mail)) == sorted(f"Termin {n}" for n in range(8))
    assert len(await day.termine(kuerzel)) == 8


async def test_who_leaves_keeps_the_calendar_and_may_come_back(day: CalendarDay) -> None:
    """Read-only meanwhile, deleted never; two with one address are told apart by a person."""
    mail = await day.hire("GEH")
    await entered(day, "GEH", "Termin")
    await day.sync("GEH")
    who = {"kuerzel": "GEH", "name": "Probe", "vorname": "Paula", "email": mail, "aktiv": False}
    await day.desk("POST", "mitarbeiter", who)
    await day.sync("ALL")
    assert [event["summary"] for event in await day.events(mail)] == ["Termin"]
    await day.desk("POST", "mitarbeiter", {**who, "aktiv": True})
    await entered(day, "GEH", "Danach")
    await day.sync("GEH")
    assert sorted(event["summary"] for event in await day.events(mail)) == ["Danach", "Termin"]


async def test_planted_words_stay_in_the_calendars(day: CalendarDay, office: Office) -> None:
    """Titles, notes and places, also where a run fails and an event is a dead letter."""
    words = ["Zwiebelfischtitel", "Zwiebelfischnotiz", "Zwiebelfischort"]
    mail = await day.hire("CAN")
    termin = await entered(day, "CAN", words[0], notiz=words[1], ort=words[2])
    await day.sync("CAN")
    (event,) = await day.events(mail)
    assert (event["summary"], event["location"]) == (words[0], words[2]), "there they belong"
    await day.move(mail, event, start="2027-03-24T11:00:00", end="2027-03-24T12:00:00")
    await day.desk("POST", f"termine/{termin['frNr']}", {"ort": f"{words[2]} 2"})
    await day.sync("CAN")
    await day.switch(lie="html")
    await day.sync("CAN")
    await day.switch(lie=None)
    here = office.addresses
    publisher = KafkaPublisher(KafkaAccess(here.kafka), client_id="canary")
    await publisher.start()
    await publisher.publish(CALENDAR_SYNC, [Record(b"CAN", f'{{"entity":"{words[0]}"}}'.encode(), ())])
    await publisher.stop()
    url = here.services["calendar-sync"]

    async def buried() -> bool | None:
        return metric(url, "sync_dead_letters_total", topic=CALENDAR_SYNC) >= 1 or None

    await until(buried, "the malformed event is a dead letter")
    kinds = {
        "logs": places.logs(office.state_dir / "log"),
        "metrics": places.metrics(here.services),
        "redis": places.redis_keys(here.redis_url),
    }
    assert {kind: places.found(texts, words) for kind, texts in kinds.items()} == {kind: [] for kind in kinds}
    assert places.found(kinds["logs"], ["calendar.run"]), "the search can see"
    told = (await places.topics(here.kafka))["topics"].splitlines()
    planted = [line for line in told if words[0].casefold() in line.casefold()]
    assert all("calendar.sync.dlq" in line or f'"entity":"{words[0]}"' in line for line in planted)
    assert places.found({"topics": "\n".join(told)}, words[1:]) == []


async def test_dry_writes_nowhere_and_shows_the_same_twice(day: CalendarDay, office: Office) -> None:
    mail = await day.hire("DRY")
    await day.sync("DRY")
    await entered(day, "DRY", "Termin")
    first = command(office, "plan", "DRY", CALENDAR_MODE="dry")
    second = command(office, "plan", "DRY", CALENDAR_MODE="dry")
    assert "in Google anlegen" in first.stdout, first.stdout + first.stderr
    assert first.stdout == second.stdout
    refused = command(office, "undo", "DRY", "--since", "00:00", "--yes", CALENDAR_MODE="dry")
    assert refused.returncode == 1, "nothing is put back while nothing may be written"
    assert await day.events(mail) == []


async def test_a_stricter_profile_takes_the_names_out_of_google(day: CalendarDay, office: Office) -> None:
    """A run with `busy` leaves `Termin`, and nothing of what was there."""
    mail = await day.hire("BUS")
    await entered(day, "BUS", "Geheimtitel", ort="Geheimort", notiz="Geheimnotiz")
    await day.sync("BUS")
    calendar = await day.calendar(mail)
    # The service itself has another profile: told by push, it would show them again.
    await asyncio.to_thread(office.stop_process, "calendar-sync")
    try:
        await day.google("POST", "/_sandbox/google/revoke", {"calendar": calendar, "email": mail})
        done = command(office, "audit", "BUS", "--repair", CALENDAR_PROFILE="busy")
        (event,) = await day.events(mail)
    finally:
        await asyncio.to_thread(office.start_process, "calendar-sync")
    assert done.returncode == 0, done.stdout + done.stderr
    assert event["summary"] == "Termin"
    assert "Geheim" not in str(event)
    assert [row["text"] for row in await day.termine("BUS")] == ["Geheimtitel"], "never read back as a change"
