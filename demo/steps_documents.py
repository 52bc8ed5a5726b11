"""Steps 29 to 31: a lawyer asks about a matter, and is answered from that matter's papers alone."""

from __future__ import annotations

from demo.morning import Morning
from demo.papers import papers_of
from demo.wait import expect, until

QUESTION = "Wann ist die Räumung des Kellers?"
ANSWER = "Die Räumung des Kellers ist auf den 12. Mai 2027 angesetzt."
PLANTED = ("12. Mai 2027", "Terminsladung", "Keller Nordstraße", "unterschrieben", "Schimmel", "Dachboden")
"""Words of files, of documents' names and of matters' names: nowhere but in EspoCRM and xAI."""


async def found_in_its_matter(morning: Morning) -> str:
    """A file is uploaded and linked to a Räumungsklage whose switch is on: found there, and in no other matter."""
    async with papers_of(morning.addresses, morning.espo) as papers:
        one, other = await papers.case("Keller Nordstraße"), await papers.case("Dachboden Südstraße")
        first = await papers.document("Terminsladung", ANSWER.encode(), one)
        second = await papers.document("Mietvertrag", b"Der Dachboden wird mitvermietet.", other)
        for document in (first, second):
            await papers.until_state(document, "clean")
        here, there = [await papers.collection_of(case) for case in (one, other)]
        await papers.until_asked(QUESTION, here, "12. Mai 2027")
        elsewhere = await papers.asked(QUESTION, [there])
        expect(not any("12. Mai" in each for each in elsewhere), "the other matter knows it, too")
    return "asked in its own matter: 12. Mai 2027; asked in the other: nothing of it"


async def sent_once(morning: Morning) -> str:
    """The same scan hangs on two documents of two matters: it leaves the house once, and both find it."""
    async with papers_of(morning.addresses, morning.espo) as papers:
        since, scan = await papers.files.last_call(), "Vollmacht vom 3. März 2027, unterschrieben".encode()
        cases = [await papers.case(f"Vollmacht {n}") for n in range(2)]
        for n, case in enumerate(cases):
            await papers.until_state(await papers.document(f"Scan {n}", scan, case), "clean")
        for case in cases:
            await papers.until_asked("Vollmacht unterschrieben", await papers.collection_of(case), "3. März 2027")
        sent = await papers.uploads(since)
        expect(sent == 1, f"{sent} uploads")
    return "two documents, two collections, one upload"


async def taken_back(morning: Morning) -> str:
    """The switch is set to off: the collection and what was sent for it are gone from xAI."""
    async with papers_of(morning.addresses, morning.espo) as papers:
        case = await papers.case("Widerruf")
        document = await papers.document("Gutachten", "Gutachten über den Schimmel im Bad".encode(), case)
        await papers.until_state(document, "clean")
        collection = await papers.collection_of(case)
        await papers.switch(case, on=False)
        await papers.until_state(document, "no_sync")

        async def is_gone() -> bool | None:
            return (collection not in await papers.existing()) or None

        await until(is_gone, "the collection is gone")
        files = await papers.files_of(document)
        expect(files == 0, f"{files} files are still there")
    return "no collection, no file; the transfer's row says when"
