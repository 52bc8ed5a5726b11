"""Trouble on the whole stack: a server goes away and comes back, a remote refuses. Nothing restarts anything."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from demo.morning import Morning
from demo.people import Person
from demo.remotes import Linked
from demo.wait import until
from deploy.local.office import Office
from deploy.local.table import INGRESS, WORKER
from kanzlei import topics
from synckit.events import Record, dead_letter_topic, encode
from synckit.kafka.access import KafkaAccess
from synckit.kafka.publisher import KafkaPublisher
from synckit.testing.worker import change
from tests.e2e.outside import headers_of, metric, not_acknowledged, send_webhook

pytestmark = pytest.mark.stack
GIVES_UP_AFTER = 10.0
"""Seconds after which EspoCRM waits no longer for an answer to a webhook."""
TRIES = 4


def someone(name: str) -> Person:
    return Person("Paula", name, "1980-02-29")


async def holds(probe: Callable[[], Any], what: str) -> None:
    """Wait until the probe is true."""

    async def true() -> bool | None:
        found = probe()
        return True if (await found if isinstance(found, Awaitable) else found) else None

    await until(true, what)


async def all_acknowledged(seen: Morning) -> bool:
    return await not_acknowledged(seen.addresses.kafka, topics.BETEILIGTE) == 0


async def in_step(seen: Morning, linked: Linked, title: str) -> None:
    """A change made now arrives: the stack works."""
    await seen.espo.change(linked.left, titel=title)
    await seen.advo.until_shows(linked.right, "the title", titel=title)
    await seen.espo.until_shows(linked.left, "clean", syncStatus="clean")


async def test_without_its_broker_the_ingress_answers_503_and_all_go_on_by_themselves(
    office: Office, seen: Morning
) -> None:
    [linked] = await seen.link(someone("Ohnebroker"))
    pids = {name: office.supervisor.pid(name) for name in office.services}
    urls = seen.addresses.services
    office.kill("kafka")
    try:
        sent = await send_webhook(urls[INGRESS.name], office.secrets_file, linked.left)
        assert (sent.status, bool(sent.headers.get("Retry-After"))) == (503, True)
        assert sent.seconds < GIVES_UP_AFTER
        on_kafka = [one.name for one in office.services.values() if "KAFKA_BOOTSTRAP_SERVERS" in one.variables]
        await holds(lambda: not any(office.is_ready(name) for name in on_kafka), "no service is ready")
    finally:
        office.start_process("kafka")
    for name in office.services:
        office.wait_ready(name)
    assert (await send_webhook(urls[INGRESS.name], office.secrets_file, linked.left)).status == 200
    await in_step(seen, linked, "Dr. Broker")
    await holds(lambda: all_acknowledged(seen), "everything is acknowledged")
    assert {name: office.supervisor.pid(name) for name in office.services} == pids, "nobody was started again"


@pytest.mark.parametrize("server", ["postgres", "redis"])
async def test_without_a_store_syncs_wait_and_nothing_is_acknowledged(
    office: Office, seen: Morning, server: str
) -> None:
    worker = seen.addresses.services[WORKER.name]
    [linked] = await seen.link(someone(f"Ohne{server}"))
    await holds(lambda: all_acknowledged(seen), "everything is acknowledged before")
    tried = metric(worker, "sync_retries_total")
    pid = office.supervisor.pid(WORKER.name)
    office.kill(server)
    try:
        await seen.espo.change(linked.left, titel="Dr. Wartend")
        await holds(lambda: metric(worker, "sync_retries_total") >= tried + TRIES, "it is tried again and again")
        assert await not_acknowledged(seen.addresses.kafka, topics.BETEILIGTE) > 0
        assert not office.is_ready(WORKER.name)
        assert (await seen.advo.party(linked.right))["titel"] == "", "nothing is written without a store"
    finally:
        office.start_process(server)
    await seen.advo.until_shows(linked.right, "the title", titel="Dr. Wartend")
    await seen.espo.until_shows(linked.left, "clean", syncStatus="clean")
    await holds(lambda: all_acknowledged(seen), "everything is acknowledged after")
    office.wait_ready(WORKER.name)
    assert office.supervisor.pid(WORKER.name) == pid


async def test_an_unknown_event_type_is_a_dead_letter_and_holds_nothing_up(seen: Morning) -> None:
    [linked] = await seen.link(someone("Unbekannt"))
    good = encode(change(linked.left, event_id="exploded"))
    kinds = tuple((name, b"vmh.beteiligte.explode" if name == "ce_type" else value) for name, value in good.headers)
    unknown = Record(good.key, good.value.replace(b'"update"', b'"explode"'), kinds)
    publisher = KafkaPublisher(KafkaAccess(seen.addresses.kafka), client_id="test")
    await publisher.start()
    await publisher.publish(topics.BETEILIGTE, [unknown])
    await publisher.stop()
    await in_step(seen, linked, "Dr. Danach")

    async def letter() -> dict[str, str] | None:
        letters = await headers_of(seen.addresses.kafka, dead_letter_topic(topics.BETEILIGTE))
        return next((each for each in letters if each["ce_id"] == "exploded"), None)

    found = await until(letter, "the dead letter")
    assert (found["dlq_reason"], found["dlq_topic"]) == ("invalid_event", topics.BETEILIGTE)
    assert found["ce_type"] == "vmh.beteiligte.explode"


async def test_a_record_that_is_gone_from_espocrm_leaves_its_party_and_tells_the_user(seen: Morning) -> None:
    [linked] = await seen.link(someone("Geloescht"))
    await seen.espo.rest("DELETE", f"CBeteiligte/{linked.left}")

    async def note() -> bool | None:
        posts = [each["post"] for each in await seen.espo.notes()]
        return any(f"Nr. {linked.right}" in post and "EspoCRM gelöscht" in post for post in posts) or None

    await until(note, "a note to the user")
    assert (await seen.advo.party(linked.right))["name"] == "Geloescht"
    start = await seen.advo.last_call()
    await seen.advo.change(linked.right, titel="Dr. Weiter")
    [other] = await seen.link(someone("Anderer"))
    await in_step(seen, other, "Dr. Anderer")
    writes = [call for call in await seen.advo.calls(record=str(linked.right), since=start) if call["method"] != "GET"]
    assert writes == []
    await holds(lambda: all_acknowledged(seen), "everything is acknowledged")


async def test_a_field_that_espocrm_refuses_is_named_in_the_record(seen: Morning) -> None:
    [linked] = await seen.link(someone("Abgelehnt"))
    refusal = {"messageTranslation": {"label": "validationFailure", "data": {"field": "zusatz", "type": "maxLength"}}}
    rule = await seen.espo.fault(
        {"kind": "body", "status": 400, "body": refusal},
        match={"method": "PUT", "record": linked.left, "body_regex": '"zusatz"'},
    )
    await seen.advo.change(linked.right, zusatz="c/o Abgelehnt")
    shown = await seen.espo.until_shows(linked.left, "failed", syncStatus="failed", syncErrorMessage=...)
    assert all(part in shown["syncErrorMessage"] for part in ("Zusatz", "zu lang", "„c/o Abgelehnt“"))
    await seen.espo.mend(rule)
    await seen.espo.rest("PUT", f"CBeteiligte/{linked.left}", {"syncStatus": "pending_sync"})
    await seen.espo.until_shows(linked.left, "clean", syncStatus="clean", zusatz="c/o Abgelehnt")


async def test_a_500_with_an_empty_body_on_a_write_is_retried_then_failed_and_no_loop(seen: Morning) -> None:
    mine, theirs = await seen.link(someone("Fuenfhundert"), someone("Zweihundert"))
    empty = {"kind": "status", "status": 500, "body": ""}
    left, right = {"record": mine.left, "body_regex": '"zusatz"'}, {"record": str(theirs.right)}
    await seen.espo.fault(empty, match={"method": "PUT", **left})
    await seen.advo.fault(empty, match={"method": "PUT", **right})
    await seen.advo.change(mine.right, zusatz="c/o Niemand")
    await seen.espo.change(theirs.left, titel="Dr. Niemand")
    for linked in (mine, theirs):
        await seen.espo.until_shows(
            linked.left, "failed, to be tried again later", syncStatus="failed", syncRetryCount=1, syncNextRetry=...
        )
    # Two looks of the ticker may tell of one change at a desk, and the later one is tried at once.
    await sweeps(seen, 2)
    tried = await writes_tried(seen, mine, theirs)
    assert min(tried) > 1, "it was tried more than once"
    assert max(tried) < 12

    await sweeps(seen, 2)
    assert await writes_tried(seen, mine, theirs) == tried, "nothing is tried before its time"
    await seen.espo.ask("DELETE", "/_sandbox/faults")
    await seen.advo.ask("DELETE", "/_sandbox/faults")
    await in_step(seen, theirs, "Dr. Doch")
    await seen.espo.change(mine.left, titel="Dr. Auch")
    await seen.espo.until_shows(mine.left, "clean", syncStatus="clean", syncRetryCount=0, zusatz="c/o Niemand")


async def writes_tried(seen: Morning, mine: Linked, theirs: Linked) -> tuple[int, int]:
    """How many PUTs were answered with 500, in EspoCRM and in Advoware."""
    left = await seen.espo.calls(record=mine.left, method="PUT")
    right = await seen.advo.calls(record=str(theirs.right), method="PUT")
    return sum(call["status"] == 500 for call in left), sum(call["status"] == 500 for call in right)


async def sweeps(seen: Morning, count: int) -> None:
    """So many more sweeps of the ticker are over, and what they emitted is done."""
    url = seen.addresses.services["ticker"]
    begun = metric(url, "sync_ticker_runs_total", timer="sweep", outcome="done")
    await holds(lambda: metric(url, "sync_ticker_runs_total", timer="sweep", outcome="done") >= begun + count, "sweeps")
    await holds(lambda: all_acknowledged(seen), "what the sweeps emitted is done")
