"""Documents through everything: EspoCRM, webhooks and link hook, Kafka, document-sync, xAI and its search."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from demo.papers import Papers, papers_of
from demo.remotes import EspoCrm
from demo.wait import until
from deploy.local.office import Office

pytestmark = pytest.mark.stack
ANSWER = b"Die Zwangsraeumung des Kellers ist fuer den 12. Mai 2027 angesetzt.\n"
OTHER = b"Die Kaution betrug drei Monatsmieten und liegt auf einem Sparbuch.\n"


@pytest.fixture
async def papers(office: Office) -> AsyncIterator[Papers]:
    async with EspoCrm.of(office.addresses.espocrm_url) as espo, papers_of(office.addresses, espo) as found:
        yield found


async def test_a_file_is_found_in_its_own_matter_alone(papers: Papers) -> None:
    one, other = await papers.case("Keller"), await papers.case("Kaution")
    first = await papers.document("Termin", ANSWER, one)
    second = await papers.document("Sparbuch", OTHER, other)
    for document in (first, second):
        await papers.until_state(document, "clean")
    here, there = [await papers.collection_of(each) for each in (one, other)]
    assert len({here, there, ""}) == 3
    assert await papers.until_asked("Wann ist die Zwangsraeumung?", here, "12. Mai 2027")
    assert await papers.asked("Wann ist die Zwangsraeumung?", [there]) == []


async def test_switched_off_is_taken_back(papers: Papers) -> None:
    case = await papers.case("Widerruf")
    document = await papers.document("Vollmacht", b"Vollmacht fuer Widerruf\n", case)
    await papers.until_state(document, "clean")
    collection = await papers.collection_of(case)
    await papers.switch(case, on=False)
    await papers.until_state(document, "no_sync")

    async def is_gone() -> bool | None:
        return (collection not in await papers.existing()) or None

    await until(is_gone, "the collection is gone", 120)


async def test_equal_bytes_are_sent_once(papers: Papers) -> None:
    """Two documents of the same content, in two matters."""
    since = await papers.files.last_call()
    cases = [await papers.case(f"Zwilling {n}") for n in range(2)]
    same = b"Zwei Abschriften desselben Urteils\n"
    documents = [await papers.document(f"Urteil {n}", same, case) for n, case in enumerate(cases)]
    for document in documents:
        await papers.until_state(document, "clean")
    for case in cases:
        assert await papers.until_asked("Abschriften Urteil", await papers.collection_of(case), "desselben")
    assert await papers.uploads(since) == 1


async def test_a_replaced_file_replaces_what_is_found(papers: Papers) -> None:
    case = await papers.case("Neufassung")
    document = await papers.document("Vertrag", b"Die Miete betraegt 800 Euro im Monat\n", case)
    await papers.until_state(document, "clean")
    collection = await papers.collection_of(case)
    await papers.replace(document, "Vertrag", b"Die Miete betraegt 950 Euro im Monat\n")
    await papers.until_asked("Miete Monat", collection, "950 Euro")

    async def only_new() -> bool | None:
        found = await papers.asked("Miete Monat", [collection])
        return not any("800 Euro" in each for each in found) or None

    await until(only_new, "the old version is found no more", 120)


async def test_unlinked_is_found_no_more(papers: Papers) -> None:
    case = await papers.case("Irrtum")
    document = await papers.document("Falsch abgelegt", b"Gehoert in eine andere Akte: Bauantrag Nordfluegel\n", case)
    await papers.until_state(document, "clean")
    collection = await papers.collection_of(case)
    await papers.unlink(case, document)
    await papers.until_state(document, "no_sync")
    assert await papers.asked("Bauantrag Nordfluegel", [collection]) == []
