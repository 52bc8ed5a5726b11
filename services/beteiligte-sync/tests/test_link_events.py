"""Links: whoever is ours is looked at in the queue of its own events, the rest is acked and counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from household import Household
from hypothesis import given
from hypothesis import strategies as st

from beteiligte_sync.domain.links import looks
from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.registry import REGISTRY
from beteiligte_sync.handlers import LinkHandler
from kanzlei.nouns import ESPOCRM
from recordsync.testing.memory import FakePublisher
from synckit.errors import InvalidEvent, RemoteUnavailable
from synckit.events import LINKS, Action, ChangeEvent, decode
from synckit.handling import Attempt

OURS = frozenset(mapping.entity for mapping in REGISTRY)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
nouns = st.sampled_from([*sorted(OURS), "dokumente", "raeumungsklagen", "accounts"])
links = st.builds(
    ChangeEvent,
    entity=nouns,
    entity_id=st.just("p1"),
    action=st.sampled_from(sorted(LINKS)),
    origin=st.just(ESPOCRM),
    received_at=st.just(NOW),
    changed=st.lists(st.sampled_from(["adressens", "bankverbindungens", "dokumentes"]), unique=True).map(tuple),
    id=st.uuids().map(str),
)


def link(
    entity: str, record_id: str = "p1", action: Action = Action.LINK, changed: tuple[str, ...] = ()
) -> ChangeEvent:
    return ChangeEvent(entity, record_id, action, ESPOCRM, NOW, changed, id="e1")


def attempt(*events: ChangeEvent) -> Attempt:
    return Attempt(1, 0.0, events)


def sent(publisher: FakePublisher) -> list[tuple[str, ChangeEvent]]:
    return [(topic, decode(record.key, record.value, record.headers)) for topic, record in publisher.sent]


@given(st.lists(links, min_size=1, max_size=8))
def test_each_of_our_records_is_looked_at_once_however_many_links_and_nobody_else(events: list[ChangeEvent]) -> None:
    found = {topic: decode(one.key, one.value, one.headers) for topic, one in looks(events, OURS).items()}
    concerned = {event.entity for event in events} & OURS
    assert set(found) == {f"vmh.{entity}" for entity in concerned}
    for topic, look in found.items():
        of_it = [event for event in events if f"vmh.{event.entity}" == topic]
        assert (look.action, look.entity_id, look.id) == (Action.SYNC_CHECK, "p1", of_it[-1].id)
        assert set(look.changed) == {name for event in of_it for name in event.changed}
        assert look.received_at == NOW


@pytest.mark.parametrize("action", sorted(LINKS))
async def test_a_link_of_ours_goes_to_the_topic_of_its_record(action: Action) -> None:
    publisher = FakePublisher()
    event = link("beteiligte", action=action, changed=("adressens",))
    done = await LinkHandler(OURS, publisher).handle(event, attempt(event))
    [(topic, look)] = sent(publisher)
    assert (done.result, topic, look.type, look.changed) == (
        "passed_on",
        "vmh.beteiligte",
        "vmh.beteiligte.sync_check",
        ("adressens",),
    )


@pytest.mark.parametrize("entity", ["dokumente", "raeumungsklagen", "erstgespraeche", "accounts"])
async def test_a_link_of_others_is_done_without_a_trace(entity: str) -> None:
    publisher = FakePublisher()
    done = await LinkHandler(OURS, publisher).handle(link(entity), attempt(link(entity)))
    assert (done.result, publisher.sent) == ("not_ours", [])


async def test_what_is_no_link_is_invalid() -> None:
    event = link("beteiligte", action=Action.UPDATE)
    with pytest.raises(InvalidEvent):
        await LinkHandler(OURS, FakePublisher()).handle(event, attempt(event))


async def test_a_broker_that_is_away_keeps_the_link() -> None:
    publisher = FakePublisher()
    publisher.refuse = True
    handler, event = LinkHandler(OURS, publisher), link("adressen", "a1")
    with pytest.raises(RemoteUnavailable) as away:
        await handler.handle(event, attempt(event))
    with pytest.raises(RemoteUnavailable):
        await handler.give_up(event, away.value, attempt(event))


async def test_an_address_that_had_no_party_reaches_advoware_by_its_link_and_the_party_costs_no_write() -> None:
    house = Household(ADRESSEN)
    await house.with_party()
    house.children.seed("a1", beteiligteId=None, adresseStreet="Amselweg 3")
    assert (await house.sync("a1")).result == "waits_for_parent"
    house.children.records["a1"]["beteiligteId"] = "p1"
    house.forget_calls()
    handler = LinkHandler(OURS, house.publisher)
    for event in (link("beteiligte", changed=("adressens",)), link("adressen", "a1")):
        await handler.handle(event, attempt(event))
    looked = {one.entity: one.entity_id for _, one in sent(house.publisher)}
    assert looked == {"beteiligte": "p1", "adressen": "a1"}
    assert (await house.party_synced("p1")).result == "unchanged"
    assert house.writes == 0
    assert (await house.sync("a1")).result == "created"
    assert house.row("a1")["strasse"] == "Amselweg 3"
    again = house.writes
    assert (await house.sync("a1")).result == "unchanged"
    assert house.writes == again
