"""Drills of what EspoCRM and Advoware can do: away, slow, refusing, lying, silent, with a wrong clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from deploy.local.table import CALENDAR, PROXY, TICKER, WORKER
from tests.drills.stage import Stage

API = "/api/v1/advonet"
TOKEN = "/api/v1/Token"
BETEILIGTE = "/Beteiligte"
CONSULTATIONS = "CVmhErstgespraech"
AWAY = {"kind": "status", "status": 503}


@asynccontextmanager
async def login_refused(stage: Stage) -> AsyncIterator[None]:
    """Advoware knows our login no more."""
    async with stage.fault(stage.advo, {"kind": "status", "status": 401}, match={"path_regex": TOKEN}):
        await stage.advo.ask("POST", "/_sandbox/tokens/kill")
        yield
    # The refusal is remembered for ten minutes, so that no account is locked: a person who has mended it need not wait.
    await stage.forget_redis()
    await stage.link("Wieder angemeldet", 1)


@asynccontextmanager
async def advoware_away(stage: Stage) -> AsyncIterator[None]:
    """Advoware answers 503 to everything while people work."""
    people = await stage.link("Ausfall", 6)
    async with stage.fault(stage.advo, AWAY, match={"path_regex": API}):
        await stage.retitle(people, "Dr. Ausfall")
        yield


@asynccontextmanager
async def token_not_renewed(stage: Stage) -> AsyncIterator[None]:
    """All tokens are short-lived, and the token service is away."""
    await stage.advo.ask("POST", "/_sandbox/switches", {"expires_in": 20})
    await stage.forget_redis()
    try:
        await asyncio.gather(*(stage.restart(one.name) for one in (WORKER, CALENDAR, PROXY, TICKER)))
        await asyncio.sleep(5)
        async with stage.fault(stage.advo, AWAY, match={"path_regex": TOKEN}):
            yield
    finally:
        await stage.advo.ask("POST", "/_sandbox/switches", {"expires_in": 3600})


@asynccontextmanager
async def changes_slow(stage: Stage) -> AsyncIterator[None]:
    """Advoware answers two seconds later than usual, and people go on working."""
    people = await stage.link("Langsam", 4)

    async def work() -> None:
        for turn in range(200):
            await stage.retitle(people, f"Dr. Langsam {turn}")
            await asyncio.sleep(1)

    async with stage.fault(stage.advo, {"kind": "slow", "seconds": 2}, match={"path_regex": API}):
        task = asyncio.ensure_future(work())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def change_stuck(stage: Stage) -> AsyncIterator[None]:
    """Advoware hangs: its port takes connections, and nothing is answered."""
    people = await stage.link("Fest", 6)
    stage.office.freeze("advoware")
    try:
        await stage.retitle(people, "Dr. Fest")
        yield
    finally:
        stage.office.thaw("advoware")


@asynccontextmanager
async def clock_off(stage: Stage) -> AsyncIterator[None]:
    """Advoware's clock is ten minutes behind."""
    await stage.advo.ask("POST", "/_sandbox/clock", {"offset": -600})
    try:
        yield
    finally:
        await stage.advo.ask("POST", "/_sandbox/clock", {"offset": 0})


@asynccontextmanager
async def desk_list_broken(stage: Stage) -> AsyncIterator[None]:
    """Advoware refuses the list of what desks changed."""
    fault = {"kind": "status", "status": 400}
    async with stage.fault(stage.advo, fault, match={"method": "GET", "path_regex": f"{BETEILIGTE}$"}):
        yield


@asynccontextmanager
async def webhooks_silent(stage: Stage) -> AsyncIterator[None]:
    """EspoCRM's webhook job is off, and people go on working."""
    people = await stage.link("Still", 2)
    await stage.espo.job(enabled=False, clear=True)

    async def work() -> None:
        for turn in range(200):
            await stage.retitle(people, f"Dr. Still {turn}")
            await asyncio.sleep(4)

    task = asyncio.ensure_future(work())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await stage.espo.job(enabled=True)


@asynccontextmanager
async def espocrm_changed(stage: Stage) -> AsyncIterator[None]:
    """Somebody takes a field of ours out of EspoCRM."""
    admin = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    await stage.espo.ask("DELETE", "/api/v1/Admin/fieldManager/CBeteiligte/syncRetryCount", headers=admin)
    try:
        await stage.restart(WORKER.name)
        yield
    finally:
        await asyncio.to_thread(stage.office.install)
        await stage.restart(WORKER.name)


@asynccontextmanager
async def lies(stage: Stage) -> AsyncIterator[None]:
    """Advoware tells one name for everybody, and all of them are changed."""
    people = await stage.link("Belogen", 9)
    await stage.advo.lie("equal_names")
    try:
        await stage.retitle(people, "Dr. Belogen")
        yield
    finally:
        await stage.advo.lie(None)
    await asyncio.gather(*(stage.espo.until_shows(one.left, "clean again", syncStatus="clean") for one in people))


