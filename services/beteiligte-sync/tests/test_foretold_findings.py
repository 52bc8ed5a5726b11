"""What is foretold is what the engine then does: the faults of part C of the findings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from household import Household
from kommunikation_office import Shop
from office import Office

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync.explain.commands import RELEASE_BRAKE, propose
from recordsync.explain.findings import Findings, Found, Remembered
from recordsync.explain.report import Report, explain
from recordsync.mapping.field import EntityMapping
from recordsync.testing.memory import FakeLinks
from recordsync.testing.remotes import FakeLeft, FakeRight
from recordsync.testing.rows import FakeRows
from synckit.errors import SyncError


async def findings_of(
    mapping: EntityMapping, left: FakeLeft, right: FakeRight | FakeRows, links: FakeLinks, record_id: str
) -> Findings:
    """What `why` reads of a record that is linked."""
    state = await links.load(record_id)
    assert state.link is not None
    right_id = state.link.right_id
    shown = await right.read(right_id)
    return Findings(
        left_id=record_id,
        at=left.clock.now(),
        memory=Found(Remembered(state)),
        left=Found(await left.read(record_id)),
        right=Found(shown),
        right_id=right_id,
    )


async def reported(office: Office) -> tuple[Findings, Report]:
    findings = await findings_of(BETEILIGTE, office.left, office.right, office.links, "p1")
    return findings, explain(findings, BETEILIGTE)


async def test_a_held_list_change_can_be_released() -> None:
    """A change of a list alone, under a time from before: the engine holds it, so it can be released."""
    office = Shop()
    await office.with_mails("paula@probe.example")
    office.adds_a_mail("neu@probe.example")
    office.left.changed["p1"] = office.clock.now() - timedelta(days=3)
    assert (await office.sync("p1")).result == "held"
    findings, report = await reported(office)
    assert report.forecast.kind == "held", report.forecast.lines
    assert propose(RELEASE_BRAKE, findings, report).refusal == ""


async def test_a_child_given_away_is_foretold_as_refused() -> None:
    """No row moves from party to party in Advoware: the engine fails it, and so it is foretold."""
    home = Household(ADRESSEN)
    await home.with_child(adresseStreet="Weg 1", adresseCity="Ort")
    home.party_left.seed("p2", lastName="Zwei")
    await home.party_synced("p2")
    home.children.edit("a1", beteiligteId="p2", adresseStreet="Weg 2")
    findings = await findings_of(ADRESSEN, home.children, home.rows, home.child_links, "a1")
    findings = replace(findings, parent_right_id=str(home.party_left.records["p2"]["betnr"]))
    forecast = explain(findings, ADRESSEN).forecast
    assert (await home.sync("a1")).result == "failed"
    assert forecast.kind == "refused", forecast.lines


async def test_a_side_that_shows_nothing_is_foretold() -> None:
    """An answer that is not the record is trouble, not "nothing to write"."""
    office = Office()
    betnr = await office.linked()
    keep = ("betNr", "rowId", "geaendertAm")
    office.right.records[betnr] = {k: v for k, v in office.right.records[betnr].items() if k in keep}
    _, report = await reported(office)
    result = ""
    with suppress(SyncError):
        result = (await office.sync("p1")).result
    assert result == "", "the engine does not believe it"
    assert report.forecast.kind == "unknown", report.forecast.lines
