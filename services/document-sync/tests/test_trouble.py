"""Bad input and trouble: whatever goes wrong is somebody's task, and nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from document_world import KLAGE, MIETER, World
from hypothesis import given
from hypothesis import strategies as st

from document_sync.domain.naming import LONGEST, file_name
from document_sync.domain.values import RecordKey
from document_sync.domain.wanted import wanted_collections
from document_sync.ports import XaiRejected
from synckit.errors import (
    AuthenticationRefused,
    CircuitOpen,
    Locked,
    RateLimited,
    RemoteUnavailable,
    StaleVersion,
    SyncError,
    TooEarly,
)
from synckit.testing.faults import Crash

HASH = "0123456789abcdef" * 4


async def ready(content: bytes = b"Raeumung") -> World:
    world = World()
    await world.switched(KLAGE, True)
    world.office.write_paper("d1", content)
    world.office.join("d1", KLAGE)
    return world


@given(st.text(max_size=255))
def test_any_name_makes_a_file_name(name: str) -> None:
    """No path, no control character, never too long, and found by its beginning."""
    made = file_name(HASH, name)
    assert made.startswith(f"{HASH[:16]}-")
    assert len(made.encode()) <= LONGEST + 17
    assert not set('/\\\0\r\n"') & set(made)
    assert ".." not in made
    assert made == file_name(HASH, name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ä" * 251 + ".pdf", "ä" * 58 + ".pdf"),
        ("../../etc/passwd", "____etc_passwd"),
        ("Räumung/Müller.pdf", "Räumung_Müller.pdf"),
        ("..", "_"),
        ("", "Dokument"),
        ("\n", "_"),
    ],
)
def test_hard_names_are_tamed(name: str, expected: str) -> None:
    assert file_name(HASH, name) == f"{HASH[:16]}-{expected}"


records = st.builds(RecordKey, st.sampled_from(["A", "B"]), st.sampled_from(["1", "2", "3"]))


@given(st.frozensets(records), st.dictionaries(records, st.booleans()), st.frozensets(records))
def test_the_set_depends_on_links_and_switches(
    links: frozenset[RecordKey], switches: dict[RecordKey, bool], others: frozenset[RecordKey]
) -> None:
    """Nothing else: what is not linked changes nothing, and nobody is in who is not linked and switched on."""
    wanted = wanted_collections(links, switches)
    assert wanted <= links
    assert all(switches[key] for key in wanted)
    unlinked = {**switches, **dict.fromkeys(others - links, True)}
    assert wanted_collections(links, unlinked) == wanted
    for key in links:
        assert wanted_collections(links, {**switches, key: False}) == wanted - {key}
        assert wanted_collections(links, {**switches, key: True}) == wanted | {key}


@pytest.mark.parametrize(("content", "word"), [(b"", "leer"), (b"x" * 1001, "zu groß")])
async def test_files_that_can_not_go_are_told(content: bytes, word: str) -> None:
    """0 bytes, one byte too many: failed with the reason, nothing sent, and read once only."""
    world = await ready(content)
    await world.look("d1")
    assert world.state("d1") == "failed"
    assert word in world.office.papers["d1"].shown["xaiSyncError"]
    assert "upload" not in world.xai.calls
    await world.look("d1")
    assert world.office.calls.count("bytes") == 1
    world.office.write_paper("d1", b"gut")
    await world.look("d1")
    await world.settle()
    assert world.state("d1") == "clean"
    assert world.office.papers["d1"].shown["xaiSyncError"] is None


async def test_an_attachment_that_is_gone_is_told() -> None:
    """And tried again later: it may come back."""
    world = await ready()
    world.office.papers["d1"].attachment = "nowhere"
    await world.look("d1")
    assert world.state("d1") == "failed"
    assert "nicht mehr da" in world.office.papers["d1"].shown["xaiSyncError"]
    world.office.bytes["nowhere"] = (b"da", "application/pdf")
    for _ in range(8):
        await world.pass_time(600)
    assert world.state("d1") == "clean"


async def test_a_document_without_a_file_is_in_none() -> None:
    world = await ready()
    world.office.papers["d1"].attachment = ""
    await world.look("d1")
    assert world.state("d1") == "no_sync"
    assert "bytes" not in world.office.calls


async def test_the_old_goes_when_the_new_can_not() -> None:
    """A wrong answer is worse than none."""
    world = await ready()
    await world.look("d1")
    await world.settle()
    world.office.write_paper("d1", b"x" * 1001)
    await world.look("d1")
    assert world.in_collection(KLAGE) == set()
    assert world.state("d1") == "failed"


@pytest.mark.parametrize("status", [413, 403, 400])
async def test_what_xai_refuses_is_told_with_its_reason(status: int) -> None:
    """Too large, the account is full, whatever else: the document's state, in xAI's words, and tried again later."""
    world = await ready()
    world.xai.refusal = XaiRejected("xai", status, "account is full")
    await world.look("d1")
    assert world.state("d1") == "failed"
    error = world.office.papers["d1"].shown["xaiSyncError"]
    assert f"({status})" in error
    assert "account is full" in error
    assert world.out() == []
    uploads = world.xai.calls.count("upload")
    await world.look("d1")
    assert world.xai.calls.count("upload") == uploads
    world.xai.refusal = None
    for _ in range(8):
        await world.pass_time(600)
    assert world.state("d1") == "clean"


async def test_a_key_without_rights_is_told() -> None:
    """No collection can be made: a note at the record, and tried again later."""
    world = World()
    world.xai.refusal = XaiRejected("xai_management", 403)
    await world.switched(KLAGE, True)
    await world.record(KLAGE)
    assert [who for who, _ in world.office.notes] == ["k1"]
    assert "(403)" in world.office.notes[0][1]
    assert world.memory.sammlungen[KLAGE].reason == "refused_403"
    world.xai.refusal = None
    for _ in range(8):
        await world.pass_time(600)
    assert len(world.xai.sammlungen) == 1
    assert world.memory.sammlungen[KLAGE].reason == ""


async def test_a_record_of_no_known_type_is_nobodys() -> None:
    """A link to it is never shown: documents of such records stay where they are."""
    world = await ready()
    world.office.part("d1", KLAGE)
    await world.look("d1")
    assert world.state("d1") == "no_sync"


@pytest.mark.parametrize(
    "error",
    [
        RemoteUnavailable("espocrm", "cut short"),
        RemoteUnavailable("spool", "the disk is full"),
        RateLimited("xai", retry_after=9.0),
        CircuitOpen("xai", "in trouble"),
        AuthenticationRefused("xai", retry_after=120.0),
        StaleVersion("a newer look"),
    ],
)
@pytest.mark.parametrize("at", range(8))
async def test_trouble_anywhere_ends_in_one_file(error: SyncError, at: int) -> None:
    """EspoCRM slow in the middle, a full disk, 429, a wrong key, a newer look: raised, then made good."""
    world = await ready()
    world.faults.hook = before_nth(at, error)
    with suppress(type(error)):
        await world.look("d1")
    world.faults.clear()
    for _ in range(3):
        await world.daily()
        await world.pass_time(60)
    assert world.state("d1") == "clean"
    assert [file.content for file in world.xai.all.values()] == [b"Raeumung"]


@pytest.mark.parametrize("at", range(16))
async def test_a_lost_answer_anywhere_ends_in_one_file(at: int) -> None:
    """Also one of a write that was carried out: 500 after xAI has stored the file."""
    world = await ready()
    world.faults.fail_at(at, RemoteUnavailable("xai", "no answer", maybe_applied=True))
    with suppress(RemoteUnavailable):
        await world.look("d1")
    world.faults.clear()
    for _ in range(3):
        await world.daily()
        await world.pass_time(60)
    assert world.state("d1") == "clean"
    assert [file.content for file in world.xai.all.values()] == [b"Raeumung"]


async def test_an_upload_on_its_way_is_waited_for() -> None:
    """A crash after xAI has stored it: looked up by its name, not sent again."""
    world = await ready()
    world.faults.hook = crash_at("xai.upload.after")
    with pytest.raises(Crash):
        await world.look("d1")
    world.faults.clear()
    world.locks.held.clear()
    await world.look("d1")
    await world.settle()
    assert len(world.xai.uploads) == 1
    assert world.state("d1") == "clean"


async def test_an_upload_that_never_arrived_is_sent_again() -> None:
    """But not before it can't arrive any more."""
    world = await ready()
    world.faults.hook = crash_at("xai.upload.before")
    with pytest.raises(Crash):
        await world.look("d1")
    world.faults.clear()
    world.locks.held.clear()
    with pytest.raises(TooEarly):
        await world.look("d1")
    world.clock.advance(301)
    await world.look("d1")
    await world.settle()
    assert len(world.xai.uploads) == 1


