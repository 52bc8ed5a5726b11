"""One document through its life, over fakes."""

from __future__ import annotations

import asyncio

import pytest
from document_world import KLAGE, MIETER, World

from document_sync.domain.values import RecordKey


async def ready(*keys: RecordKey, content: bytes = b"Raeumung") -> World:
    """Records that are switched on, and a document `d1`."""
    world = World()
    for key in keys:
        await world.switched(key, True)
    world.office.write_paper("d1", content)
    return world


async def test_a_linked_document_is_found() -> None:
    """In the collection of its record, clean once it can be found; and nowhere else."""
    world = await ready(KLAGE, MIETER)
    await world.linked("d1", KLAGE)
    assert world.state("d1") == "pending_sync"
    await world.settle()
    assert world.state("d1") == "clean"
    assert world.in_collection(KLAGE) == {b"Raeumung"}
    assert world.in_collection(MIETER) == set()
    (collection,) = [one for one in world.xai.sammlungen.values() if one.name == "CVmhRumungsklage-k1"]
    assert world.xai.search(collection.id, "Raeumung")
    shown = world.office.papers["d1"].shown
    assert shown["xaiCollections"] == [collection.id]
    assert shown["xaiId"] in world.xai.all
    assert shown["sha256"] == shown["xaiSyncedHash"] != None  # noqa: E711
    assert shown["fileStatus"] == "synced"
    (document,) = collection.documents.values()
    assert document.fields["espo_documents"] == "d1"
    assert document.fields["record"] == "CVmhRumungsklage/k1"
    (file,) = world.xai.all.values()
    assert file.name == f"{shown['sha256'][:16]}-Schriftsatz.pdf"


async def test_two_collections_are_one_upload() -> None:
    world = await ready(KLAGE, MIETER)
    await world.linked("d1", KLAGE, MIETER)
    await world.settle()
    assert len(world.xai.uploads) == 1
    assert world.in_collection(KLAGE) == world.in_collection(MIETER) == {b"Raeumung"}


async def test_a_second_run_writes_nothing() -> None:
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    before = (len(world.xai.calls), len(world.office.calls))
    looked = await world.look("d1")
    assert looked.result == "nothing_to_do"
    assert len(world.xai.calls) == before[0]
    assert len(world.office.calls) == before[1] + 2


async def test_a_new_document_costs_at_most_eight_calls() -> None:
    world = await ready(KLAGE)
    world.office.calls.clear()
    world.xai.calls.clear()
    await world.linked("d1", KLAGE)
    await world.settle()
    assert world.state("d1") == "clean"
    calls = world.office.calls + world.xai.calls
    assert len(calls) <= 8, calls


async def test_a_replaced_file_leaves_when_the_new_is_found() -> None:
    """There is no moment in which a search finds neither."""
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.office.write_paper("d1", b"Neu")
    await world.look("d1")
    assert world.in_collection(KLAGE) == {b"Raeumung", b"Neu"}
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Neu"}
    assert world.state("d1") == "clean"
    (document,) = [one for each in world.xai.sammlungen.values() for one in each.documents.values()]
    assert document.fields["version"] == "2"


async def test_the_old_goes_after_the_last_failure() -> None:
    """A wrong answer is worse than none."""
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.xai.failing["Neu"] = 99
    world.office.write_paper("d1", b"Neu")
    await world.look("d1")
    for _ in range(200):
        await world.pass_time(10)
    assert world.xai.calls.count("reindex") == 3
    assert world.in_collection(KLAGE) == {b"Neu"}
    assert world.state("d1") == "failed"
    assert "could not read it" in world.office.papers["d1"].shown["xaiSyncError"]
    world.xai.failing.clear()
    world.office.papers["d1"].shown["xaiSyncStatus"] = "pending_sync"
    await world.look("d1")
    await world.settle()
    assert world.state("d1") == "clean"


async def test_unlinked_is_gone_and_kept_for_a_while() -> None:
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.office.part("d1", KLAGE)
    await world.look("d1")
    assert world.in_collection(KLAGE) == set()
    assert world.state("d1") == "no_sync"
    assert len(world.xai.all) == 1
    world.clock.advance(31 * 86_400)
    assert await world.sweep.carry_out(world.memory) == 1
    assert world.xai.all == {}
    assert world.out() == []


async def test_switched_off_is_taken_back() -> None:
    """Collection and files, at once; what another active record needs stays."""
    world = await ready(KLAGE, MIETER)
    world.office.write_paper("d2", b"Beide")
    await world.linked("d1", KLAGE)
    await world.linked("d2", KLAGE, MIETER)
    await world.settle()
    await world.switched(KLAGE, False)
    assert world.is_closed(KLAGE)
    assert {file.content for file in world.xai.all.values()} == {b"Beide"}
    assert [one.name for one in world.xai.sammlungen.values()] == ["CBeteiligte-b1"]
    assert world.out() == [("d2", "b1")]
    assert world.state("d1") == "no_sync"
    assert world.state("d2") == "clean"
    assert world.office.matters[KLAGE].collection_id == ""
    await world.switched(KLAGE, True)
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Raeumung", b"Beide"}


