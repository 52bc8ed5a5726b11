"""Steps 6 to 8 and 18: a crash at the worst moment, an outage, a deletion on the other side, a lie."""

from __future__ import annotations

import asyncio

from demo import people
from demo.morning import Morning
from demo.wait import expect, until

OUTAGE_SECONDS = 20
POST = {"method": "POST", "path_regex": "/Beteiligte$"}


async def kill_the_worker(morning: Morning) -> str:
    """The worker is killed with -9 between Advoware storing a new party and its answer: one party, linked, no twin."""
    espo, advo, person = morning.espo, morning.advo, people.UNFINISHED
    start = await advo.last_call()
    rule = await advo.fault({"kind": "hold_after"}, match=POST, times=1)
    try:
        made = await espo.create_person(person)

        async def stored() -> bool | None:
            posts = await advo.calls(method="POST", path="/Beteiligte$", since=start)
            return True if any(call["effect"] == 201 and call["ended"] is None for call in posts) else None

        await until(stored, "Advoware has stored the party and holds its answer back")
        await morning.kill_workers()
    finally:
        await advo.mend(rule)
    parties = await advo.named(person.last)
    expect(len(parties) == 1, f"{len(parties)} parties in Advoware right after the kill")
    expect(not (await espo.record(made))["betnr"], "EspoCRM knows the number already: the kill came too late")
    await morning.restart_workers()
    linked = await espo.until_linked(made)
    parties = await advo.named(person.last)
    posts = await advo.calls(method="POST", path="/Beteiligte$", since=start)
    expect(parties == [linked.right], f"{len(parties)} parties in Advoware, not the one that is linked")
    expect(len(posts) == 1, f"{len(posts)} parties were posted")
    killed = len(morning.workers)
    return f"{killed} killed and restarted: one party, {linked.right}, linked and clean, posted once"


async def outage(morning: Morning) -> str:
    """Advoware answers 503 for 20 s or more for one party: retried until clean, and others are clean meanwhile."""
    espo, advo = morning.espo, morning.advo
    patient, *others = await morning.link(people.PATIENT, *people.IMPATIENT)
    clock = asyncio.get_running_loop().time
    rule = await advo.fault({"kind": "status", "status": 503}, match={"record": str(patient.right)})
    began = clock()
    await espo.change(patient.left, titel=people.PATIENT_TITLE)

    async def hit() -> int | None:
        return await advo.fired(rule) or None

    try:
        await until(hit, "the first 503")
        for linked in others:
            await espo.change(linked.left, titel=people.IMPATIENT_TITLE)
        for linked in others:
            await advo.until_shows(linked.right, "its title", titel=people.IMPATIENT_TITLE)
            await espo.until_shows(linked.left, "clean", syncStatus="clean")
        others_took = clock() - began
        await asyncio.sleep(max(0.0, OUTAGE_SECONDS - others_took))
        expect((await advo.party(patient.right))["titel"] == "", "the outage did not hold up the party that it was for")
        fired = await advo.fired(rule)
    finally:
        await advo.mend(rule)
    await advo.until_shows(patient.right, "its title", titel=people.PATIENT_TITLE)
    await espo.until_shows(patient.left, "clean", syncStatus="clean", titel=people.PATIENT_TITLE)
    took = clock() - began
    return (
        f"{len(others)} others after {others_took:.1f} s; the party itself after {took:.1f} s, {fired} answers of 503"
    )


async def delete_in_advoware(morning: Morning) -> str:
    """A party is deleted in Advoware, and changed in EspoCRM: deleted_in_advoware, a note, nothing is recreated."""
    espo, advo, person = morning.espo, morning.advo, people.DELETED
    [linked] = await morning.link(person)
    notes_before = {note["id"] for note in await espo.notes()}
    start = await advo.last_call()
    await advo.delete(linked.right)
    await espo.change(linked.left, titel=people.TITLE_OF_THE_DELETED)
    await espo.until_shows(linked.left, "deleted_in_advoware", syncStatus="deleted_in_advoware", advowareDeletedAt=...)

    async def note() -> int | None:
        fresh = [each for each in await espo.notes() if each["id"] not in notes_before]
        return len([each for each in fresh if str(linked.right) in each["post"]]) or None

    count = await until(note, "a note to the assigned user about the deletion")
    record = await espo.record(linked.left)
    posts = await advo.calls(method="POST", path="/Beteiligte$", since=start)
    expect(count == 1, f"{count} notes for one deletion")
    expect(await advo.named(person.last) == [] and not posts, "the party was created again")
    expect(record["titel"] == people.TITLE_OF_THE_DELETED, "EspoCRM's record was changed")
    return f"deleted_in_advoware, one note to Anna about {linked.right}, nothing posted"


async def a_lie_is_held(morning: Morning) -> str:
    """Advoware tells one and the same name for everybody: all are held, EspoCRM keeps its names, and they go on."""
    espo, advo = morning.espo, morning.advo
    linked = await morning.link(*people.BELIED)
    await advo.lie("equal_names")
    try:
        for each in linked:
            await espo.change(each.left, titel=people.BELIED_TITLE)
        for each in linked:
            await espo.until_shows(each.left, "held", syncStatus="conflict", syncErrorMessage=...)
        for each, person in zip(linked, people.BELIED, strict=True):
            record, party = await espo.record(each.left), await advo.party(each.right)
            expect((record["lastName"], record["firstName"]) == (person.last, person.first), "EspoCRM lost a name")
            expect((party["name"], party["titel"]) == (person.last, ""), "a held party was written")
    finally:
        await advo.lie(None)
    for each in linked:
        await espo.until_shows(each.left, "clean again by itself", syncStatus="clean")
        await advo.until_shows(each.right, "its title", titel=people.BELIED_TITLE)
    return f"{len(linked)} records held, no name lost; the lie over, all in step by themselves"
