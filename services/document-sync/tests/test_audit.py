"""What is out there against what is remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from document_world import KLAGE, MIETER, World

from document_sync.domain.audit import Remembered
from document_sync.handlers.auditing import Auditor, tally
from document_sync.ports import Listed


@dataclass
class Whole:
    """Both of the auditor's lists, over fakes."""

    world: World

    async def remembered(self) -> Remembered:
        memory = self.world.memory
        files = {sha256: (await memory.files_of("", sha256))[sha256] for sha256 in memory.files}
        wanted = {row.id: row.wanted for row in memory.documents.values() if row.wanted}
        collections = {key: row for key, row in memory.sammlungen.items() if row.collection_id}
        return Remembered(files, collections, wanted, frozenset({"CVmhRumungsklage", "CBeteiligte"}))

    async def all_files(self) -> Sequence[Listed]:
        return [Listed(one.id, one.name) for one in self.world.xai.all.values()]

    async def all_collections(self) -> Mapping[str, str]:
        return {one.id: one.name for one in self.world.xai.sammlungen.values()}


async def ready() -> tuple[World, Auditor]:
    world = World()
    for key in (KLAGE, MIETER):
        await world.switched(key, True)
    world.office.write_paper("d1", b"Raeumung")
    await world.linked("d1", KLAGE)
    await world.settle()
    whole = Whole(world)
    return world, Auditor(world.parts, whole, whole)


async def kinds(auditor: Auditor) -> list[str]:
    return [one.kind for one in await auditor.find()]


async def test_what_is_as_it_must_be_is_no_finding() -> None:
    world, auditor = await ready()
    assert await kinds(auditor) == []
    assert set(tally(()).values()) == {0}
    world.office.part("d1", KLAGE)
    await world.look("d1")
    assert await kinds(auditor) == []


async def test_a_document_in_a_wrong_collection_is_found() -> None:
    """Also where only our table says that nothing of it belongs there; repaired at once."""
    world, auditor = await ready()
    wrong = world.memory.sammlungen[MIETER].collection_id
    (file_id,) = world.xai.all
    await world.xai.collections.attach(wrong, file_id, {"sha256": "x"})
    (found,) = await auditor.find()
    assert (found.kind, found.about, found.file_id) == ("wrong_collection", str(MIETER), file_id)
    await auditor.repair([found])
    await world.run()
    assert await kinds(auditor) == []
    assert world.in_collection(KLAGE) == {b"Raeumung"}


async def test_strays_are_found_and_go() -> None:
    """A second file of a content, a file and a collection that nobody knows; what others put there is theirs."""
    world, auditor = await ready()
    (known,) = world.xai.all.values()
    number = 900
    for name in (known.name, "0123456789abcdef-x.pdf", "Urlaub.pdf"):
        number += 1
        world.xai.all[f"file_{number}"] = replace(known, id=f"file_{number}", name=name)
    await world.xai.collections.create("CVmhRumungsklage-k9", "")
    await world.xai.collections.create("Rezepte", "")
    assert await kinds(auditor) == ["duplicate_file", "orphan_file", "orphan_collection"]
    await auditor.repair(await auditor.find())
    assert await kinds(auditor) == []
    assert "file_903" in world.xai.all
    assert {one.name for one in world.xai.sammlungen.values()} >= {"Rezepte"}


async def test_dead_references_are_looked_at_again() -> None:
    """A file, a place, a collection that is gone at xAI; a record that shows another collection."""
    world, auditor = await ready()
    world.xai.all.clear()
    assert await kinds(auditor) == ["dead_reference"]
    await auditor.repair(await auditor.find())
    await world.run()
    await world.settle()
    assert await kinds(auditor) == []
    world.office.matters[KLAGE].collection_id = "collection_of_nobody"
    world.xai.sammlungen[world.memory.sammlungen[KLAGE].collection_id].documents.clear()
    assert set(await kinds(auditor)) == {"dead_reference"}
    await auditor.repair(await auditor.find())
    await world.run()
    await world.settle()
    assert await kinds(auditor) == []
    world.xai.sammlungen.clear()
    assert set(await kinds(auditor)) == {"dead_reference"}
    await auditor.repair(await auditor.find())
    await world.run()
    await world.settle()
    assert await kinds(auditor) == []
    assert world.in_collection(KLAGE) == {b"Raeumung"}


async def test_a_dry_run_repairs_nothing() -> None:
    world, auditor = await ready()
    await world.xai.collections.create("CVmhRumungsklage-k9", "")
    dry = replace(auditor, parts=replace(auditor.parts, dry=True))
    await dry.repair(await dry.find())
    assert await kinds(auditor) == ["orphan_collection"]
