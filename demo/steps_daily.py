"""Steps 1 to 5: an ordinary morning, with changes on both sides."""

from __future__ import annotations

import asyncio
from typing import Any

from demo import people
from demo.morning import Morning
from demo.remotes import EspoCrm, Linked
from demo.wait import expect, until

TWICE_CHANGED = 8


async def create_person_and_company(morning: Morning) -> str:
    """A person and a company are created in an EspoCRM that was bare: both in Advoware, numbers are back, clean."""
    installed = morning.stack.installation
    expect(installed is not None, "nothing was installed into EspoCRM")
    espo, advo, person = morning.espo, morning.advo, people.PERSON
    start_left, start_right = await espo.last_call(), await advo.last_call()
    one, other = await asyncio.gather(
        espo.create_person(person), espo.create(firmenname=people.COMPANY, rechtsform="GmbH")
    )
    human, company = await asyncio.gather(espo.until_linked(one), espo.until_linked(other))
    born = f"{person.born}T00:00:00"
    await advo.until_shows(human.right, "the person", name=person.last, vorname=person.first, geburtsdatum=born)
    await advo.until_shows(company.right, "the company", name=people.COMPANY, rechtsform="GmbH")
    for linked in (human, company):
        row_id = (await advo.party(linked.right))["rowId"]
        await espo.until_shows(linked.left, "Advoware's row id", advowareRowId=row_id)
    expect(await advo.named(person.last) == [human.right], "the person is in Advoware more than once")
    calls = len(await advo.calls(record=human.right, since=start_right))
    calls += len(await espo.our_calls(start_left, record=human.left))
    seen = f"Advoware {human.right} and {company.right}, row ids back, clean; {calls} API calls for the person"
    return f"{installed.sentence if installed else ''}; {seen}"


async def change_twelve_at_once(morning: Morning) -> str:
    """One webhook brings 20 changes of 12 people: they become 12 syncs."""
    espo, advo = morning.espo, morning.advo
    crowd = await morning.link(*people.CROWD)
    async with morning.without_ticker():
        # What the ticker found before it stood still is looked at first: those reads are not the webhook's.
        start = await advo.quiet()
        sent = await _send_in_one_webhook(espo, crowd)
        for index, linked in enumerate(crowd):
            title = people.CROWD_TITLES[1 if index < TWICE_CHANGED else 0]
            await advo.until_shows(linked.right, "the newest title", titel=title)
            await espo.until_shows(linked.left, "clean", syncStatus="clean", titel=title)
    expect(sent == len(crowd) + TWICE_CHANGED, f"EspoCRM's webhook brought {sent} changes, not 20")
    numbers = {str(linked.right) for linked in crowd}
    calls = [call for call in await advo.calls(since=start) if call["record"] in numbers]
    writes = [call["record"] for call in calls if call["method"] == "PUT"]
    reads = [call["record"] for call in calls if call["method"] == "GET"]
    expect(sorted(writes) == sorted(numbers), f"{len(writes)} writes to Advoware for {len(set(writes))} people, not 12")
    expect(sorted(reads) == sorted(numbers), f"{len(reads)} reads from Advoware for {len(set(reads))} people, not 12")
    return f"{sent} changes in one webhook; Advoware saw {len(reads)} reads and {len(writes)} writes, one each a person"


async def _send_in_one_webhook(espo: EspoCrm, crowd: list[Linked]) -> int:
    """Change all of them while the webhook job is off, some twice, and run it once. How many changes it sent."""
    await until(espo.nothing_waits, "EspoCRM has sent all earlier webhooks")
    before = int((await espo.job(enabled=False))["sent"])
    try:
        for title, changed in zip(people.CROWD_TITLES, (crowd, crowd[:TWICE_CHANGED]), strict=True):
            for linked in changed:
                await espo.change(linked.left, titel=title)
        return int((await espo.run_job())["sent"]) - before
    finally:
        await espo.job(enabled=True)


async def change_at_a_desk(morning: Morning) -> str:
    """Somebody changes a party at a desk in Advoware: the change is in EspoCRM."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.AT_THE_DESK)
    began = asyncio.get_running_loop().time()
    await advo.change(linked.right, anrede="Divers", geburtsname=people.BIRTH_NAME)
    await espo.until_shows(linked.left, "the desk's values", salutationName="Divers", geburtsname=people.BIRTH_NAME)
    await espo.until_shows(linked.left, "clean", syncStatus="clean")
    took = asyncio.get_running_loop().time() - began
    return f"EspoCRM has salutation and birth name of {linked.right}, {took:.1f} s after the desk saved them"


async def change_on_both_sides(morning: Morning) -> str:
    """One changes the surname in EspoCRM, one the salutation in Advoware, in the same second: both sides have both."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.BOTH_SIDES)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        advo.change(linked.right, anrede=people.OTHER_SALUTATION),
        espo.change(linked.left, lastName=people.MARRIED_NAME),
    )
    apart = asyncio.get_running_loop().time() - began
    expect(apart < 1.0, f"the two changes took {apart:.1f} s, this machine is too busy for this step")
    right: dict[str, Any] = {"name": people.MARRIED_NAME, "anrede": people.OTHER_SALUTATION}
    left: dict[str, Any] = {"lastName": people.MARRIED_NAME, "salutationName": people.OTHER_SALUTATION}
    await advo.until_shows(linked.right, "both changes", **right)
    await espo.until_shows(linked.left, "both changes", syncStatus="clean", **left)
    return f"EspoCRM and Advoware {linked.right} have the new surname and the new salutation, clean"


async def disagree(morning: Morning) -> str:
    """Both change the first name: EspoCRM's stands in both, the assigned user has a note with both values."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.DISPUTED)
    ours, theirs = people.FIRST_NAME_IN_ESPOCRM, people.FIRST_NAME_IN_ADVOWARE
    await asyncio.gather(advo.change(linked.right, vorname=theirs), espo.change(linked.left, firstName=ours))
    await advo.until_shows(linked.right, "EspoCRM's first name", vorname=ours)
    await espo.until_shows(linked.left, "its own first name, clean", firstName=ours, syncStatus="clean")

    async def note() -> int | None:
        found = [each for each in await espo.notes() if ours in each["post"] and theirs in each["post"]]
        return len(found) or None

    count = await until(note, "a note to the assigned user with both first names")
    expect(count == 1, f"{count} notes for one conflict")
    return "EspoCRM's first name is in both systems, one note to Anna names both values"
