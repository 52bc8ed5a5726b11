"""Laws of the path: whatever comes in, what goes out is below our base, and is exactly what was checked."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from advoware_proxy.domain.path_rules import BadPath, Base, Target, build_url, parse
from kanzlei.callers.grants import Grant

BASE = Base.of("https://advoware.example:8443/mandant", "/api/v1/advonet")
HARMLESS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
DOTS = "/ // \\ . .. %2e %2E%2e %252e %2f %5c %00 %0a %0d%0a %c0%ae %u002e \uff0f \uff0e \u2024 \u2215 \u202e \udc80"
ENDS = "@ : ; ? # %3f %23 %40 & = + %20 ~ http: https:// [::1] Beteiligte 4711 path= endpoint= \ufeff"
PIECES = st.sampled_from(f"{DOTS} {ENDS}".split(" "))
ANYTHING = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)
SEGMENTS = st.lists(
    st.from_regex(r"[A-Za-z0-9_~-]([A-Za-z0-9._~-]{0,8}[A-Za-z0-9_~-])?", fullmatch=True), min_size=1, max_size=8
)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,10}", fullmatch=True).filter(
    lambda one: one not in ("path", "endpoint")
)
VALUES = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp"), blacklist_characters="\ufeff"), max_size=20
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=5)


def taken(query: str) -> Target | None:
    try:
        return parse(query)
    except BadPath:
        return None


def holds_the_law(target: Target) -> None:
    """By two parsers that are not ours."""
    url = build_url(BASE, target)
    assert url.isascii()
    parts, other = urlsplit(url), URL(url, encoded=True)
    assert f"{parts.scheme}://{parts.netloc}" == BASE.origin == str(other.origin())
    assert (parts.fragment, other.fragment, parts.username, other.user) == ("", "", None, None)
    for path in (parts.path, other.raw_path, unquote(parts.path), other.path):
        below = path.removeprefix(BASE.path + "/")
        assert below != path
        assert tuple(below.split("/")) == target.segments
    assert all(set(segment) <= HARMLESS and segment.strip(".") == segment for segment in target.segments)
    assert tuple(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))) == target.pairs
    assert tuple(other.query.items()) == target.pairs


@pytest.mark.parametrize(("segments", "is_good"), [(12, True), (13, False)])
def test_a_path_has_twelve_segments_at_most(segments: int, is_good: bool) -> None:
    path = "/".join(["a"] * segments)
    if is_good:
        assert len(parse(f"path=/{path}").segments) == segments
    else:
        with pytest.raises(BadPath, match="segments"):
            parse(f"path=/{path}")


@pytest.mark.parametrize("path", ["/api/v1/advonet", "api/v1/advonet"])
def test_the_old_prefix_alone_is_no_path(path: str) -> None:
    with pytest.raises(BadPath, match="segments"):
        parse(f"path={path}")


@given(ANYTHING)
@example("path=/Beteiligte/%2e%2e/%2e%2e/etc&path=x")
@example("path=%2fBeteiligte%2f4711")
@example("path=/Beteiligte/4711/.hidden.")
def test_whatever_comes_as_a_query_what_is_taken_stays_below_the_base(query: str) -> None:
    target = taken(query)
    if target is not None:
        holds_the_law(target)


@given(ANYTHING)
def test_whatever_comes_as_a_path_what_is_taken_stays_below_the_base(path: str) -> None:
    for sent in (path.encode("utf-8", "surrogateescape"), path.encode("utf-8", "replace")):
        target = taken(f"path={quote(sent, safe='')}")
        if target is not None:
            holds_the_law(target)
            assert "/".join(target.segments) in (
                path.removeprefix("/"),
                path.removeprefix("/")[len("api/v1/advonet/") :],
            )


@given(SEGMENTS, PAIRS)
def test_a_good_path_and_its_parameters_arrive_as_they_were(segments: list[str], pairs: list[tuple[str, str]]) -> None:
    parameters = "".join(f"&{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    for name in ("path", "endpoint"):
        target = parse(f"{name}=/{'/'.join(segments)}{parameters}")
        expected = segments[3:] if segments[:3] == ["api", "v1", "advonet"] else segments
        assert target == Target(tuple(expected), tuple(pairs))
        holds_the_law(target)


@given(ANYTHING, st.sampled_from(["/Beteiligte/:id", "/Beteiligte", "/Stamm/:word", "/:word/:id"]))
def test_what_a_grant_allows_has_the_shape_of_its_pattern(query: str, pattern: str) -> None:
    target, grant = taken(query), Grant.parse(f"GET {pattern}")
    if target is not None and grant.allows("GET", target.segments):
        wanted = pattern.removeprefix("/").split("/")
        assert len(wanted) == len(target.segments)
        for one, segment in zip(wanted, target.segments, strict=True):
            assert one == ":word" or segment == one or (one == ":id" and segment.isdigit() and segment.isascii())
    assert target is None or not grant.allows("POST", target.segments)


@pytest.mark.parametrize(
    "address", ["ftp://a", "//a", "http://", "http://u:p@a", "http://u@a", "http://a?b=c", "http://a#b", "advoware"]
)
def test_an_address_of_another_form_is_no_base(address: str) -> None:
    with pytest.raises(ValueError, match=r"must be|has a query"):
        Base.of(address, "/api")


@pytest.mark.parametrize("methods", ["", "get", "GET,PATCH", "GET,", "*"])
def test_methods_of_another_form_are_refused(methods: str) -> None:
    with pytest.raises(ValueError, match="methods are"):
        Grant.parse(f"{methods} /a")


@pytest.mark.parametrize("pattern", ["", "Beteiligte", "/", "/a//b", "/a/", "/..", "/%2e", "/*", "/a?b", "/:any"])
def test_a_pattern_of_another_form_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a pattern is"):
        Grant.parse(f"GET {pattern}")
