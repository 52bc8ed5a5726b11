"""Collections and their documents: fields, indexing, what is found, the page."""

from __future__ import annotations

import io
from typing import Any

import pytest
from aiohttp import FormData
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from sandbox.tests.xai_caller import Caller, xai
from sandbox.xai.errors import XaiError
from sandbox.xai.filters import parsed

SHA = {"key": "sha256", "required": True, "unique": True}


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(width=595, height=842)
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                                 NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(content)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


async def indexing(caller: Caller, **rule: Any) -> None:
    status, told = await caller.control("POST", "/xai/indexing", rule)
    assert status == 200, told


async def test_a_collection_is_read_back() -> None:
    async with xai() as caller:
        given_ = {
            "collection_name": "Klage 1",
            "collection_description": "CVmhRumungsklage/1",
            "field_definitions": [SHA],
        }
        made = (await caller.management("POST", "", given_))[1]
        assert made["collection_id"].startswith("collection_")
        assert made["created_at"] == "2026-10-01T08:00:00.000000Z"
        assert (made["documents_count"], made["total_file_size"]) == (0, "0")
        assert made["field_definitions"][0]["unique"] is True
        assert await caller.management("GET", f"/{made['collection_id']}") == (200, made)
        renamed = await caller.management(
            "PUT",
            f"/{made['collection_id']}",
            {"collection_name": "Neu", "field_definition_updates": [
                {"field_definition": {"key": "name"}, "operation": "FIELD_DEFINITION_ADD"},
                {"field_definition": {"key": "sha256"}, "operation": "FIELD_DEFINITION_DELETE"}]},
        )  # fmt: skip
        assert (renamed[1]["collection_name"], [each["key"] for each in renamed[1]["field_definitions"]]) == (
            "Neu",
            ["name"],
        )
        assert await caller.management("DELETE", f"/{made['collection_id']}") == (200, {})
        assert (await caller.management("GET", f"/{made['collection_id']}"))[0] == 404


async def test_collections_are_found_by_their_name() -> None:
    async with xai() as caller:
        for name in ("A-1", "A-11", "B"):
            await caller.collection(name)
        for text, names in (('collection_name:"A-1"', ["A-1", "A-11"]), ('collection_name = "A-1"', ["A-1"])):
            query = {"filter": text, "order": "ORDERING_ASCENDING", "sort_by": "COLLECTIONS_SORT_BY_NAME"}
            found = (await caller.management("GET", "", query=query))[1]["collections"]
            assert [each["collection_name"] for each in found] == names
        assert len((await caller.management("GET", "", query={"limit": "2"}))[1]["collections"]) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"collection_name": ""}, 400),
        ({"collection_name": 5}, 422),
        ({"collection_name": "a", "field_definitions": [{}]}, 422),
        ({"collection_name": "a", "field_definitions": [{"key": "a"}, {"key": "a"}]}, 400),
        ({"collection_name": "a", "chunk_configuration": {}}, 400),
    ],
)
async def test_what_is_no_collection_is_refused(body: Any, status: int) -> None:
    async with xai() as caller:
        assert (await caller.management("POST", "", body))[0] == status


async def test_a_document_comes_to_its_end() -> None:
    """By the clock alone: each state in turn, then it is found, with its fields."""
    async with xai(indexing_seconds=8) as caller:
        collection, file = await caller.collection(), await caller.file("Mietrückstand von 3.500 Euro".encode())
        assert await caller.attach(collection, file, sha256="a") == (200, {})
        seen = []
        for _ in range(5):
            seen.append(await caller.status(collection, file))
            assert bool(await caller.search("Mietrückstand", collection)) is (seen[-1] == "PROCESSED")
            caller.clock.pass_(2)
        assert seen == ["PROCESSING", "CHUNKED", "EMBEDDING", "WRITING", "PROCESSED"]
        told = (await caller.management("GET", f"/{collection}/documents/{file}"))[1]
        assert told["last_indexed_at"] == "2026-10-01T08:00:08.000000Z"
        assert told["fields"] == {"sha256": "a"}
        assert told["file_metadata"]["size_bytes"] == "29"
        assert len(told["file_metadata"]["hash"]) == 64


