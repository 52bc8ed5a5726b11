"""What every RemoteStore must do: the same suite over the fakes and over the real adapters against the sandboxes."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from synckit.errors import RemoteRejected
from synckit.ports import Payload, RemoteStore, SearchableStore, Snapshot

FORBIDDEN = 403


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


class ChildStoreContract:
    """Rows of a party. `taken`: what a PUT takes, `ignored`: what it answers without having taken it."""

    taken: ClassVar[Mapping[str, str]] = {}
    ignored: ClassVar[Mapping[str, str]] = {}
    number = "betNr"
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)

    async def make_rows(self) -> SearchableStore:
        raise NotImplementedError

    async def new_party(self) -> str:
        raise NotImplementedError

    async def party_is_deleted(self, party: str) -> None:
        raise NotImplementedError

    def new_row(self, name: str) -> dict[str, Any]:
        """What a POST takes, without the party's number; `name` makes its identity."""
        raise NotImplementedError

    async def test_a_created_row_is_read_back_under_its_partys_number(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        body = self.new_row("Eins")
        made = await rows.create({**body, self.number: party})
        found = await rows.read(made.id)
        assert found is not None
        assert made.id == f"{party}/{found.payload['id']}"
        assert found.version == made.version == str(found.payload["rowId"])
        assert {name: found.payload[name] or None for name in body} == body

    async def test_rows_of_other_parties_are_no_candidates(self) -> None:
        rows, first, second = await self.make_rows(), await self.new_party(), await self.new_party()
        mine = await rows.create({**self.new_row("Gesucht"), self.number: first})
        await rows.create({**self.new_row("Andere"), self.number: first})
        await rows.create({**self.new_row("Gesucht"), self.number: second})
        found = await rows.candidates({**self.new_row("Gesucht"), self.number: first}, self.now)
        assert [each.id for each in found] == [mine.id]

    async def test_a_row_that_is_not_there_is_none_and_so_is_any_of_a_party_that_is_gone(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        assert await rows.read(f"{party}/999999") is None
        made = await rows.create({**self.new_row("Weg"), self.number: party})
        await self.party_is_deleted(party)
        assert await rows.read(made.id) is None

    async def test_a_put_takes_what_it_takes_and_answers_what_is_stored(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        made = await rows.create({**self.new_row("Ändern"), self.number: party})
        wanted = {**made.payload, **self.taken, **self.ignored}
        if not self.taken:
            assert await _refusal(rows.update(made.id, wanted)) == FORBIDDEN
            return
        changed = await rows.update(made.id, wanted)
        assert changed.id == made.id
        assert changed.version != made.version
        assert {name: changed.payload[name] for name in self.taken} == self.taken
        assert not {name for name, value in self.ignored.items() if changed.payload[name] == value}

    async def test_nothing_is_ever_deleted(self) -> None:
        rows, party = await self.make_rows(), await self.new_party()
        made = await rows.create({**self.new_row("Bleibt"), self.number: party})
        assert await _refusal(rows.delete(made.id)) == FORBIDDEN
        assert await rows.read(made.id) is not None


async def _refusal(call: Awaitable[object]) -> int:
    try:
        await call
    except RemoteRejected as error:
        return error.status
    return 0
