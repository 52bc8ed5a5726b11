"""Steps 11 to 13: what belongs to a party. Addresses and bank accounts, and one that comes before its party."""

from __future__ import annotations

from typing import Any

from demo import people
from demo.morning import Morning
from demo.remotes import differing
from demo.wait import expect, until

ADDRESS, ACCOUNT = "CAdressen", "CBankverbindungen"


async def address_with_a_read_only_field(morning: Morning) -> str:
    """An address is created, its street and its end are changed: one takes, the other is a note; a desk's own comes."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.TENANT)
    made = await espo.rest("POST", ADDRESS, {**people.ADDRESS, "beteiligteId": linked.left})
    await until_child(morning, ADDRESS, made["id"], "linked and clean", syncStatus="clean", advowareId=...)
    notes = {note["id"] for note in await espo.notes()}
    changed = {"adresseStreet": people.NEW_STREET, "gueltigBis": "2026-12-31"}
    await espo.rest("PUT", f"{ADDRESS}/{made['id']}", changed)
    record = await until_child(morning, ADDRESS, made["id"], "manual_action", syncStatus="manual_action")
    row = await _row(morning, linked.right, "adressen", record["advowareId"])
    expect(row["strasse"] == people.NEW_STREET and not row["gueltigBis"], "the street did not take, or the end did")
    count = await _notes_about(morning, notes, str(record["advowareId"]), "Gültig bis")
    path = f"/_sandbox/desk/beteiligte/{linked.right}/adressen"
    await advo.ask("POST", path, {"strasse": people.DESK_STREET, "ort": "Ulm", "land": "DE"})
    from_desk = await _until_listed(morning, ADDRESS, linked.left, adresseStreet=people.DESK_STREET)
    await until_child(morning, ADDRESS, from_desk, "linked and clean", syncStatus="clean", adresseCountry="Deutschland")
    return f"street written, {count} note with the steps for the end; the desk's own address is in EspoCRM"


async def account_changed(morning: Morning) -> str:
    """A bank account is changed in EspoCRM: Advoware keeps the old one, one note names both, masked, and the steps."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.ACCOUNT_HOLDER)
    made = await espo.rest("POST", ACCOUNT, {"name": "Giro", "iban": people.OLD_IBAN, "beteiligteId": linked.left})
    await until_child(morning, ACCOUNT, made["id"], "linked and clean", syncStatus="clean", advowareId=...)
    notes, start = {note["id"] for note in await espo.notes()}, await advo.last_call()
    await espo.rest("PUT", f"{ACCOUNT}/{made['id']}", {"iban": people.NEW_IBAN})
    record = await until_child(morning, ACCOUNT, made["id"], "manual_action", syncStatus="manual_action")
    row = await _row(morning, linked.right, "bankverbindungen", record["advowareId"])
    expect(row["iban"] == people.OLD_IBAN, "the account was changed in Advoware")
    await _notes_about(morning, notes, people.OLD_IBAN[-4:], people.NEW_IBAN[-4:])
    fresh = [note["post"] for note in await espo.notes() if note["id"] not in notes]
    expect(not any(number[:-4] in post for post in fresh for number in (people.OLD_IBAN, people.NEW_IBAN)), "no mask")
    writes = [call for call in await advo.calls(since=start, path="Bankverbindungen") if call["method"] != "GET"]
    expect(not writes, f"{len(writes)} writes to an account that can't be changed")
    return "manual_action, one note with both numbers masked, nothing sent"


async def child_before_its_party(morning: Morning) -> str:
    """An address comes while its party can't be created yet: it waits, is no failure, and follows at once."""
    espo, advo = morning.espo, morning.advo
    rule = await advo.fault(
        {"kind": "status", "status": 503}, match={"method": "POST", "path_regex": "/Beteiligte$"}, for_seconds=60
    )
    try:
        party = await espo.create_person(people.LATE)
        made = await espo.rest("POST", ADDRESS, {**people.ADDRESS, "beteiligteId": party})
        await until(lambda: _has_fired(morning, rule), "the party's creation was refused")
        record = await espo.rest("GET", f"{ADDRESS}/{made['id']}")
        expect(record["syncStatus"] == "pending_sync", f"the address shows {record['syncStatus']}, not pending_sync")
    finally:
        await advo.mend(rule)
    linked = await espo.until_linked(party)
    wanted = {"syncStatus": "clean", "syncErrorMessage": None, "advowareId": ...}
    await until_child(morning, ADDRESS, made["id"], "linked and clean", **wanted)
    posts = await advo.calls(method="POST", path=f"/{linked.right}/Adressen$")
    expect(len(posts) == 1, f"the address was posted {len(posts)} times")
    return f"pending_sync while the party was refused, then both: {linked.right} and its address, posted once"


async def _has_fired(morning: Morning, rule: int) -> int | None:
    return await morning.advo.fired(rule) or None


async def until_child(morning: Morning, kind: str, record_id: str, what: str, **wanted: Any) -> dict[str, Any]:
    async def probe() -> dict[str, Any] | None:
        seen: dict[str, Any] = await morning.espo.rest("GET", f"{kind}/{record_id}")
        return seen if not differing(seen, wanted) else None

    async def instead() -> str:
        seen = await morning.espo.rest("GET", f"{kind}/{record_id}")
        return f"syncStatus {seen['syncStatus']}; differing: {', '.join(differing(seen, wanted))}"

    return await until(probe, f"{kind} {record_id}: {what}", instead=instead)


async def _until_listed(morning: Morning, kind: str, party: str, **wanted: Any) -> str:
    async def probe() -> str | None:
        found = (await morning.espo.rest("GET", kind))["list"]
        return next((str(r["id"]) for r in found if r["beteiligteId"] == party and not differing(r, wanted)), None)

    return await until(probe, f"a record of {kind} that came from a desk")


async def _row(morning: Morning, bet_nr: int, kind: str, number: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = (await morning.advo.party(bet_nr))[kind]
    return next(row for row in rows if row["id"] == number)


async def _notes_about(morning: Morning, before: set[str], *parts: str) -> int:
    """How many new notes to Anna hold all of these; fails for any number but one."""

    async def probe() -> int | None:
        fresh = [note["post"] for note in await morning.espo.notes() if note["id"] not in before]
        return len([post for post in fresh if all(part in post for part in parts)]) or None

    count = await until(probe, "a note to the assigned user")
    expect(count == 1, f"{count} notes for one change")
    return count
