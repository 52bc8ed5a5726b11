"""Step 17: two records that exist already are linked, which EspoCRM tells nobody by itself."""

from __future__ import annotations

import asyncio

from demo import people
from demo.morning import Morning
from demo.steps_children import ADDRESS, until_child
from demo.wait import expect, until

LINK, UNLINK = "POST", "DELETE"


async def address_linked_later(morning: Morning) -> str:
    """An address without a party is linked to one, ticker and webhook job off: found through the link alone."""
    espo, advo = morning.espo, morning.advo
    [party] = await morning.link(people.HEIRESS)
    start = await espo.last_call()
    made = await espo.rest("POST", ADDRESS, {**people.ADDRESS, "adresseStreet": people.LINKED_STREET})
    address = str(made["id"])
    await until(lambda: _seen(morning, address, start), "the address without a party was looked at")
    await until(espo.nothing_waits, "no webhook waits")
    async with morning.without_ticker():
        try:
            await espo.job(enabled=False)
            since, asked = await advo.last_call(), await espo.quiet()
            began = asyncio.get_running_loop().time()
            await _change(morning, LINK, party.left, address)
            record = await until_child(morning, ADDRESS, address, "clean", syncStatus="clean", advowareId=...)
            took = asyncio.get_running_loop().time() - began
            await espo.quiet()
            looks = [call for call in await espo.our_calls(asked, record=party.left) if call["method"] == "GET"]
            writes = await espo.our_calls(asked, record=party.left, method="PUT")
            posts = await advo.calls(method="POST", path=f"/{party.right}/Adressen$", since=since)
            await _change(morning, UNLINK, party.left, address)
            await espo.quiet()
            rows = (await advo.party(party.right))["adressen"]
        finally:
            await espo.job(enabled=True, clear=True)
    street = next((row["strasse"] for row in rows if row["id"] == record["advowareId"]), None)
    expect(len(posts) == 1 and street == people.LINKED_STREET, f"{len(posts)} POSTs, or another street")
    expect(len(looks) == 1 and not writes, f"the party cost {len(looks)} reads and {len(writes)} writes, not one read")
    return f"in Advoware after {took:.1f} s, posted once; its party read once; unlinked, it stays there"


async def _seen(morning: Morning, address: str, since: int) -> bool | None:
    """Our services have asked EspoCRM for it: there is nobody yet whose address it could be."""
    return bool(await morning.espo.our_calls(since, record=address)) or None


async def _change(morning: Morning, method: str, party: str, address: str) -> None:
    await morning.espo.rest(method, f"CBeteiligte/{party}/adressens", {"id": address})