async def test_a_collection_is_made_once_across_a_crash() -> None:
    world = World()
    world.faults.hook = crash_at("xai.create.after")
    with pytest.raises(Crash):
        await world.switched(KLAGE, True)
    world.faults.clear()
    world.locks.held.clear()
    await world.record(KLAGE)
    assert len(world.xai.sammlungen) == 1
    assert world.office.matters[KLAGE].collection_id in world.xai.sammlungen


async def test_stuck_indexing_is_looked_at_again() -> None:
    """Not waited for: pending, and asked every five minutes at most."""
    world = await ready()
    world.xai.seconds = 10_000_000
    await world.look("d1")
    for _ in range(60):
        await world.pass_time(60)
    assert world.state("d1") == "pending_sync"
    assert world.xai.calls.count("get_document") < 20


async def test_what_gives_up_is_unclean_and_comes_back() -> None:
    world = await ready()
    await world.documents.give_up("d1", RemoteUnavailable("xai", "no answer"))
    assert world.state("d1") == "unclean"
    for _ in range(3):
        await world.pass_time(90)
    assert world.state("d1") == "clean"


async def test_a_second_collection_costs_one_attach() -> None:
    world = await ready()
    await world.look("d1")
    await world.settle()
    await world.switched(MIETER, True)
    world.xai.calls.clear()
    await world.linked("d1", MIETER)
    assert world.xai.calls == ["attach"]


async def test_nothing_is_attached_while_a_record_closes() -> None:
    """A document's look that comes between sends nothing for it."""
    world = await ready()
    await world.look("d1")
    await world.settle()
    world.faults.hook = crash_at("xai.detach.before")
    with pytest.raises(Crash):
        await world.switched(KLAGE, False)
    world.faults.clear()
    world.locks.held.clear()
    world.office.write_paper("d1", b"Neu")
    await world.look("d1")
    assert len(world.xai.uploads) == 1
    await world.record(KLAGE)
    assert world.is_closed(KLAGE)
    assert (world.xai.all, world.xai.sammlungen, world.out()) == ({}, {}, [])


async def test_a_held_file_is_somebody_elses_for_now() -> None:
    world = await ready()
    world.locks.held.add("document:d1")
    with pytest.raises(Locked):
        await world.look("d1")


def before_nth(number: int, error: SyncError) -> Callable[[str], None]:
    """Raises before the n-th call, once: what refuses has done nothing."""
    left = [number]

    def hook(point: str) -> None:
        if point.endswith(".before"):
            left[0] -= 1
            if left[0] == -1:
                raise error

    return hook


def crash_at(wanted: str) -> Callable[[str], None]:
    def hook(point: str) -> None:
        if point == wanted:
            raise Crash

    return hook
