"""A POST under an Idempotency-Key: once in Advoware, the same answer for a day, never twice for want of news."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fake_replies import CLAIM_SECONDS
from proxy_stage import OTHER_KEY, Stage

from advoware_proxy.handlers.proxy import Limits
from deploy.local.waiting import in_time

KEY = {"Idempotency-Key": "order-1"}
PATH = "/Beteiligte"


async def test_the_same_key_and_body_get_the_first_answer(stage: Stage) -> None:
    stage.upstream.says(201, {"betNr": 1}, headers={"ETag": '"1"'})
    first = await stage.post(PATH, {"name": "x"}, headers=KEY)
    again = await stage.post(PATH, {"name": "x"}, headers=KEY)
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert (again.headers["ETag"], again.headers["Idempotency-Replayed"]) == ('"1"', "true")
    assert "Idempotency-Replayed" not in first.headers
    assert len(stage.upstream.asked) == 1
    assert [line.outcome for line in await stage.audit.ended(2)] == ["answered", "replayed"]


async def test_without_a_key_each_post_is_its_own(stage: Stage) -> None:
    await stage.post(PATH, {"name": "x"})
    await stage.post(PATH, {"name": "x"})
    assert len(stage.upstream.asked) == 2


@pytest.mark.parametrize(("path", "body"), [(PATH, {"name": "y"}), (f"{PATH}&a=1", {"name": "x"})])
async def test_the_same_key_for_another_request_is_refused(stage: Stage, path: str, body: dict[str, str]) -> None:
    await stage.post(PATH, {"name": "x"}, headers=KEY)
    assert (await stage.post(path, body, headers=KEY)).refusal == (422, "proxy", "key_reused")
    assert len(stage.upstream.asked) == 1


async def test_a_second_while_the_first_is_under_way_is_told_so(stage: Stage) -> None:
    stage.upstream.says(trouble="silence")
    first = asyncio.ensure_future(stage.post(PATH, {"name": "x"}, headers=KEY))
    async with in_time():
        while not stage.upstream.asked:
            await asyncio.to_thread(lambda: None)
    assert (await stage.post(PATH, {"name": "x"}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    stage.upstream.hang_up()
    assert (await first).refusal == (502, "advoware", "advoware_trouble")


async def test_after_a_day_the_key_is_fresh_again(stage: Stage) -> None:
    await stage.post(PATH, {"name": "x"}, headers=KEY)
    stage.clock.advance(86401)
    stage.cache.token = None
    stage.tokens.says(200, {"access_token": "t"})
    assert (await stage.post(PATH, {"name": "y"}, headers=KEY)).status == 200
    assert len(stage.upstream.asked) == 2


@pytest.mark.parametrize("trouble", ["reset", "silence"])
async def test_a_lost_answer_is_never_tried_again(abrupt_stage: Stage, trouble: str) -> None:
    stage = abrupt_stage
    stage.upstream.says(trouble=trouble)  # type: ignore[arg-type]
    first = await stage.post(PATH, {}, headers=KEY)
    again = await stage.post(PATH, {}, headers=KEY)
    assert first.json["maybe_applied"] is True
    assert (again.refusal, again.json) == (first.refusal, first.json)
    assert len(stage.upstream.asked) == 1


async def test_a_refusal_of_advoware_is_an_answer(stage: Stage) -> None:
    stage.upstream.says(400, {"errors": {"name": []}})
    await stage.post(PATH, {}, headers=KEY)
    assert (await stage.post(PATH, {}, headers=KEY)).json["fields"] == ["name"]
    assert len(stage.upstream.asked) == 1


async def test_what_did_not_happen_may_be_tried_again(stage: Stage) -> None:
    stage.upstream.says(429)
    assert (await stage.post(PATH, {}, headers=KEY)).status == 429
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200
    stage.cache.away = True
    stage.cache.token = None
    other = {"Idempotency-Key": "order-2"}
    assert len(stage.upstream.asked) == 2
    assert (await stage.post(PATH, {}, headers=other)).status == 200


async def test_an_answer_that_could_not_be_kept_is_kept_later(stage: Stage) -> None:
    """The caller has it at once. Meanwhile the key is in use; when the table is there again, the answer is."""
    stage.upstream.says(201, {"betNr": 1})
    stage.replies.lost = {"keep"}
    stage.upstream.on_asked = lambda: setattr(stage.replies, "away", True)
    assert (await stage.post(PATH, {}, headers=KEY)).status == 201
    stage.replies.away, stage.replies.lost = False, set()
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    await stage.settling.close()
    again = await stage.post(PATH, {}, headers=KEY)
    assert (again.status, again.json, again.headers["Idempotency-Replayed"]) == (201, {"betNr": 1}, "true")
    assert len(stage.upstream.asked) == 1


@pytest.mark.parametrize("step", ["claim", "sending"])
async def test_a_key_is_free_soon_where_nothing_was_sent(stage: Stage, step: str) -> None:
    """The table did it, its answer was lost (B13). Nothing went to Advoware, so the caller may try again."""
    stage.replies.lost = {step}
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (503, "proxy", "unavailable")
    stage.replies.lost = set()
    await stage.settling.close()
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200
    assert len(stage.upstream.asked) == 1


async def test_a_claim_left_by_a_kill_ends_in_seconds(stage: Stage) -> None:
    """Whoever claimed it is gone with all that it wanted to tidy up."""
    stage.replies.lost = {"claim"}
    await stage.post(PATH, {}, headers=KEY)
    stage.replies.lost = set()
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    stage.clock.advance(CLAIM_SECONDS)
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200


async def test_what_may_have_been_sent_stays_taken(stage: Stage) -> None:
    """A kill between sending and storing leaves this behind; nobody can know whether Advoware acted."""
    stage.upstream.on_asked = lambda: setattr(stage.replies, "away", True)
    await stage.post(PATH, {}, headers=KEY)
    stage.replies.away = False
    stage.clock.advance(3600)
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    assert len(stage.upstream.asked) == 1


async def test_who_lost_the_claim_sends_nothing(stage: Stage) -> None:
    """A call that waited for a token longer than its claim lives finds the key with another."""

    async def slow_token(**_: object) -> str:
        stage.clock.advance(CLAIM_SECONDS)
        (row,) = stage.replies.kept.values()
        row.claim = replace(row.claim, owner="another")
        return "token-0"

    stage.auth.token = slow_token  # type: ignore[method-assign]
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    assert stage.upstream.asked == []


async def test_the_table_away_at_the_claim_sends_nothing(stage: Stage) -> None:
    stage.replies.away = True
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (503, "proxy", "unavailable")
    assert stage.upstream.asked == []
    stage.replies.away = False
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200


async def test_no_token_in_time_hides_no_write(stage: Stage) -> None:
    """The call's time is over before anything was sent: the key is free and the caller is not told of a write."""
    async with Stage(carried=Limits(seconds=0.2)) as hurried:
        hurried.cache.token = None
        hurried.tokens.says(trouble="silence")
        told = await hurried.post(PATH, {}, headers=KEY)
        assert (told.status, "maybe_applied" in told.json) == (504, False)
        assert hurried.replies.kept == {}


