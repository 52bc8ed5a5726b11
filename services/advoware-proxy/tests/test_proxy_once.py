"""A POST under an Idempotency-Key: once in Advoware, the same answer for a day, never twice for want of news."""

from __future__ import annotations

import asyncio

import pytest
from proxy_stage import Stage

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
    async with asyncio.timeout(60):
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


async def test_an_answer_that_could_not_be_kept_is_given_and_the_post_is_not_done_again(stage: Stage) -> None:
    stage.replies.away = True
    assert (await stage.post(PATH, {}, headers=KEY)).status == 200
    stage.replies.away = False
    assert (await stage.post(PATH, {}, headers=KEY)).refusal == (409, "proxy", "key_in_use")
    assert len(stage.upstream.asked) == 1


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
    ((claim, _, _),) = stage.replies.kept.values()
    assert "Zwiebelfisch" not in repr(claim)
    assert len(claim.request_key) == len(claim.fingerprint) == 32
