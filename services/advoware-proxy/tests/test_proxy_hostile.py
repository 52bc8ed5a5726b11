"""Hostile requests over raw sockets: none reaches an address outside of the allow-list, measured where it would arrive.

`UP` and `DECOY` stand for the ports of Advoware and of a server that nobody may ever be sent to.
"""

from __future__ import annotations

import re

import pytest
from proxy_stage import KEY, Stage

ALLOWED = re.compile(r"/api/v1/advonet/(Beteiligte(/[0-9]{1,18}(/Adressen)?)?|Stamm/[A-Za-z0-9._~-]+)(\?[!-~]*)?\Z")
SENT_ON = frozenset(
    {"Host", "Authorization", "User-Agent", "Accept", "Accept-Encoding", "Content-Length", "Content-Type"}
)

PATHS = [
    # traversal, plain, encoded once, twice, thrice, and mixed
    "/Beteiligte/../../../etc/passwd",
    "/Beteiligte/4711/..",
    "/Beteiligte/4711/../4712",
    "../Beteiligte/4711",
    "/../../DECOY",
    "/./Beteiligte/4711",
    "/Beteiligte/.",
    "/Beteiligte/4711/.",
    "/Beteiligte/%2e%2e/Akten",
    "/Beteiligte/%2E%2E/Akten",
    "/Beteiligte/.%2e/Akten",
    "/Beteiligte/%252e%252e/Akten",
    "/Beteiligte/%25252e%25252e/Akten",
    "/Beteiligte/..%2fAkten",
    "/Beteiligte/..%252fAkten",
    "/Beteiligte%2f..%2fAkten",
    "/Beteiligte/..;/Akten",
    "/Beteiligte/..;a=b/Akten",
    "/Stamm/..",
    "/Stamm/...",
    "/Stamm/%2e",
    "/Stamm/a.",
    "/Stamm/.a",
    "/Beteiligte/....//Akten",
    # backslashes
    "\\Beteiligte\\4711",
    "/Beteiligte/..\\Akten",
    "/Beteiligte/%5c..%5cAkten",
    "/Beteiligte/%255c..%255cAkten",
    "\\\\127.0.0.1:DECOY\\x",
    "/\\127.0.0.1:DECOY/x",
    # another host
    "//127.0.0.1:DECOY/Beteiligte/4711",
    "///127.0.0.1:DECOY/Beteiligte/4711",
    "%2f%2f127.0.0.1:DECOY/x",
    "http://127.0.0.1:DECOY/Beteiligte/4711",
    "HTTP://127.0.0.1:DECOY/Beteiligte/4711",
    "hTtP:\\\\127.0.0.1:DECOY\\x",
    "http:/127.0.0.1:DECOY/Beteiligte/4711",
    "http:127.0.0.1:DECOY",
    "http%3a%2f%2f127.0.0.1:DECOY%2fx",
    "http%253a%252f%252f127.0.0.1:DECOY",
    "https://127.0.0.1:DECOY/",
    "ftp://127.0.0.1:DECOY/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:DECOY/_GET",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://[::1]:DECOY/",
    "//[::1]:DECOY/",
    "[::1]:DECOY",
    "http://[::ffff:127.0.0.1]:DECOY/",
    "http://2130706433:DECOY/",
    "//2130706433:DECOY/Beteiligte/4711",
    "http://0x7f000001:DECOY/",
    "http://0177.0.0.1:DECOY/",
    "http://127.1:DECOY/",
    "http://localhost:DECOY/",
    "http://127.0.0.1:UP/api/v1/Token",
    "//127.0.0.1:UP/api/v1/Token",
    # userinfo
    "@127.0.0.1:DECOY/x",
    "/@127.0.0.1:DECOY/x",
    "user:pass@127.0.0.1:DECOY",
    "%40127.0.0.1:DECOY/x",
    ":DECOY/x",
    "http://127.0.0.1:UP@127.0.0.1:DECOY/",
    "http://127.0.0.1:DECOY%23@127.0.0.1:UP/",
    "http://127.0.0.1:DECOY\\@127.0.0.1:UP/",
    # what ends or splits a path
    "/Beteiligte/4711;jsessionid=1",
    "/Beteiligte;/4711",
    "/Beteiligte/4711%3bx",
    "/Beteiligte/4711?x=1",
    "/Beteiligte/4711%3fx=1",
    "/Beteiligte/4711%253fx",
    "/Beteiligte/4711%23x",
    "/Beteiligte/4711%2523x",
    "/Beteiligte/4711%00",
    "/Beteiligte/4711%00.json",
    "/Beteiligte/%2500",
    "/Beteiligte/4711%0a",
    "/Beteiligte/4711%0d%0aX-Evil:%201",
    "/Beteiligte/4711%0d%0a%0d%0aGET%20/x%20HTTP/1.1",
    "/Beteiligte/4711%20HTTP/1.1%0d%0aHost:%20127.0.0.1:DECOY",
    "/Beteiligte/47%091",
    "/Beteiligte/4711%20",
    "/Beteiligte/4711+",
    "/Beteiligte//4711",
    "/Beteiligte/4711/",
    "//Beteiligte/4711",
    "/",
    "",
    "%2f",
    # look-alikes, broken and over-long encodings
    "/Beteiligte/%ef%bc%8e%ef%bc%8e/Akten",
    "/Beteiligte%ef%bc%8f4711",
    "/Beteiligte/%e2%80%a4%e2%80%a4/Akten",
    "/Beteiligte%e2%88%954711",
    "/Beteiligte%e2%81%844711",
    "/Beteiligte/%d9%a4%d9%a7",
    "/Beteiligte/%ef%bc%94%ef%bc%97",
    "/Beteiligte/4711%e2%80%ae",
    "/Beteiligte/4711%ef%bb%bf",
    "/Beteiligte/%c0%ae%c0%ae/Akten",
    "/Beteiligte/%e0%80%ae/Akten",
    "/Beteiligte/%c0%af",
    "/Beteiligte/%ff",
    "/Beteiligte/%ed%a0%80",
    "/Beteiligte/%u002e%u002e/Akten",
    "/Beteiligte/%2",
    "/Beteiligte/%",
    "/Beteiligte/%zz",
    "/Beteiligte/&#46;&#46;/Akten",
    "/Beteiligte/" + "1" * 5000,
    "/Beteiligte" + "/1" * 400,
    "/" + "a" * 65,
    # what no grant names
    "/Akten/1",
    "/beteiligte/4711",
    "/BETEILIGTE/4711",
    "/Beteiligte/4711/Kommunikationen",
    "/Beteiligte/-1",
    "/Beteiligte/0x1",
    "/Beteiligte/4711~1",
    "/Token",
    "api/v1/Token",
    "/api/v1/Token",
    "api/v1/advonet/api/v1/advonet/Beteiligte/1",
    "api/v1/advonet",
    "api/v1/advonet/",
    "api/v1/advonet//127.0.0.1:DECOY/",
]