async def test_only_false_takes_back() -> None:
    """Null, absence, a text, a record that is gone and an empty answer never do."""
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    answers: list[object] = [None, "", "false", 0, [], {}]
    for told in answers:
        await world.switched(KLAGE, told)
        assert world.in_collection(KLAGE) == {b"Raeumung"}, told
    del world.office.matters[KLAGE]
    await world.record(KLAGE)
    assert world.in_collection(KLAGE) == {b"Raeumung"}


async def test_equal_bytes_are_one_upload() -> None:
    """The fields name both; one of them gone changes the fields, and sends no byte."""
    world = await ready(KLAGE)
    world.office.write_paper("d2", b"Raeumung", "Zweitschrift.pdf")
    await world.linked("d1", KLAGE)
    await world.linked("d2", KLAGE)
    await world.settle()
    (document,) = [one for each in world.xai.sammlungen.values() for one in each.documents.values()]
    assert document.fields["espo_documents"] == "d1,d2"
    assert document.fields["name"] == "Schriftsatz.pdf"
    assert world.state("d2") == world.state("d1") == "clean"
    world.office.papers["d1"].is_deleted = True
    await world.look("d1")
    await world.settle()
    await world.look("d2")
    await world.settle()
    (document,) = [one for each in world.xai.sammlungen.values() for one in each.documents.values()]
    assert (document.fields["espo_documents"], document.fields["name"]) == ("d2", "Zweitschrift.pdf")
    assert len(world.xai.uploads) == 1


async def test_renamed_sends_no_byte() -> None:
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.office.papers["d1"].name = "Anders.pdf"
    await world.look("d1")
    await world.settle()
    (document,) = [one for each in world.xai.sammlungen.values() for one in each.documents.values()]
    assert document.fields["name"] == "Anders.pdf"
    assert len(world.xai.uploads) == world.office.calls.count("bytes") == 1


async def test_deleted_at_xai_is_made_again() -> None:
    """File or place, by a person: noticed by the look of the day, with one note."""
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.xai.all.clear()
    await world.daily()
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Raeumung"}
    assert len(world.office.notes) == 1
    for one in world.xai.sammlungen.values():
        one.documents.clear()
    await world.daily()
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Raeumung"}
    assert len(world.office.notes) == 2


async def test_a_deleted_collection_is_made_again() -> None:
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.xai.sammlungen.clear()
    await world.daily()
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Raeumung"}
    assert [who for who, _ in world.office.notes] == ["k1"]
    assert len(world.xai.uploads) == 1


async def test_too_many_at_once_are_held() -> None:
    """More than five of a few; a person's withdrawal takes one back all the same."""
    world = World()
    keys = [RecordKey("CVmhRumungsklage", f"k{number}") for number in range(9)]
    for key in keys:
        await world.switched(key, True)
        world.office.write_paper(f"d{key.id}", key.id.encode())
        await world.linked(f"d{key.id}", key)
    await world.settle()
    for key in keys:
        world.office.matters[key].switch = False
    looked = [await world.record(key) for key in keys]
    assert [one.is_held for one in looked] == [False] * 5 + [True] * 4
    assert len(world.xai.sammlungen) == 4
    assert [who for who, _ in world.office.notes] == ["k5", "k6", "k7", "k8"]
    await world.records.withdraw(keys[8])
    assert world.is_closed(keys[8])
    assert len(world.xai.sammlungen) == 3


async def test_looks_at_the_same_time_count_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """All have read their switch as off, for the first time, before any of them takes back."""
    world = World()
    keys = [RecordKey("CVmhRumungsklage", f"k{number}") for number in range(9)]
    for key in keys:
        await world.switched(key, True)
        world.office.write_paper(f"d{key.id}", key.id.encode())
        await world.linked(f"d{key.id}", key)
    await world.settle()
    for key in keys:
        world.office.matters[key].switch = False
    all_there = asyncio.Barrier(len(keys))

    async def sleep(_seconds: float) -> None:
        await all_there.wait()

    monkeypatch.setattr(world.clock, "sleep", sleep)
    looked = await asyncio.gather(*(world.record(key) for key in keys))
    assert sum(not one.is_held for one in looked) <= 5
    assert len(world.xai.sammlungen) >= 4


async def test_a_dry_run_sends_nothing() -> None:
    world = World(dry=True)
    await world.switched(KLAGE, True)
    world.office.write_paper("d1", b"Raeumung")
    looked = await world.linked("d1", KLAGE)
    assert looked.result == "dry"
    assert world.xai.calls == ["find_collection"]
    assert "show" not in world.office.calls
    assert "bytes" not in world.office.calls


async def test_a_file_that_was_only_said_to_be_gone_is_not_sent_again() -> None:
    """xAI answers 404 for everything during one look; the file is found again by its name."""
    world = await ready(KLAGE)
    await world.linked("d1", KLAGE)
    await world.settle()
    world.xai.is_lost = True
    await world.daily()
    world.xai.is_lost = False
    await world.settle()
    assert world.in_collection(KLAGE) == {b"Raeumung"}
    assert len(world.xai.all) == 1
    assert len(world.xai.uploads) == 1