@asynccontextmanager
async def many_locked(stage: Stage) -> AsyncIterator[None]:
    """Desks have thirty parties open all the time, and all of them are changed in EspoCRM."""
    people = await stage.link("Gesperrt", 30)
    async with AsyncExitStack() as desks:
        for one in people:
            await stage.advo.ask("POST", "/_sandbox/desk/open", {"betNr": one.right})
            desks.push_async_callback(stage.advo.ask, "POST", "/_sandbox/desk/close", {"betNr": one.right})
        await stage.retitle(people, "Dr. Gesperrt")
        yield
    await stage.sql("UPDATE parked SET due_at = now()")


@asynccontextmanager
async def one_locked_for_long(stage: Stage) -> AsyncIterator[None]:
    """A record has failed for longer than a day (as long as that is here)."""
    [one] = await stage.link("Lange gesperrt", 1)
    await stage.advo.ask("POST", "/_sandbox/desk/open", {"betNr": one.right})
    try:
        await stage.espo.change(one.left, titel="Dr. Lange")
        await stage.espo.until_shows(one.left, "failed", syncStatus="failed")
        age = "parked_at - interval '25 hours' / 60"
        await stage.sql(f"UPDATE parked SET parked_at = {age} WHERE left_id = $1", one.left)  # noqa: S608
        yield
    finally:
        await stage.advo.ask("POST", "/_sandbox/desk/close", {"betNr": one.right})
        await stage.sql("UPDATE parked SET due_at = now()")


@asynccontextmanager
async def many_refused(stage: Stage) -> AsyncIterator[None]:
    """Advoware refuses thirty writes as wrong."""
    people = await stage.link("Abgelehnt", 30)
    fault = {"kind": "status", "status": 400}
    async with stage.fault(stage.advo, fault, match={"method": "PUT", "path_regex": f"{BETEILIGTE}/"}):
        await stage.retitle(people, "Dr. Abgelehnt")
        yield


@asynccontextmanager
async def letters_buried(stage: Stage) -> AsyncIterator[None]:
    """Somebody else writes into our topic what is no event."""
    await stage.publish("vmh.beteiligte", "keines", b"kein Ereignis")
    yield


@asynccontextmanager
async def notes_refused(stage: Stage) -> AsyncIterator[None]:
    """EspoCRM refuses every note: a conflict can be told to nobody."""
    async with stage.fault(stage.espo, {"kind": "status", "status": 403}, match=NOTES):
        await _conflict(stage, "Stumm")
        yield


@asynccontextmanager
async def notes_stuck(stage: Stage) -> AsyncIterator[None]:
    """EspoCRM fails whenever a note is posted: it stays written down, and is tried again."""
    async with stage.fault(stage.espo, {"kind": "status", "status": 500}, match=NOTES):
        await _conflict(stage, "Verspätet")
        yield


NOTES = {"method": "POST", "path_regex": "/Note$"}


async def _conflict(stage: Stage, name: str) -> None:
    """Both sides change one field of one record differently, before either is looked at."""
    [one] = await stage.link(name, 1)
    stage.office.freeze(WORKER.name)
    try:
        await stage.espo.change(one.left, firstName=f"{name} links")
        await stage.advo.change(one.right, vorname=f"{name} rechts")
    finally:
        stage.office.thaw(WORKER.name)


@asynccontextmanager
async def consultation_refused(stage: Stage) -> AsyncIterator[None]:
    """EspoCRM tells us of a person's save each time we write an Erstgespräch whose call is due."""
    match = {"method": "PUT", "path_regex": CONSULTATIONS}
    async with stage.fault(stage.espo, {"kind": "status", "status": 409}, match=match):
        due = {"name": "Rückruf", "status": "Warten auf neuen Anruf", "nextCall": "2026-01-02 08:00:00"}
        await stage.espo.rest("POST", CONSULTATIONS, due)
        yield


DRILLS = {
    "CredentialsRefused": login_refused,
    "RemoteAway": advoware_away,
    "TokenNotRenewed": token_not_renewed,
    "ChangesLate": changes_slow,
    "ChangeStuck": change_stuck,
    "RemoteClockOff": clock_off,
    "TickerNotSucceeding": desk_list_broken,
    "WebhooksSilent": webhooks_silent,
    "EspoCrmDiffers": espocrm_changed,
    "SourceHeld": lies,
    "SourceDoubted": lies,
    "ParkedGrowing": many_locked,
    "ParkedLong": one_locked_for_long,
    "ManyRefusals": many_refused,
    "NotesUndeliverable": notes_refused,
    "NotesWaiting": notes_stuck,
    "DeadLetters": letters_buried,
    "DeadLettersOpen": letters_buried,
    "ConsultationOverdue": consultation_refused,
}