QUERIES = [
    "path=/Beteiligte/4711&endpoint=/Beteiligte/4711",
    "endpoint=/Akten&path=/Beteiligte/4711",
    "path=/Beteiligte/4711&path=/Akten",
    "endpoint=/Beteiligte/4711&endpoint=//127.0.0.1:DECOY",
    "path=/Beteiligte/4711&p%61th=/Akten",
    "%70ath=/Beteiligte/4711&path=/Beteiligte/4711",
    "PATH=/Beteiligte/4711",
    "path[]=/Beteiligte/4711",
    "path",
    "path=",
    "",
    "path=/Beteiligte/4711;endpoint=/Akten",
    "path=/Beteiligte/4711&a%0d%0aHost:127.0.0.1:DECOY=1",
    "path=/Beteiligte/4711&a=1%0d%0aHost:127.0.0.1:DECOY",
    "path=/Beteiligte/4711&a=%00",
    "path=/Beteiligte/4711&a=%c0%af",
    "path=/Beteiligte/4711&a=%",
    "path=/Beteiligte/4711&=1",
    "path=/Beteiligte/4711&a b=1",
    "path=/Beteiligte/4711&a=" + "1" * 2000,
    "path=/Beteiligte/4711&" + "&".join(f"a{n}=1" for n in range(50)),
    "path=/Beteiligte/4711&" + "a" * 9000,
    "path=/Beteiligte/4711&a/../b=1",
]

HARMLESS_QUERIES = {
    "path=/Beteiligte/4711&url=http://127.0.0.1:DECOY/": "url=http%3A%2F%2F127.0.0.1%3ADECOY%2F",
    "path=/Beteiligte/4711&a=../../x": "a=..%2F..%2Fx",
    "path=/Beteiligte/4711&a=%23%3f%26%3d%40": "a=%23%3F%26%3D%40",
    "path=/Beteiligte/4711&a=b%26path%3d/Akten": "a=b%26path%3D%2FAkten",
    "path=/Beteiligte/4711&a=1;b=2": "a=1%3Bb%3D2",
    "path=/Beteiligte/4711&a=%252e%252e": "a=%252e%252e",
    "path=/Beteiligte/4711#@127.0.0.1:DECOY/": "",
    "path=/Beteiligte/4711%23".removesuffix("%23") + "#/../Akten": "",
}