async def test_indexing_is_stuck_fails_and_is_tried_again() -> None:
    async with xai(indexing_seconds=1) as caller:
        collection = await caller.collection()
        good, bad, slow = [await caller.file(b"text", name) for name in ("gut.txt", "kaputt.pdf", "spaet.txt")]
        await indexing(caller, match="kaputt", fail="no text found")
        await indexing(caller, match="spaet", stuck=True)
        for file in (good, bad, slow):
            await caller.attach(collection, file)
        caller.clock.pass_(60)
        assert [await caller.status(collection, each) for each in (good, bad, slow)] == [
            "PROCESSED",
            "FAILED",
            "PROCESSING",
        ]
        told = (await caller.management("GET", f"/{collection}/documents/{bad}"))[1]
        assert told["error_message"] == "no text found"
        await indexing(caller, seconds=5)
        assert await caller.status(collection, bad) == "FAILED"
        assert await caller.status(collection, slow) == "PROCESSED"
        assert await caller.management("PATCH", f"/{collection}/documents/{bad}") == (200, {})
        assert await caller.status(collection, bad) == "PROCESSING"
        caller.clock.pass_(5)
        assert await caller.status(collection, bad) == "PROCESSED"
        assert (await caller.management("PATCH", f"/{collection}/documents/{bad}", {"name": "x"}))[0] == 400
        for wrong in ({"match": "("}, {"seconds": -1}, {"stuck": "yes"}, {"fail": 1}, {"colour": 1}):
            assert (await caller.control("POST", "/xai/indexing", wrong))[0] == 400


async def test_fields_are_required_and_unique() -> None:
    async with xai() as caller:
        collection = await caller.collection("a", SHA)
        files = [await caller.file(b"x") for _ in range(2)]
        assert (await caller.attach(collection, files[0]))[0] == 400
        assert (await caller.attach(collection, files[0], sha256="a"))[0] == 200
        for status in (400, 409, 422):
            await caller.control("POST", "/xai/switches", {"unique_status": status})
            assert (await caller.attach(collection, files[1], sha256="a"))[0] == status
        found = await caller.management("GET", f"/{collection}/documents", query={"filter": 'fields.sha256:"a"'})
        assert [each["file_metadata"]["file_id"] for each in found[1]["documents"]] == files[:1]
        body = {"fields": {"sha256": 5}}
        assert (await caller.management("POST", f"/{collection}/documents/{files[1]}", body))[0] == 422


@pytest.mark.parametrize("status", [200, 409])
async def test_attached_twice(status: int) -> None:
    async with xai() as caller:
        collection, file = await caller.collection(), await caller.file(b"x")
        await caller.control("POST", "/xai/switches", {"attach_twice": status})
        assert [(await caller.attach(collection, file, a="b"))[0] for _ in range(2)] == [200, status]
        assert (await caller.attach("collection_none", file))[0] == 404
        assert (await caller.attach(collection, "file_none"))[0] == 404


async def test_detaching_keeps_the_file() -> None:
    async with xai(indexing_seconds=0) as caller:
        collection, file = await caller.collection(), await caller.file(b"Schimmel")
        await caller.attach(collection, file)
        assert await caller.search("Schimmel", collection)
        path = f"/{collection}/documents/{file}"
        assert await caller.management("DELETE", path) == (200, {})
        assert (await caller.management("DELETE", path))[0] == 404
        assert await caller.search("Schimmel", collection) == []
        assert (await caller.api("GET", f"/v1/files/{file}"))[0] == 200


