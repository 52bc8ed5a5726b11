"""The parts of the PostgreSQL adapter that need no server: codec, hashes, errors, revision, scripts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordsync.postgres.change import keyed_hash, note_document, record_state
from synckit.errors import RemoteUnavailable, StaleVersion
from synckit.ports import PendingNote
from synckit.postgres.codec import from_json, to_json
from synckit.postgres.migrate import head
from synckit.postgres.migrations.script import statements
from synckit.postgres.pool import DatabaseDefect, json_text, translated
from synckit.postgres.schema import SCHEMA_REVISION

any_text = st.text(st.characters(blacklist_categories=()))
values = st.none() | st.booleans() | st.integers() | st.dates() | any_text
trees = st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_äß"), inner), max_leaves=20)


@given(trees)
def test_what_was_encoded_reads_back_as_it_was(value: Any) -> None:
    text = json_text(to_json(value))
    assert "\\u0000" not in text.replace("\\\\u0000", "")
    again = from_json(json.loads(text))
    assert again == value
    assert type(again) is type(value)


def test_a_time_is_no_canonical_value() -> None:
    with pytest.raises(TypeError):
        to_json({"at": datetime(2026, 6, 1, tzinfo=UTC)})


def test_a_hash_tells_equal_from_different_within_one_field_of_one_record_only() -> None:
    one = keyed_hash(b"key", "beteiligte", "a")
    assert one("born", "1970-01-01") == one("born", "1970-01-01") != one("born", "1970-01-02")
    others = {
        keyed_hash(b"other", "beteiligte", "a")("born", "1970-01-01"),
        keyed_hash(b"key", "beteiligte", "b")("born", "1970-01-01"),
        keyed_hash(b"key", "adressen", "a")("born", "1970-01-01"),
        one("name", "1970-01-01"),
    }
    assert one("born", "1970-01-01") not in others
    assert len(others) == 4
    assert one("born", "") == ""
    assert one("born", "\ud83d") != ""


@given(st.none() | st.text(max_size=5))
def test_a_note_reads_back_and_what_a_newer_worker_added_is_left_aside(lost: str | None) -> None:
    note = PendingNote("conflict:name", "text", "#1", "anna", "name", "right", "Neu", lost)
    document = dict.fromkeys(("link", "base", "intent", "parked", "notes", "attempted", "rivals"))
    stored = {**document, "fence": 1, "pending": [{**note_document(note), "newer": 1}]}
    assert record_state(stored).pending == (note,)


def test_services_ask_for_the_newest_schema_that_this_code_brings() -> None:
    assert head() == SCHEMA_REVISION


@pytest.mark.parametrize(
    ("error", "sent", "maybe_applied"),
    [
        (ConnectionRefusedError(), False, False),
        (TimeoutError(), True, True),
        (TimeoutError(), False, False),
        (asyncpg.InterfaceError("connection is closed"), True, True),
        (asyncpg.ConnectionDoesNotExistError("gone"), True, True),
        (asyncpg.AdminShutdownError("bye"), True, True),
        (asyncpg.QueryCanceledError("too slow"), True, False),
        (asyncpg.TooManyConnectionsError("full"), False, False),
        (asyncpg.DiskFullError("full"), True, False),
        (asyncpg.DeadlockDetectedError("lost"), True, False),
        (asyncpg.LockNotAvailableError("busy"), True, False),
        (asyncpg.CannotConnectNowError("starting up"), False, False),
        (asyncpg.ReadOnlySQLTransactionError("standby"), True, False),
    ],
)
def test_a_database_that_is_away_is_unavailable(error: Exception, sent: bool, maybe_applied: bool) -> None:
    said = translated(error, sent=sent)
    assert isinstance(said, RemoteUnavailable)
    assert (said.upstream, said.maybe_applied) == ("postgres", maybe_applied)


def test_a_lost_race_is_stale_and_a_defect_quotes_no_row() -> None:
    assert isinstance(translated(asyncpg.UniqueViolationError("Key (right_id)=(101)"), sent=True), StaleVersion)
    defect = asyncpg.NotNullViolationError("null value")
    defect.detail = "Failing row contains (Müller, 1970-01-01)"
    said = translated(defect, sent=True)
    assert isinstance(said, DatabaseDefect)
    assert "Müller" not in str(said)


def test_a_script_is_cut_into_statements_and_bodies_stay_whole() -> None:
    script = "CREATE TABLE a (\n    b text\n);\n-- why\nCREATE FUNCTION f() AS $$\n    SELECT 1;\n$$;\nSELECT 2;\n"
    found = list(statements(script))
    assert len(found) == 3
    assert found[1] == "-- why\nCREATE FUNCTION f() AS $$\n    SELECT 1;\n$$"


def test_a_script_that_ends_inside_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="inside a statement"):
        list(statements("CREATE TABLE a (b date)\n"))


def test_days_keep_their_type_in_the_oldest_and_newest_years() -> None:
    days = [date.min, date(1752, 12, 31), date.max]
    assert from_json(json.loads(json_text(to_json(days)))) == days