GOOD_HEAD = f"Host: proxy\r\nAuthorization: Bearer {KEY}\r\n"
LAST = f"{GOOD_HEAD}Connection: close\r\n"
GOOD = "GET /advoware/proxy?path=/Beteiligte/4711 HTTP/1.1\r\n"
POST = "POST /advoware/proxy?path=/Beteiligte HTTP/1.1\r\n"
JSON = "Content-Type: application/json\r\n"
INNER = "GET /advoware/proxy?path=/Akten HTTP/1.1\r\nHost: x\r\n\r\n"
TO_DECOY = "GET http://127.0.0.1:DECOY/x HTTP/1.1\r\nHost: 127.0.0.1:DECOY\r\n\r\n"

RAW = {
    "absolute form of the request": f"GET http://127.0.0.1:DECOY/Beteiligte/4711 HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "absolute form with our path": f"GET http://127.0.0.1:DECOY/advoware/proxy?path=/Akten HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "authority form": f"CONNECT 127.0.0.1:DECOY HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "asterisk form": f"OPTIONS * HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "path in the path": f"GET /advoware/proxy/Beteiligte/4711 HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "traversal in the request's own path": f"GET /advoware/proxy/../../Akten?path=/Akten HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "encoded traversal in the own path": f"GET /advoware%2fproxy/%2e%2e?path=/Akten HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "newline in the request line": f"GET /advoware/proxy?path=/A\nHost: 127.0.0.1:DECOY HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "NUL in the request line": f"GET /advoware/proxy?path=/Beteiligte/\x004711 HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "space in the request line": f"GET /advoware/proxy?path=/Beteiligte/4711 /x HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "raw bytes above ASCII": f"GET /advoware/proxy?path=/Beteiligte/\xff\xfe HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "HTTP/0.9": "GET /advoware/proxy?path=/Beteiligte/4711\r\n\r\n",
    "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "over-long request line": f"GET /advoware/proxy?path=/{'a' * 20000} HTTP/1.1\r\n{GOOD_HEAD}\r\n",
    "over-long header": f"{GOOD}{GOOD_HEAD}X-Long: {'a' * 20000}\r\n\r\n",
    "CL and TE": f"{POST}{GOOD_HEAD}{JSON}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}",
    "TE and CL": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{TO_DECOY}",
    "two lengths": f"{POST}{GOOD_HEAD}{JSON}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{{}}{INNER}",
    "two lengths in one": f"{POST}{GOOD_HEAD}{JSON}Content-Length: 2, 40\r\n\r\n{{}}{INNER}",
    "negative length": f"{POST}{GOOD_HEAD}{JSON}Content-Length: -1\r\n\r\n{{}}{INNER}",
    "length with a sign": f"{POST}{GOOD_HEAD}{JSON}Content-Length: +2\r\n\r\n{{}}{INNER}",
    "hexadecimal length": f"{POST}{GOOD_HEAD}{JSON}Content-Length: 0x2\r\n\r\n{{}}{INNER}",
    "TE of another kind": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: xchunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n",
    "TE twice": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{INNER}",
    "space before the colon": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{INNER}",
    "folded header": f"{POST}{GOOD_HEAD}{JSON}X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{INNER}",
    "chunk size that overflows": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{{}}",
    "chunk size that is none": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: chunked\r\n\r\nzz\r\n{{}}\r\n0\r\n\r\n",
    "bare LF in chunks": f"{POST}{GOOD_HEAD}{JSON}Transfer-Encoding: chunked\r\n\r\n2\n{{}}\n0\n\n{TO_DECOY}",
    "a body with GET": f"{GOOD}{GOOD_HEAD}{JSON}Content-Length: {len(INNER)}\r\n\r\n{INNER}",
    "no host": f"GET /advoware/proxy?path=/Akten HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n\r\n",
    "header name with a space": f"GET /advoware/proxy?path=/Akten HTTP/1.1\r\n{GOOD_HEAD}A B: c\r\n\r\n",
    "CR in a header": f"{GOOD}{GOOD_HEAD}X-A: b\rHost: 127.0.0.1:DECOY\r\n\r\n",
    "NUL in a header": f"{GOOD}{GOOD_HEAD}X-A: b\x00c\r\n\r\n",
    "the key's header twice": f"{GOOD}{GOOD_HEAD}Authorization: Bearer {KEY}\r\n\r\n",
    "the key with a newline": f"{GOOD}Host: p\r\nAuthorization: Bearer {KEY}\r\n \r\n X: y\r\n\r\n",
    "a key in the query": "GET /advoware/proxy?path=/Beteiligte/4711&key=" + KEY + " HTTP/1.1\r\nHost: p\r\n\r\n",
}

