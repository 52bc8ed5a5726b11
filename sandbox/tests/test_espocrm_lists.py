"""Lists: the where language, paging, order, select, totals, and what a wrong question gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.tests.espocrm_caller import Answer, Caller, sandbox

ROWS: list[dict[str, Any]] = [
    {"lastName": "Ahorn", "betnr": 1, "aktiv": True, "tags": ["A"], "advowareLastSync": "2026-11-17 23:30:00"},
    {"lastName": "Müller", "betnr": 2, "aktiv": False, "tags": ["B", "C"], "advowareLastSync": "2026-11-18 12:00:00"},
    {"lastName": "Zeder", "betnr": 3, "firmenname": "Firma 3", "dateOfBirth": "1963-05-05", "emailAddress": "z@x.de"},
]


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with sandbox() as caller:
        await caller.control("POST", "clock", {"now": "2026-11-20 23:10:00"})
        for row in ROWS:
            await caller.create(**row)
        yield caller


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return sorted(row["lastName"] for row in answer.body["list"])


def item(kind: str, attribute: str | None = None, value: Any = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "value": value, **more}
    return {**found, "attribute": attribute} if attribute else found


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (item("equals", "lastName", "MULLER"), ["Müller"]),
        (item("notEquals", "firmenname", "x"), ["Zeder"]),
        (item("in", "betnr", [1, 3]), ["Ahorn", "Zeder"]),
        (item("in", "betnr", []), []),
        (item("notIn", "betnr", [1]), ["Müller", "Zeder"]),
        (item("isNull", "firmenname"), ["Ahorn", "Müller"]),
        (item("isNotNull", "firmenname"), ["Zeder"]),
        (item("isTrue", "aktiv"), ["Ahorn", "Zeder"]),
        (item("isFalse", "aktiv"), ["Müller"]),
        (item("equals", "aktiv", "true"), ["Müller"]),
        (item("like", "lastName", "%u_ler"), ["Müller"]),
        (item("notLike", "firmenname", "%4"), ["Zeder"]),
        (item("contains", "lastName", "ED"), ["Zeder"]),
        (item("notContains", "lastName", "ED"), ["Ahorn", "Müller"]),
        (item("startsWith", "lastName", "z"), ["Zeder"]),
        (item("endsWith", "lastName", "orn"), ["Ahorn"]),
        (item("greaterThan", "betnr", "2"), ["Zeder"]),
        (item("lessThanOrEquals", "betnr", 2), ["Ahorn", "Müller"]),
        (item("between", "betnr", [2, 3]), ["Müller", "Zeder"]),
        (item("after", "advowareLastSync", "2026-11-18T11:00:00Z"), ["Müller"]),
        (item("on", "advowareLastSync", "2026-11-18"), []),
        (item("on", "advowareLastSync", "2026-11-18", dateTime=True, timeZone="Europe/Berlin"), ["Ahorn", "Müller"]),
        (item("on", "advowareLastSync", "2026-11-18", dateTime=True, timeZone="UTC"), ["Müller"]),
        # It is already the 21st in Berlin, the system's zone, and still the 20th in UTC.
        (item("lastXDays", "advowareLastSync", 3, dateTime=True), ["Ahorn", "Müller"]),
        (item("lastXDays", "advowareLastSync", 2, dateTime=True, timeZone="UTC"), ["Müller"]),
        (item("olderThanXDays", "advowareLastSync", 2, dateTime=True, timeZone="UTC"), ["Ahorn"]),
        (item("past", "advowareLastSync", None, dateTime=True), ["Ahorn", "Müller"]),
        (item("future", "advowareLastSync", None, dateTime=True), []),
        (item("currentMonth", "advowareLastSync", None, dateTime=True), ["Ahorn", "Müller"]),
        (item("past", "dateOfBirth"), ["Zeder"]),
        (item("arrayAnyOf", "tags", ["A", "B"]), ["Ahorn", "Müller"]),
        (item("arrayAllOf", "tags", ["B", "C"]), ["Müller"]),
        (item("arrayNoneOf", "tags", ["A"]), ["Müller", "Zeder"]),
        (item("arrayIsEmpty", "tags"), ["Zeder"]),
        (item("isLinked", "kontakte"), []),
        (item("isNotLinked", "kontakte"), ["Ahorn", "Müller", "Zeder"]),
        (item("equals", "emailAddress", "Z@X.de"), ["Zeder"]),
        (item("equals", "name", "Ahorn"), ["Ahorn"]),
        (item("equals", "betnr", [1, 2]), ["Ahorn", "Müller"]),
        (item("isTrue", "deleted"), []),
        (item("or", None, [item("equals", "betnr", 1), item("equals", "betnr", 3)]), ["Ahorn", "Zeder"]),
        (item("and", None, [item("isTrue", "aktiv"), item("isNull", "firmenname")]), ["Ahorn"]),
    ],
)
async def test_a_condition_finds_what_the_database_would_find(
    caller: Caller, where: dict[str, Any], found: list[str]
) -> None:
    assert names(await caller.search([where])) == found


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (item("not", None, {"type": "isTrue"}), "Sub-queries are forbidden in where."),
        (item("subQueryIn", None, []), "Sub-queries are forbidden in where."),
        (item("foo", "betnr", 1), "Unknown where item type 'foo'."),
        (item("equals", "nope", 1), "Not existing attribute 'nope' in where."),
        (item("isLinked", "nope"), "Not existing relation 'nope' in where."),
        (item("linkedWith", "kontakte", ["nix"]), "Record 'Contact' `nix` not found."),
        (item("equals", "YEAR:(dateOfBirth)", 1963), "Complex expressions are forbidden in where."),
        (item("expression", "EQUAL:(betnr, 1)"), "Complex expressions are forbidden in where."),
        (item("in", "betnr", None), "Bad where item 'in'."),
        (item("after", "advowareLastSync", "not a date", dateTime=True), "Bad date value or timezone."),
        (item("today", "advowareLastSync", None, dateTime=True, timeZone="Mars/Base"), "Bad timezone"),
    ],
)
async def test_a_question_that_is_not_allowed_is_a_400_that_says_why(
    caller: Caller, where: dict[str, Any], reason: str
) -> None:
    answer = await caller.search([where])
    assert (answer.status, answer.reason, answer.body) == (400, reason, "")


@pytest.mark.parametrize(
    "query",
    [
        "where[0][type]=equals&where[0][value]=1",
        "where[0][attribute]=betnr&where[0][value]=1",
        "where[0][type]=equals&where[0][attribute]=betnr&where[0][value]=1&where[0][foo]=1",
        "offset=-1",
        "maxSize=-1",
    ],
)
async def test_a_malformed_question_is_a_500(caller: Caller, query: str) -> None:
    answer = await caller.api("GET", f"/CBeteiligte?{query}")
    assert (answer.status, answer.body) == (500, "")


async def test_a_where_that_is_one_item_instead_of_a_list_crashes_below_espocrm(caller: Caller) -> None:
    answer = await caller.api("GET", "/CBeteiligte?where[type]=equals&where[attribute]=betnr&where[value]=2")
    assert (answer.status, answer.body) == (500, {"message": "Slim Application Error"})


async def test_a_where_that_is_text_is_ignored_and_returns_everything(caller: Caller) -> None:
    assert (await caller.api("GET", "/CBeteiligte?where=foo")).body["total"] == 3


async def test_brackets_arrays_and_the_alias_where_group_work(caller: Caller) -> None:
    query = "whereGroup[0][type]=in&whereGroup[0][field]=betnr&whereGroup[0][value][]=1&whereGroup[0][value][]=2"
    assert names(await caller.api("GET", f"/CBeteiligte?{query}")) == ["Ahorn", "Müller"]


async def test_more_than_a_thousand_bracket_parameters_are_cut_silently(caller: Caller) -> None:
    values = "&".join(f"where[0][value][]={number}" for number in [*range(5000, 6100), 1])
    query = f"where[0][type]=in&where[0][attribute]=betnr&{values}"
    assert (await caller.api("GET", f"/CBeteiligte?{query}")).body["total"] == 0
    wanted = [*range(5000, 6100), 1]
    assert (await caller.search([item("in", "betnr", wanted)])).body["total"] == 1


async def test_paging_order_and_totals(caller: Caller) -> None:
    first = await caller.api("GET", "/CBeteiligte?orderBy=betnr&order=desc&maxSize=2")
    assert (first.body["total"], [row["betnr"] for row in first.body["list"]]) == (3, [3, 2])
    second = await caller.api("GET", "/CBeteiligte?orderBy=betnr&order=desc&maxSize=2&offset=2")
    assert [row["betnr"] for row in second.body["list"]] == [1]
    assert (await caller.api("GET", "/CBeteiligte?maxSize=0")).body == {"total": 3, "list": []}
    more = await caller.api("GET", "/CBeteiligte?maxSize=2", X_No_Total="true")
    rest = await caller.api("GET", "/CBeteiligte?maxSize=3", X_No_Total="true")
    assert (more.body["total"], rest.body["total"]) == (-1, -2)


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("maxSize=201", 403, "Max size should not exceed 200. Use offset and limit."),
        ("orderBy=nope", 400, "Order by non-existing field 'nope'."),
        ("orderBy=betnr&order=sideways", 400, "order value is bad."),
        ("searchParams={xx", 400, "Invalid search params JSON."),
        ('searchParams={"maxSize":"5"}', 400, "maxSize must be integer."),
        ("primaryFilter=nope", 400, "No primary filter 'nope' for 'CBeteiligte'."),
        ("boolFilterList[]=nope", 400, "No bool filter 'nope' for 'CBeteiligte'."),
    ],
)
async def test_a_bad_parameter_has_its_reason(caller: Caller, query: str, status: int, reason: str) -> None:
    answer = await caller.api("GET", f"/CBeteiligte?{query}")
    assert (answer.status, answer.reason) == (status, reason)


async def test_the_order_is_stable_because_the_id_breaks_ties(caller: Caller) -> None:
    listed = await caller.api("GET", "/CBeteiligte?orderBy=modifiedAt&order=asc")
    ids = [row["id"] for row in listed.body["list"]]
    assert ids == sorted(ids)


async def test_rows_never_have_address_lists_or_linked_ids_even_if_selected(caller: Caller) -> None:
    row = (await caller.api("GET", "/CBeteiligte?maxSize=1")).body["list"][0]
    assert not {"emailAddressData", "phoneNumberData", "kontakteIds", "teamsIds", "followersIds"} & set(row)
    selected = (await caller.api("GET", "/CBeteiligte?select=emailAddressData,nope,betnr&maxSize=1")).body["list"][0]
    assert set(selected) == {"id", "betnr", "createdAt", "createdById", "assignedUserId"}


async def test_text_is_cut_only_with_a_select(caller: Caller) -> None:
    record = await caller.create(lastName="Lang", description="x" * 20000)
    where = "where[0][type]=equals&where[0][attribute]=id&where[0][value]=" + record
    cut = await caller.api("GET", f"/CBeteiligte?select=description&{where}")
    whole = await caller.api("GET", f"/CBeteiligte?{where}")
    assert (len(cut.body["list"][0]["description"]), len(whole.body["list"][0]["description"])) == (10000, 20000)


async def test_text_filter_and_q_look_into_names_and_q_has_no_total(caller: Caller) -> None:
    assert names(await caller.api("GET", "/CBeteiligte?textFilter=Mull")) == ["Müller"]
    assert (await caller.api("GET", "/CBeteiligte?q=Mull")).body["total"] == -2


async def test_only_my_records_are_those_assigned_to_me(caller: Caller) -> None:
    assert (await caller.api("GET", "/CBeteiligte?boolFilterList[]=onlyMy")).body["total"] == 0
