"""What a memory of documents promises: the same suite over the fake and over PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fake_memory import FakeMemory

from deploy.local.backends import LazyBackends
from document_sync.adapters.lists import PostgresLists
from document_sync.adapters.standing import PostgresStanding
from document_sync.adapters.store import PostgresStore
from document_sync.domain.memory import Collection, Document, File, Placement, Transfer
from document_sync.domain.values import DocumentState, Indexing, Phase, RecordKey, Switch
from document_sync.ports import Store
from synckit.errors import StaleVersion
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.testing.clock import FakeClock
from synckit.testing.faults import Faults

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KLAGE, MIETER = RecordKey("CVmhRumungsklage", "k1"), RecordKey("CBeteiligte", "b1")
TABLES = ("placement", "file", "document", "collection", "document_transfer", "fence", "cursor")


@pytest.fixture(scope="module")
def documents_database(backends: LazyBackends) -> str:
    """A database of this module, brought to our schema by the command that operators use."""
    url = backends.create_database(f"documents_{uuid.uuid4().hex[:8]}")
    command = [sys.executable, "-m", "synckit.postgres.migrate", "apply"]
    done = subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return url


@pytest.fixture
async def pool(documents_database: str) -> AsyncIterator[PostgresPool]:
    patient = PoolLimits(connect=60, acquire=60, statement=60, command=60)
    pool = PostgresPool(documents_database, limits=patient)
    await pool.open()
    await pool.fetch(f"TRUNCATE {', '.join(f'document_sync.{name}' for name in TABLES)} CASCADE")
    yield pool
    await pool.close()


@pytest.fixture(params=["fake", pytest.param("postgres", marks=pytest.mark.stack)])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "postgres":
        return PostgresStore(request.getfixturevalue("pool"))
    return FakeMemory(FakeClock(), Faults())


async def live(store: Store, key: RecordKey = KLAGE) -> Collection:
    row = await store.open_collection(key)
    row = replace(row, switch=Switch.ON, phase=Phase.LIVE, collection_id=f"c-{key.id}")
    await store.save_collection(row)
    return row


def sent(document: str = "d1", key: RecordKey = KLAGE, sha256: str = "a1") -> Transfer:
    return Transfer(document, key, sha256, 5, f"c-{key.id}", "e1")


async def test_a_document_comes_back_whole(store: Store) -> None:
    row = await store.open_document("d1")
    assert row == Document("d1", row.fence)
    full = replace(
        row,
        attachment="a",
        sha256="a1",
        md5="m",
        size=5,
        content_type="text/plain",
        version=2,
        wanted=frozenset({KLAGE, MIETER}),
        state=DocumentState.PENDING,
        reason="type",
        synced_sha256="a0",
        due=NOON,
        tries=1,
        looked_at=NOON,
        notes=frozenset({"n"}),
        shown="s",
    )
    await store.save_document(full)
    assert await store.document("d1") == replace(full, fence=0)


async def test_an_older_look_saves_nothing(store: Store) -> None:
    older, newer = await store.open_document("d1"), await store.open_document("d1")
    assert newer.fence > older.fence
    with pytest.raises(StaleVersion):
        await store.save_document(replace(older, sha256="a1"))
    await store.save_document(replace(newer, sha256="a2"))
    assert (await store.document("d1")).sha256 == "a2"
    old_file, _ = await store.open_file("a1"), await store.open_file("a1")
    with pytest.raises(StaleVersion):
        await store.save_file(old_file)
    old_row, _ = await store.open_collection(KLAGE), await store.open_collection(KLAGE)
    with pytest.raises(StaleVersion):
        await store.save_collection(old_row)


async def test_a_collection_comes_back_whole(store: Store) -> None:
    row = Collection(
        KLAGE,
        (await store.open_collection(KLAGE)).fence,
        switch=Switch.OFF,
        phase=Phase.CLOSING,
        collection_id="c",
        withdrawn=True,
        intent_at=NOON,
        wished_at=NOON,
        is_held=True,
        closed_at=NOON,
        asked_at=NOON,
        looked_at=NOON,
        due=NOON,
        tries=2,
        reason="refused_403",
        notes=frozenset({"held"}),
    )
    await store.save_collection(row)
    assert await store.collections([KLAGE, MIETER]) == {KLAGE: replace(row, fence=0)} or store_is_fake(store)
    await store.doubt(KLAGE, "another")
    assert (await store.collections([KLAGE]))[KLAGE].asked_at == NOON
    await store.doubt(KLAGE, "c")
    assert (await store.collections([KLAGE]))[KLAGE].asked_at is None


def store_is_fake(store: Store) -> bool:
    """It keeps the fence in the row."""
    return isinstance(store, FakeMemory)


async def test_a_file_comes_back_with_its_places(store: Store) -> None:
    """And with the documents that stand for it."""
    await live(store)
    row = await store.open_document("d1")
    await store.save_document(replace(row, sha256="a1", wanted=frozenset({KLAGE}), version=3))
    file = await store.open_file("a1")
    placed = Placement(KLAGE, "c-k1", ("d1",), "n", Indexing.PROCESSED, 1, NOON, NOON, NOON)
    full = replace(file, file_id="f1", size=5, intent_at=NOON, unneeded_since=NOON, placements={KLAGE: placed})
    await store.save_file(full)
    found = (await store.files_of("d1", ""))["a1"]
    assert replace(found, fence=0, standings=()) == replace(full, fence=0, standings=())
    (standing,) = found.standings
    assert (standing.id, standing.sha256, standing.version) == ("d1", "a1", 3)
    assert standing.wanted == standing.settled == frozenset({KLAGE})
    assert await store.knows_file("f1")
    assert not await store.knows_file("f2")
    assert set(await store.doubt_file("f2")) == set()
    assert set(await store.doubt_file("f1")) == {"d1"}
    assert (await store.files_of("d1", ""))["a1"].placements[KLAGE].asked_at is None
    assert await store.documents_of(KLAGE) == frozenset({"d1"})
    empty = await store.files_of("d9", "b2")
    assert [replace(one, fence=0) for one in empty.values()] == [File("b2")]


async def test_who_shares_a_file_is_seen(store: Store) -> None:
    """Also one whose bytes are others by now; what failed waits for nothing."""
    await live(store)
    for name, sha256, state in (("d1", "a1", "clean"), ("d2", "a2", "pending_sync"), ("d3", "a3", "failed")):
        row = await store.open_document(name)
        wanted = frozenset({KLAGE})
        await store.save_document(replace(row, sha256=sha256, wanted=wanted, state=DocumentState(state)))
    file = await store.open_file("a1")
    placed = Placement(KLAGE, "c-k1", ("d1", "d2", "d3"), "n", Indexing.PROCESSING)
    await store.save_file(replace(file, file_id="f1", placements={KLAGE: placed}))
    seen = {one.id: one.settled for one in (await store.open_file("a1")).standings}
    assert seen == {"d1": frozenset(), "d2": frozenset(), "d3": frozenset({KLAGE})}


async def test_a_transfer_is_written_once_and_taken_back(store: Store) -> None:
    await live(store)
    await live(store, MIETER)
    file = replace(await store.open_file("a1"), file_id="f1")
    await store.save_file(file, sent=[sent(), sent(key=MIETER)])
    await store.save_file(file, sent=[sent()])
    assert await store.out_for(KLAGE) == await store.out_for(MIETER) == frozenset({"a1"})
    await store.save_file(file, taken_back=[KLAGE])
    assert (await store.out_for(KLAGE), await store.out_for(MIETER)) == (frozenset(), frozenset({"a1"}))
    await store.save_file(file, taken_back=None)
    assert await store.out_for(MIETER) == frozenset()


async def test_nothing_is_sent_for_a_record_that_closes(store: Store) -> None:
    row = await live(store)
    file = await store.open_file("a1")
    with pytest.raises(StaleVersion):
        await store.save_file(file, sent=[sent(key=MIETER)])
    await store.save_collection(replace(row, phase=Phase.CLOSING))
    with pytest.raises(StaleVersion):
        await store.save_file(file, sent=[sent()])
    assert await store.out_for(KLAGE) == frozenset()


async def test_wishes_of_others_are_counted(store: Store) -> None:
    """Within the hour, and held ones whatever their age."""
    for number, (at, is_held) in enumerate(((NOON, False), (NOON - timedelta(hours=2), False), (None, False))):
        row = await store.open_collection(RecordKey("Account", f"a{number}"))
        await store.save_collection(replace(row, wished_at=at, is_held=is_held, phase=Phase.LIVE))
    held = await store.open_collection(KLAGE)
    await store.save_collection(replace(held, wished_at=NOON - timedelta(days=2), is_held=True))
    tally = await store.wishes(MIETER, NOON - timedelta(hours=1))
    assert (tally.wished, tally.live) == (2, 3)
    assert (await store.wishes(KLAGE, NOON - timedelta(hours=1))).wished == 1


@pytest.mark.stack
async def test_what_is_due_is_given_out_once(pool: PostgresPool) -> None:
    """Put off by a minute; a look that ends says when it is due next."""
    store, lists = PostgresStore(pool), PostgresLists(pool)
    row = await store.open_document("d1")
    await store.save_document(replace(row, due=NOON, looked_at=NOON, state=DocumentState.PENDING))
    record = await store.open_collection(KLAGE)
    await store.save_collection(replace(record, due=NOON, switch=Switch.ON))
    assert await lists.due_documents(5) == ["d1"]
    assert await lists.due_documents(5) == []
    assert await lists.due_records(5) == [KLAGE]
    assert await lists.due_records(5) == []
    later = datetime(2100, 1, 1, tzinfo=UTC)
    assert await lists.documents_not_looked_at(later, 5) == ["d1"]
    assert await lists.records_not_looked_at(later, 5) == [KLAGE]


@pytest.mark.stack
async def test_old_rows_end_and_what_is_out_stays(pool: PostgresPool) -> None:
    store, standing = PostgresStore(pool), PostgresStanding(pool)
    await live(store)
    await live(store, MIETER)
    file = await store.open_file("a1")
    await store.save_file(replace(file, file_id="f1"), sent=[sent(), sent(key=MIETER)])
    await store.save_file(replace(file, file_id="f1", unneeded_since=NOON), taken_back=[KLAGE])
    await pool.fetch("UPDATE document_sync.document_transfer SET at = now() - interval '11 years'")
    told = await standing.standing()
    assert (told.out, told.collections, told.unneeded) == (1, 2, 1)
    assert await standing.forget(3650) == 1
    assert (await standing.standing()).out == 1
    lists = PostgresLists(pool)
    assert await lists.unneeded_files(NOON + timedelta(days=1), 5) == ["a1"]
    await store.save_file(File("a1", file.fence))
    assert await standing.forget_rows() == 1
    row = await store.open_document("d1")
    await store.save_document(replace(row, looked_at=NOON - timedelta(days=2000)))
    await pool.fetch("UPDATE document_sync.fence SET fence = 1")
    # The document, and the fences of both; those of records stay.
    assert await standing.forget_rows() == 3


@pytest.mark.stack
async def test_a_cursor_never_goes_back(pool: PostgresPool) -> None:
    lists = PostgresLists(pool)
    began = await lists.cursor("CDokumente")
    await lists.move_cursor("CDokumente", NOON - timedelta(days=900))
    assert await lists.cursor("CDokumente") == began
    await lists.move_cursor("CDokumente", began + timedelta(hours=1))
    assert await lists.cursor("CDokumente") == began + timedelta(hours=1)