HARMLESS_HEADERS = {
    "another host": "X-Ignored: 1\r\nX-Forwarded-Host: 127.0.0.1:DECOY",
    "forwarded": "Forwarded: host=127.0.0.1:DECOY;for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https",
    "original url": "X-Original-URL: /Akten\r\nX-Rewrite-URL: /Akten",
    "method override": "X-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: DELETE\r\nX-Method-Override: DELETE",
    "upgrade": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "websocket": "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    "hop by hop of our own headers": "Connection: close, Authorization, Host, Content-Length",
    "proxy": "Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic YTpi\r\nProxy: 127.0.0.1:DECOY",
    "cookie": "Cookie: session=1\r\nSet-Cookie: a=b",
    "expect": "Expect: 100-continue",
    "accept twice": "Accept: a/b\r\nAccept: c/d",
    "accept with more than ASCII": "Accept: a/\xfc",
    "range and trailers": "Range: bytes=0-1\r\nTE: trailers\r\nTrailer: X",
    "ports in the host": "Via: 1.1 127.0.0.1:DECOY\r\nReferer: http://127.0.0.1:DECOY/\r\nOrigin: http://127.0.0.1:DECOY",
}


def ports(stage: Stage, text: str) -> str:
    return text.replace("DECOY", stage.decoy.url.rpartition(":")[2]).replace(
        "UP", stage.upstream.url.rpartition(":")[2]
    )


def status_of(answer: bytes) -> int:
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


async def sent(stage: Stage, request: str) -> int:
    """Status of the first answer; everything that arrived anywhere has been looked at."""
    answer = await stage.raw(ports(stage, request).encode("latin-1"))
    assert stage.decoy.asked == []
    assert stage.tokens.asked == []
    for asked in stage.upstream.asked:
        assert ALLOWED.match(asked.target), asked.target
        assert asked.headers["Host"] == stage.upstream.url.removeprefix("http://")
        assert asked.headers["Authorization"] == "Bearer token-0"
        assert set(asked.headers) <= SENT_ON
        assert KEY not in f"{asked.target}{asked.headers}"
    return status_of(answer)


def test_there_are_more_than_eighty() -> None:
    assert len(PATHS) + len(QUERIES) + len(RAW) >= 150


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ascii(path)[:60])
async def test_a_hostile_path_reaches_nothing(stage: Stage, path: str) -> None:
    for name in ("path", "endpoint"):
        status = await sent(stage, f"GET /advoware/proxy?{name}={path} HTTP/1.1\r\n{LAST}\r\n")
        assert status in (400, 403)
    assert stage.upstream.asked == []


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: ascii(query)[:60])
async def test_a_hostile_query_reaches_nothing(stage: Stage, query: str) -> None:
    status = await sent(stage, f"GET /advoware/proxy?{query} HTTP/1.1\r\n{LAST}\r\n")
    assert status in (400, 403)
    assert stage.upstream.asked == []


@pytest.mark.parametrize("name", RAW)
async def test_a_hostile_request_reaches_nothing_but_what_is_allowed(abrupt_stage: Stage, name: str) -> None:
    status = await sent(abrupt_stage, RAW[name])
    assert status == 0 or status >= 400
    assert abrupt_stage.upstream.asked == []


@pytest.mark.parametrize("query", HARMLESS_QUERIES)
async def test_what_looks_hostile_in_a_value_arrives_as_a_value(stage: Stage, query: str) -> None:
    status = await sent(stage, f"GET /advoware/proxy?{query} HTTP/1.1\r\n{LAST}\r\n")
    assert status == 200
    expected = ports(stage, HARMLESS_QUERIES[query])
    assert stage.upstream.asked[0].target.partition("?")[2] == expected


@pytest.mark.parametrize("name", HARMLESS_HEADERS)
async def test_headers_that_mean_something_to_others_do_not_pass(stage: Stage, name: str) -> None:
    status = await sent(stage, f"{GOOD}{LAST}{HARMLESS_HEADERS[name]}\r\n\r\n")
    assert status in (200, 400)
    assert len(stage.upstream.asked) == (1 if status == 200 else 0)


async def test_a_second_request_behind_a_body_is_a_request_of_its_own(stage: Stage) -> None:
    body = "{}"
    first = f"{POST}{GOOD_HEAD}{JSON}Content-Length: {len(body)}\r\n\r\n{body}"
    assert await sent(stage, first + INNER + TO_DECOY) == 200
    assert [(asked.method, asked.target) for asked in stage.upstream.asked] == [("POST", "/api/v1/advonet/Beteiligte")]