@pytest.mark.parametrize(("documents", "count"), [("listed", 1), ("gone", 0)])
async def test_a_deleted_file_may_stay_listed(documents: str, count: int) -> None:
    """Found by no search in either case."""
    async with xai(indexing_seconds=0) as caller:
        await caller.control("POST", "/xai/switches", {"deleted_file_documents": documents})
        collection, file = await caller.collection(), await caller.file(b"Schimmel")
        await caller.attach(collection, file)
        await caller.api("DELETE", f"/v1/files/{file}")
        assert len((await caller.management("GET", f"/{collection}/documents"))[1]["documents"]) == count
        assert await caller.search("Schimmel", collection) == []


@pytest.mark.parametrize("takes", [False, True])
async def test_a_deleted_collection_and_its_files(takes: bool) -> None:
    async with xai() as caller:
        await caller.control("POST", "/xai/switches", {"collection_takes_files": takes})
        collection, file = await caller.collection(), await caller.file(b"x")
        await caller.attach(collection, file)
        await caller.management("DELETE", f"/{collection}")
        assert (await caller.api("GET", f"/v1/files/{file}"))[0] == (404 if takes else 200)


async def test_several_documents_at_once() -> None:
    async with xai() as caller:
        collection = await caller.collection()
        files = [await caller.file(b"x", f"f{number}") for number in range(3)]
        for file in files[:2]:
            await caller.attach(collection, file)
        query = [("file_ids", file) for file in files]
        told = (await caller.management("GET", f"/{collection}/documents:batchGet", query=query))[1]["documents"]
        assert [each["file_metadata"]["name"] for each in told] == ["f0", "f1"]
        assert (await caller.management("GET", f"/{collection}/documents:batchGet"))[0] == 400


async def test_a_file_goes_in_with_one_call() -> None:
    async with xai() as caller:
        collection = await caller.collection("a", SHA)
        for fields, status in (('{"sha256": "a"}', 200), ("{", 400), ("{}", 400)):
            form = FormData({"name": "n.txt", "content_type": "text/plain", "fields": fields})
            form.add_field("data", b"content", filename="n.txt")
            answer = await caller.ask("management", "POST", f"/v1/collections/{collection}/documents", data=form)
            assert answer[0] == status
        state = (await caller.control("GET", "/xai/state"))[1]
        assert [len(state["files"]), len(state["collections"][0]["documents"])] == [1, 1]


async def test_a_question_is_answered_by_its_matter() -> None:
    """Text and pages of PDFs; the collection that was not asked says nothing; a filter chooses."""
    async with xai(indexing_seconds=0) as caller:
        one, other = await caller.collection("Klage 1"), await caller.collection("Klage 2")
        text = await caller.file(b"Der Beklagte schuldet 3.500 Euro Miete seit Juni.")
        scan = await caller.file(pdf("Seite eins", "Der Schimmel im Badezimmer ist gross"), "Gutachten.pdf")
        for collection, file in ((one, text), (other, text), (other, scan)):
            await caller.attach(collection, file, record=collection)
        assert await caller.search("Was ist mit Schimmel?", one) == []
        (match,) = await caller.search("Was ist mit Schimmel?", one, other)
        assert (match["file_id"], match["page_number"], match["collection_ids"]) == (scan, 2, [other])
        assert "Badezimmer" in match["chunk_content"]
        assert match["fields"] == {"record": other}
        shared = await caller.search("Wer schuldet Miete?", one, other)
        assert sorted(each for match in shared for each in match["collection_ids"]) == sorted([one, other])
        kept = await caller.search("Miete", one, other, filter=f'fields.record:"{other}" AND name:"txt"')
        assert [each["fields"]["record"] for each in kept] == [other]
        assert await caller.search("Mieten", other, retrieval_mode={"type": "keyword"}) == []
        assert len(await caller.search("Mieten", other, retrieval_mode={"type": "semantic"})) == 1
        assert len(await caller.search("Der Miete Schimmel Seite", other, limit=2)) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": "a"}, 422),
        ({"query": "a", "source": {"collection_ids": []}}, 400),
        ({"query": "", "source": {"collection_ids": ["c"]}}, 400),
        ({"query": "a", "source": {"collection_ids": ["c"]}}, 404),
        ({"query": "a", "source": {"collection_ids": ["c"]}, "limit": 0}, 400),
        ({"query": "a", "source": {"collection_ids": ["c"]}, "retrieval_mode": {"type": "magic"}}, 400),
    ],
)
async def test_what_is_no_search_is_refused(body: Any, status: int) -> None:
    async with xai() as caller:
        assert (await caller.api("POST", "/v1/documents/search", body))[0] == status