async def test_another_caller_never_gets_the_answer(stage: Stage) -> None:
    """The same key, path and body by another caller are another call."""
    stage.upstream.says(201, {"betNr": 1}).says(201, {"betNr": 2})
    for key, number in ((None, 1), (OTHER_KEY, 2), (None, 1), (OTHER_KEY, 2)):
        told = await stage.post(PATH, {}, headers=KEY, **({"key": key} if key else {}))
        assert told.json == {"betNr": number}
    assert len(stage.upstream.asked) == 2


async def test_an_answer_too_large_to_keep_is_given_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advoware_proxy.handlers.once.LARGEST_KEPT", 10)
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "answer_not_kept")


@pytest.mark.parametrize("key", ["", " ", "a b", "ü", "a" * 256])
async def test_a_key_of_another_form_is_refused(stage: Stage, key: str) -> None:
    told = await stage.post(PATH, {}, headers={"Idempotency-Key": key})
    assert told.refusal == (400, "proxy", "bad_request")
    assert stage.upstream.asked == []


async def test_neither_key_nor_body_can_be_read_from_what_claims_them(stage: Stage) -> None:
    await stage.post(PATH, {"name": "Zwiebelfisch"}, headers={"Idempotency-Key": "Zwiebelfisch"})
    (row,) = stage.replies.kept.values()
    claim = row.claim
    assert "Zwiebelfisch" not in repr(claim)
    assert len(claim.request_key) == len(claim.fingerprint) == 32
