"""Steps 14 to 16: e-mail addresses and phone numbers, lists in EspoCRM and rows in Advoware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from demo import people
from demo.morning import Morning
from demo.remotes import Linked
from demo.wait import expect, until

Shown = Callable[[list[str], list[str]], bool]
"""(values of the list in EspoCRM, values of the rows in Advoware) → whether that is it."""
MAIL, PHONE = ("emailAddressData", "emailAddress"), ("phoneNumberData", "phoneNumber")


async def two_mails_changed_on_both_sides(morning: Morning) -> str:
    """One of two e-mail addresses is changed in EspoCRM, one at a desk: both sides have both, in the same rows."""
    espo, advo = morning.espo, morning.advo
    linked = await _with_mails(morning, people.CORRESPONDENT, people.OLD_MAILS)
    before = await _rows(morning, linked)
    notes = len(await espo.notes())
    [ours, theirs] = people.NEW_MAILS
    await asyncio.gather(
        _edit_row(morning, linked, before[1], tlf=theirs),
        espo.change(linked.left, emailAddressData=_mails(ours, people.OLD_MAILS[1])),
    )
    wanted = sorted(people.NEW_MAILS)
    await _until(
        morning, linked, MAIL, "both new addresses", lambda left, right: sorted(left) == sorted(right) == wanted
    )
    shown = (await espo.record(linked.left))["emailAddressData"]
    expect([m["emailAddress"] for m in shown if m["primary"]] == [ours], "the primary address is another one")
    after = await _rows(morning, linked)
    expect([row["id"] for row in after] == [row["id"] for row in before], "there are other rows than before")
    expect(len(await espo.notes()) == notes, "somebody was told, and there was nothing to tell")
    await advo.until_shows(linked.right, "its name", name=people.CORRESPONDENT.last)
    return f"both addresses on both sides, in the two rows that Advoware {linked.right} had; nobody had to be asked"


async def phone_typed_at_a_desk(morning: Morning) -> str:
    """A phone number is typed at a desk as people type: EspoCRM has it as E.164, Advoware keeps its own notation."""
    espo, advo = morning.espo, morning.advo
    [linked] = await morning.link(people.CALLER)
    typed = {"kommKz": 1, "tlf": people.TYPED_PHONE, "bemerkung": people.PHONE_TEXT}
    began = asyncio.get_running_loop().time()
    await advo.ask("POST", f"/_sandbox/desk/beteiligte/{linked.right}/kommunikation", typed)
    await _until(morning, linked, PHONE, "the number", lambda left, _: left == [people.PHONE])
    took = asyncio.get_running_loop().time() - began
    [phone] = (await espo.record(linked.left))["phoneNumberData"]
    expect(phone["type"] == "Office", "the type of the number was lost")
    await espo.change(linked.left, titel=people.CALLER_TITLE)
    await advo.until_shows(linked.right, "the next change", titel=people.CALLER_TITLE)
    await espo.until_shows(linked.left, "clean", syncStatus="clean")
    [row] = await _rows(morning, linked)
    kept = {name: row[name] for name in typed}
    expect(kept == typed, "the row of the desk is not as it was typed")
    return f"in EspoCRM as E.164 {took:.1f} s after the desk saved it; notation and text stay in Advoware's row"


async def slot_reused(morning: Morning) -> str:
    """An address is removed in EspoCRM, later another is added: it takes the same row, for Advoware deletes none."""
    espo = morning.espo
    linked = await _with_mails(morning, people.MOVER, people.MOVED_MAILS[:1])
    [before] = await _rows(morning, linked)
    await espo.change(linked.left, emailAddressData=[])
    await _until(morning, linked, MAIL, "the emptied row", lambda left, right: (left, right) == ([], [""]))
    await espo.change(linked.left, emailAddressData=_mails(people.MOVED_MAILS[1]))
    wanted = [people.MOVED_MAILS[1]]
    await _until(morning, linked, MAIL, "the new address", lambda left, right: left == right == wanted)
    rows = await _rows(morning, linked)
    expect([row["id"] for row in rows] == [before["id"]], f"Advoware has {len(rows)} rows now, not the one it had")
    return f"Advoware {linked.right} still has one row: emptied, then filled again"


async def _with_mails(morning: Morning, person: people.Person, values: Sequence[str]) -> Linked:
    """A party in both systems, with these addresses entered in EspoCRM."""
    [linked] = await morning.link(person)
    await morning.espo.change(linked.left, emailAddressData=_mails(*values))
    await _until(morning, linked, MAIL, "the addresses", lambda left, right: left == right == list(values))
    await morning.espo.until_shows(linked.left, "clean", syncStatus="clean")
    return linked


def _mails(*values: str) -> list[dict[str, Any]]:
    """As a user's browser sends the list: the first one primary."""
    return [{"emailAddress": value, "primary": number == 0} for number, value in enumerate(values)]


async def _rows(morning: Morning, linked: Linked) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await morning.advo.party(linked.right))["kommunikation"]
    return rows


async def _edit_row(morning: Morning, linked: Linked, row: dict[str, Any], **values: Any) -> None:
    await morning.advo.ask("POST", f"/_sandbox/desk/beteiligte/{linked.right}/kommunikation/{row['id']}", values)


async def _until(morning: Morning, linked: Linked, kind: tuple[str, str], what: str, is_so: Shown) -> None:
    """Wait until the list in EspoCRM and the rows in Advoware are so."""
    attribute, name = kind

    async def probe() -> bool | None:
        left = [item[name] for item in (await morning.espo.record(linked.left))[attribute] or ()]
        return is_so(left, [row["tlf"] for row in await _rows(morning, linked)]) or None

    await until(probe, f"{linked.left} and Advoware {linked.right}: {what}")
