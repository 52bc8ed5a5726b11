"""One call from end to end: what passes, what is refused, by whom, and in which words."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from types import SimpleNamespace

import aiohttp
import pytest
from proxy_stage import KEY, KEY_ID, SECRET, Stage

from advoware_proxy.handlers import proxy
from advoware_proxy.handlers.proxy import Limits
from kanzlei.callers.grants import Caller, Rate, digest_of
from synckit.testing.scripted_http import Line

PARTY = "/Beteiligte/4711"


async def test_a_call_goes_to_the_base_path_with_our_token_and_comes_back_as_it_was(stage: Stage) -> None:
    stage.upstream.says(200, [{"betNr": 4711}], headers={"ETag": '"a"', "Content-Language": "de"})
    told = await stage.get(f"{PARTY}&felder=a%26b&felder=%C3%BC")
    assert (told.status, told.json) == (200, [{"betNr": 4711}])
    assert (told.headers["ETag"], told.headers["Cache-Control"]) == ('"a"', "no-store")
    (asked,) = stage.upstream.asked
    assert (asked.method, asked.target) == ("GET", "/api/v1/advonet/Beteiligte/4711?felder=a%26b&felder=%C3%BC")
    assert asked.headers["Authorization"] == "Bearer token-0"


@pytest.mark.parametrize(
    "query",
    ["endpoint=/Beteiligte/4711", "path=Beteiligte/4711", "endpoint=api/v1/advonet/Beteiligte/4711"],
)
async def test_old_callers_are_understood(stage: Stage, query: str) -> None:
    assert (await stage.ask("GET", query)).status == 200
    assert stage.upstream.asked[0].target == "/api/v1/advonet/Beteiligte/4711"


async def test_a_body_and_its_type_pass_and_credentials_do_not(stage: Stage) -> None:
    headers = {
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "Cookie": "a=b",
        "Proxy-Authorization": "Basic YTpi",
        "X-HTTP-Method-Override": "DELETE",
        "Connection": "X-Secret, keep-alive",
        "X-Secret": "1",
        "Te": "trailers",
        "Accept": "application/json",
        "If-Match": '"r"',
    }
    told = await stage.ask("PUT", f"path={PARTY}", json_body={"name": "Müller"}, headers=headers)
    assert told.status == 200
    (asked,) = stage.upstream.asked
    assert asked.json() == {"name": "Müller"}
    assert set(asked.headers) == {
        "Host",
        "Accept",
        "If-Match",
        "Content-Type",
        "Content-Length",
        "Authorization",
        "User-Agent",
        "Accept-Encoding",
    }
    assert KEY not in str(asked.headers)


async def test_what_an_answer_says_of_advoware_does_not_pass(stage: Stage) -> None:
    stage.upstream.says(
        201,
        {"betNr": 1},
        headers={
            "Set-Cookie": "session=1",
            "Location": "http://advoware.intern/x",
            "Server": "IIS",
            "X-Powered-By": "ASP.NET",
            "Www-Authenticate": "Negotiate",
            "Proxy-Authenticate": "Basic",
            "X-Api-Key": "k",
            "Keep-Alive": "timeout=5",
        },
    )
    told = await stage.post("/Beteiligte", {"name": "x"})
    assert told.status == 201
    dropped = ("Set-Cookie", "Location", "X-Powered-By", "Www-Authenticate", "X-Api-Key", "Proxy-Authenticate")
    assert [name for name in dropped if name in told.headers] == []
    assert "IIS" not in str(told.headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY[:-1]}t"},
        {"Authorization": f"Bearer kffffffffffff.{SECRET}"},
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": "Bearer ü"},
        {"Authorization": f"Bearer {KEY}", "X-Api-Key": KEY},
        {"X-Api-Key": f"{KEY} "[:-2]},
    ],
)
async def test_without_one_good_key_nothing_is_asked_and_the_body_is_not_read(
    stage: Stage, headers: dict[str, str]
) -> None:
    told = await stage.get(PARTY, key=None, headers=headers)
    assert told.refusal == (401, "proxy", "unauthenticated")
    assert told.headers["WWW-Authenticate"].startswith("Bearer")
    assert stage.upstream.asked == []
    assert stage.audit.strangers == [("GET", 401)]
    assert stage.audit.lines == []


async def test_the_other_header_holds_a_key_as_well(stage: Stage) -> None:
    assert (await stage.get(PARTY, key=None, headers={"X-Api-Key": KEY})).status == 200


async def test_a_key_ends_in_time(stage: Stage) -> None:
    known = stage.callers.caller
    stage.callers.caller = Caller(known.key_id, known.digest, known.grants, known.rate, stage.clock.now())
    assert (await stage.get(PARTY)).refusal == (401, "proxy", "unauthenticated")


async def test_a_new_key_may_do_nothing(stage: Stage) -> None:
    stage.callers.caller = Caller(KEY_ID, digest_of(SECRET), (), Rate(60, 5))
    assert (await stage.get(PARTY)).refusal == (403, "proxy", "not_allowed")
    assert stage.upstream.asked == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PARTY),
        ("GET", "/Beteiligte/4711/Adressen"),
        ("GET", "/Beteiligte/abc"),
        ("GET", "/beteiligte/4711"),
        ("GET", "/Termine"),
        ("DELETE", "/Beteiligte"),
        ("GET", "/Stamm/a/b"),
        ("GET", "/Beteiligte/1234567890123456789"),
    ],
)
async def test_what_no_grant_names_is_not_allowed(stage: Stage, method: str, path: str) -> None:
    told = await stage.ask(method, f"path={path}")
    assert told.refusal == (403, "proxy", "not_allowed")
    assert stage.upstream.asked == []
    (line,) = await stage.audit.ended()
    assert (line.key_id, line.pattern, line.outcome, line.status) == (KEY_ID, "", "not_allowed", 403)


async def test_an_empty_bucket_is_429_with_its_wait(stage: Stage) -> None:
    stage.buckets.wait = 2.3
    told = await stage.get(PARTY)
    assert told.refusal == (429, "proxy", "rate")
    assert told.headers["Retry-After"] == "3"
    assert stage.upstream.asked == []


@pytest.mark.parametrize("store", ["callers", "buckets", "audit"])
async def test_where_a_store_is_away_nothing_passes(stage: Stage, store: str) -> None:
    getattr(stage, store).away = True
    told = await stage.get(PARTY)
    assert told.refusal == (503, "proxy", "unavailable")
    assert int(told.headers["Retry-After"]) > 0
    assert stage.upstream.asked == []


async def test_where_the_audit_is_full_not_even_a_refusal_goes_unwritten(stage: Stage) -> None:
    stage.audit.full = True
    assert (await stage.get(PARTY)).refusal == (503, "proxy", "unavailable")
    assert (await stage.get("/Termine")).refusal == (503, "proxy", "unavailable")
    assert stage.upstream.asked == []


async def test_a_call_is_written_down_before_it_goes_out_and_completed_after(stage: Stage) -> None:
    await stage.get(PARTY)
    (end,) = await stage.audit.ended()
    begun, done = stage.audit.lines
    assert (begun.outcome, begun.status, begun.ms) == ("begun", None, None)
    assert (done.call_id, done.key_id, done.method, done.pattern) == (begun.call_id, KEY_ID, "GET", "/Beteiligte/:id")
    assert (end.outcome, end.status, end.ms) == ("answered", 200, 0)
    assert "4711" not in repr(stage.audit.lines)


async def test_a_token_that_died_early_is_renewed_once_and_the_body_sent_again(stage: Stage) -> None:
    stage.upstream.says(401).says(200, {"ok": 1})
    stage.tokens.says(200, {"access_token": "token-1"})
    told = await stage.ask("PUT", f"path={PARTY}", json_body={"name": "x"})
    assert told.status == 200
    assert [one.headers["Authorization"] for one in stage.upstream.asked] == ["Bearer token-0", "Bearer token-1"]
    assert [one.json() for one in stage.upstream.asked] == [{"name": "x"}] * 2


async def test_many_calls_at_once_renew_a_dead_token_by_one_request(stage: Stage) -> None:
    stage.cache.token = None
    stage.tokens.says(200, {"access_token": "token-1"})
    told = await asyncio.gather(*(stage.get(PARTY) for _ in range(8)))
    assert [one.status for one in told] == [200] * 8
    assert len(stage.tokens.asked) == 1


async def test_a_fresh_token_that_is_refused_is_advowares_refusal_of_us_and_shuts_the_latch(stage: Stage) -> None:
    stage.upstream.says(401).says(401)
    stage.tokens.says(200, {"access_token": "token-1"})
    assert (await stage.get(PARTY)).refusal == (502, "advoware", "advoware_login")
    assert (await stage.get(PARTY)).refusal == (502, "advoware", "advoware_login")
    assert len(stage.upstream.asked) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (Line(400, b'{"message": "Herr Zwiebelfisch?", "errors": {"name": ["Zwiebelfisch"]}}'), (400, "rejected")),
        (Line(403, b"{}"), (403, "rejected")),
        (Line(404, b"<html>Zwiebelfisch</html>"), (404, "rejected")),
        (Line(409, b"Zwiebelfisch"), (409, "rejected")),
        (Line(429, b"", {"Retry-After": "7"}), (429, "advoware_rate")),
        (Line(407, b""), (502, "advoware_login")),
        (Line(500, b"Zwiebelfisch"), (502, "advoware_trouble")),
        (Line(503, b"<html>"), (502, "advoware_trouble")),
        (Line(301, b"", {"Location": "http://127.0.0.1:1/"}), (502, "advoware_answer")),
        (Line(302, b"", {"Location": "/api/v1/advonet/Beteiligte/1"}), (502, "advoware_answer")),
        (Line(200, b"<html>Zwiebelfisch</html>", {"Content-Type": "text/html"}), (502, "advoware_answer")),
        (Line(200, b"\n <!doctype html>Zwiebelfisch"), (502, "advoware_answer")),
        (Line(200, b"x" * 65537), (502, "advoware_answer")),
        (Line(trouble="reset"), (502, "advoware_trouble")),
    ],
)
async def test_advowares_refusals_say_that_it_was_advoware_and_quote_nothing(
    stage: Stage, line: Line, expected: tuple[int, str]
) -> None:
    stage.upstream.otherwise = line
    told = await stage.get(PARTY)
    status, code = expected
    assert told.refusal == (status, "advoware", code)
    assert "Zwiebelfisch" not in told.body.decode() + str(told.headers)
    assert stage.decoy.asked == []
    assert (await stage.audit.ended())[0].status == status


async def test_a_silence_of_advoware_is_called_slow(abrupt_stage: Stage) -> None:
    abrupt_stage.upstream.says(trouble="silence")
    assert (await abrupt_stage.get(PARTY)).refusal == (504, "advoware", "advoware_slow")
    assert (await abrupt_stage.audit.ended())[0].status == 504


async def test_a_refusal_names_the_fields_that_advoware_complains_of(stage: Stage) -> None:
    stage.upstream.says(400, {"message": "nein", "errors": {"name": ["Pflichtfeld."], "Max Muster 1970": ["x"]}})
    assert (await stage.post("/Beteiligte", {})).json["fields"] == ["name"]


async def test_a_write_whose_answer_is_lost_says_that_it_may_have_happened(stage: Stage) -> None:
    stage.upstream.says(trouble="reset").says(500)
    assert (await stage.post("/Beteiligte", {})).json["maybe_applied"] is True
    assert (await stage.post("/Beteiligte", {})).json["maybe_applied"] is True
    assert "maybe_applied" not in (await stage.get("/Termine")).json


async def test_an_answer_that_breaks_off_breaks_off_for_the_caller_too(stage: Stage) -> None:
    stage.upstream.says(200, body=b'{"a": 1}', trouble="cut_short")
    with pytest.raises(aiohttp.ClientError):
        await stage.get(PARTY)
    assert (await stage.audit.ended())[0].outcome == "advoware_trouble"


async def test_an_answer_without_a_body_has_none(stage: Stage) -> None:
    stage.upstream.says(204)
    told = await stage.ask("DELETE", f"path={PARTY}")
    assert (told.status, told.body) == (204, b"")


@pytest.mark.parametrize(
    ("method", "headers", "data", "expected"),
    [
        ("POST", {"Content-Type": "application/json"}, b"x" * 4097, (413, "too_large")),
        ("POST", {"Content-Type": "application/x-www-form-urlencoded"}, b"_method=DELETE", (415, "not_json")),
        ("POST", {"Content-Type": "text/plain"}, b"{}", (415, "not_json")),
        ("POST", {"Content-Type": "application/json; charset=utf-16"}, b"{}", (415, "not_json")),
        ("POST", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", (415, "not_json")),
        ("GET", {"Content-Type": "application/json"}, b"{}", (400, "bad_request")),
    ],
)
async def test_a_body_of_another_form_is_not_passed_on(
    stage: Stage, method: str, headers: dict[str, str], data: bytes, expected: tuple[int, str]
) -> None:
    told = await stage.ask(method, "path=/Beteiligte", headers=headers, data=data)
    status, code = expected
    assert told.refusal == (status, "proxy", code)
    assert stage.upstream.asked == []


async def test_a_body_that_does_not_come_is_not_waited_for(abrupt_stage: Stage) -> None:
    stage = abrupt_stage
    head = _get("/Beteiligte").replace(b"GET", b"POST", 1).replace(b"\r\n\r\n", b"\r\nContent-Length: 10\r\n\r\n{")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port)
    writer.write(head)
    assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    assert stage.upstream.asked == []


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "OPTIONS", "TRACE"])
async def test_another_method_is_a_405_that_names_ours(stage: Stage, method: str) -> None:
    told = await stage.ask(method, f"path={PARTY}")
    assert told.status == 405
    assert told.headers["Allow"] == "DELETE, GET, POST, PUT"
    assert told.headers["Content-Type"] == "application/problem+json"
    assert stage.upstream.asked == []


async def test_more_calls_at_once_than_there_are_places_are_told_to_come_again() -> None:
    async with Stage(carried=Limits(at_once=0)) as stage:
        told = await stage.get(PARTY)
        assert told.refusal == (503, "proxy", "overloaded")
        assert told.headers["Retry-After"] == "1"


async def test_an_answer_that_takes_too_long_as_a_whole_is_given_up() -> None:
    async with Stage(carried=Limits(seconds=0.2)) as stage:
        stage.upstream.says(trouble="silence")
        assert (await stage.get(PARTY)).refusal == (504, "advoware", "advoware_slow")


async def test_a_caller_that_does_not_read_loses_its_connection_and_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[asyncio.Timeout] = []

    def timer(seconds: float) -> asyncio.Timeout:
        timers.append(asyncio.timeout(seconds))
        return timers[-1]

    monkeypatch.setattr(proxy, "asyncio", SimpleNamespace(timeout=timer))
    async with Stage(carried=Limits(answer=1 << 24)) as stage:
        stage.upstream.otherwise = Line(200, b"x" * (1 << 24))
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.server.port, limit=1024)
        writer.write(_get(PARTY))
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        (whole_call,) = timers
        whole_call.reschedule(asyncio.get_running_loop().time() + 0.5)
        (end,) = await stage.audit.ended()
        assert (end.outcome, end.status) == ("advoware_slow", 200)
        received = 0
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 20):
                received += len(chunk)
        writer.close()
        assert received < 1 << 24


async def test_a_bug_of_ours_is_a_problem_without_a_word_of_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> float:
        raise ValueError("Zwiebelfisch")

    monkeypatch.setattr(stage.buckets, "take", broken)
    with caplog.at_level(logging.CRITICAL):
        told = await stage.get(PARTY)
    assert told.refusal == (500, "proxy", "bug")
    assert b"Zwiebelfisch" not in told.body


async def test_the_instance_of_a_problem_is_the_line_of_the_audit(stage: Stage) -> None:
    told = await stage.get("/Termine")
    (line,) = await stage.audit.ended()
    assert told.json["instance"] == f"urn:uuid:{line.call_id}"
    assert told.json["type"] == "urn:problem:advoware-proxy:not_allowed"


def _get(path: str) -> bytes:
    return f"GET /advoware/proxy?path={path} HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
