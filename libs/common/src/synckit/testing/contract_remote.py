"""What every RemoteStore must do: the same suite over the fakes and over the real adapters against the sandboxes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from synckit.ports import Payload, RemoteStore, SearchableStore, Snapshot


class RemoteStoreContract:
    """One record's life. `name_field` is a field of text that both sides take as it is."""

    name_field = "name"
    absent_id = "999999"

    async def make_store(self) -> RemoteStore:
        raise NotImplementedError

    def new_payload(self, name: str) -> dict[str, Any]:
        """What a create takes."""
        raise NotImplementedError

    def whole(self, found: Snapshot, name: str) -> Payload:
        """What an update takes: the record as read, with another name."""
        return {**found.payload, self.name_field: name}

    async def test_what_was_created_is_read_back(self) -> None:
        store = await self.make_store()
        created = await store.create(self.new_payload("Öztürk"))
        found = await store.read(created.id)
        assert found is not None
        assert (found.id, found.payload[self.name_field]) == (created.id, "Öztürk")

    async def test_a_record_that_does_not_exist_is_none(self) -> None:
        store = await self.make_store()
        assert await store.read(self.absent_id) is None

    async def test_an_update_answers_what_is_read_afterwards(self) -> None:
        store = await self.make_store()
        created = await store.create(self.new_payload("Vorher"))
        found = await store.read(created.id)
        assert found is not None
        updated = await store.update(created.id, self.whole(found, "Nachher"))
        again = await store.read(created.id)
        assert again is not None
        assert (updated.id, updated.version) == (again.id, again.version)
        assert updated.payload[self.name_field] == again.payload[self.name_field] == "Nachher"

    async def test_a_deleted_record_is_none_and_deleting_it_again_is_fine(self) -> None:
        store = await self.make_store()
        created = await store.create(self.new_payload("Weg"))
        await store.delete(created.id)
        await store.delete(created.id)
        assert await store.read(created.id) is None

    async def test_a_change_has_a_time_with_a_zone(self) -> None:
        store = await self.make_store()
        created = await store.create(self.new_payload("Zeit"))
        found = await store.read(created.id)
        assert found is not None
        assert found.changed_at is not None
        assert found.changed_at.utcoffset() == timedelta(0)


class SearchableStoreContract(RemoteStoreContract):
    """The side on which we create: what a lost answer made can be found, and every write has its own version."""

    now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    async def make_searchable(self) -> SearchableStore:
        raise NotImplementedError

    async def make_store(self) -> RemoteStore:
        return await self.make_searchable()

    async def test_every_write_has_a_version_of_its_own(self) -> None:
        store = await self.make_searchable()
        created = await store.create(self.new_payload("Eins"))
        second = await store.update(created.id, self.whole(created, "Zwei"))
        third = await store.update(created.id, self.whole(second, "Zwei"))
        assert len({created.version, second.version, third.version} - {None}) == 3

    async def test_a_created_record_is_a_candidate_of_its_own_payload(self) -> None:
        store = await self.make_searchable()
        payload = self.new_payload("Gesucht")
        created = await store.create(payload)
        await store.create(self.new_payload("Gesucht und noch mehr"))
        found = await store.candidates(payload, self.now - timedelta(minutes=5))
        assert [each.id for each in found] == [created.id]

    async def test_what_was_made_before_is_no_candidate(self) -> None:
        store = await self.make_searchable()
        payload = self.new_payload("Früher")
        await store.create(payload)
        assert list(await store.candidates(payload, self.now + timedelta(hours=2))) == []