async def test_a_broken_pdf_has_no_text() -> None:
    async with xai(indexing_seconds=0) as caller:
        collection, file = await caller.collection(), await caller.file(b"%PDF-1.7\nkaputt", "k.pdf")
        await caller.attach(collection, file)
        assert await caller.search("kaputt", collection) == []


async def test_the_page_shows_states_and_searches() -> None:
    async with xai() as caller:
        assert "Noch keine Sammlungen" in await caller.page()
        collection, file = await caller.collection("Räumung <1>"), await caller.file(b"Der Schimmel", "Klage & Co.txt")
        await caller.attach(collection, file, record="CVmhRumungsklage/1")
        shown = await caller.page()
        for text in ("Räumung &lt;1&gt;", "Klage &amp; Co.txt", "PROCESSING", "record: CVmhRumungsklage/1"):
            assert text in shown
        caller.clock.pass_(8)
        assert "PROCESSED" in await caller.page()
        assert "Der Schimmel" in await caller.page("/?frage=Schimmel")
        assert "Nichts gefunden" in await caller.page("/?frage=Heizung")
        form = {"sammlung": collection, "datei": file}
        done = await caller.ask("management", "POST", "/_page/delete", key="", data=form)
        assert "Keine Dokumente." in done[1]
        assert (await caller.ask("management", "POST", "/_page/delete", key="", data=form))[0] == 404


async def test_a_person_deletes_in_the_console() -> None:
    async with xai() as caller:
        collection, file = await caller.collection(), await caller.file(b"x")
        await caller.attach(collection, file)
        assert (await caller.control("DELETE", f"/xai/collections/{collection}/documents/{file}"))[0] == 204
        assert (await caller.control("DELETE", f"/xai/collections/{collection}"))[0] == 204
        assert (await caller.control("DELETE", f"/xai/files/{file}"))[0] == 204
        assert (await caller.control("DELETE", f"/xai/files/{file}"))[0] == 404
        changes = (await caller.control("GET", "/changes"))[1]["changes"]
        assert [(each["entity"], each["action"]) for each in changes] == [
            ("collection", "create"), ("file", "create"), ("document", "create"),
            ("document", "delete"), ("collection", "delete"), ("file", "delete"),
        ]  # fmt: skip


def test_or_binds_tighter_than_and() -> None:
    keep = parsed('a = "1" OR a = "2" AND b = "x"')
    assert keep({"a": "1", "b": "x"})
    assert keep({"a": "2", "b": "x"})
    assert not keep({"a": "1", "b": "y"})
    assert parsed("documents_count:>10")({"documents_count": 11})
    assert not parsed("NOT (n <= 3)")({"n": 3})
    assert parsed('n != "q" n != "r"')({})


@given(st.text(max_size=40))
def test_any_text_is_a_filter_or_a_refusal(text: str) -> None:
    """Never anything else."""

    def verdict() -> object:
        try:
            return parsed(text)({"a": "1"})
        except XaiError as error:
            return error.status

    assert verdict() in (True, False, 400)


@given(st.text(max_size=30))
def test_a_quoted_value_is_that_value(value: str) -> None:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parsed(f'fields.name = "{quoted}"')({"fields.name": value})
