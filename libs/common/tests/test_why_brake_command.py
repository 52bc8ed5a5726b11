"""`python -m beteiligte_sync.brake` against a database in trouble: what it says is what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import pytest

from beteiligte_sync import brake
from synckit.errors import RemoteUnavailable
from synckit.ports import BrakeState
from synckit.postgres.pool import DatabaseDefect
from synckit.postgres.schema import SCHEMA_REVISION

RELEASE = ["release", "advoware", "--yes"]


class Database:
    """Answers by what a statement is about; an exception is raised instead."""

    answers: ClassVar[dict[str, Any]] = {}

    def __init__(self, *_: object, **__: object) -> None: ...

    async def fetch_value(self, sql: str, *_: object, **__: object) -> Any:
        return self._answer(sql)

    async def fetch(self, sql: str, *_: object, **__: object) -> Sequence[Mapping[str, Any]]:
        rows: Sequence[Mapping[str, Any]] = self._answer(sql)
        return rows

    async def hash_key(self) -> bytes:
        return b"key"

    async def close(self) -> None: ...

    def _answer(self, sql: str) -> Any:
        found = next(answer for word, answer in self.answers.items() if word in sql)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A database of this version in which one record waits for Advoware."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setattr(brake, "PostgresPool", Database)
    state = asdict(BrakeState("advoware", counted=9, allowed=5, held=1))
    healthy = {
        "to_regclass": False,
        "version_num": SCHEMA_REVISION,
        "release_brake": 1,
        "FROM unnest": [state],
        "left_id FROM parked": [{"entity": "beteiligte", "left_id": "a1"}],
    }
    monkeypatch.setattr(Database, "answers", healthy)
    return healthy


def test_a_release_whose_answer_came_is_done(answers: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert answers["release_brake"] == 1
    assert brake.main(RELEASE) == 0
    assert "Freigegeben. 1 Datensatz" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("maybe_applied", "said"),
    [(True, "vielleicht getan, bitte ansehen"), (False, "nicht erreichbar: nichts getan")],
)
def test_a_release_whose_answer_was_lost_may_have_been_done_and_says_so(
    maybe_applied: bool, said: str, answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answers["release_brake"] = RemoteUnavailable("postgres", "TimeoutError", maybe_applied=maybe_applied)
    assert brake.main(RELEASE) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("revision", ["0001", None])
def test_tables_of_another_version_are_named_with_the_command_that_mends_them(
    revision: str | None, answers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    answers["version_num"] = revision
    answers["release_brake"] = AssertionError("nothing may be written")
    assert brake.main(RELEASE) == 4
    assert "synckit.postgres.migrate apply" in capsys.readouterr().err


def test_a_bug_is_not_called_a_database_that_is_away(answers: dict[str, Any]) -> None:
    answers["release_brake"] = DatabaseDefect("postgres: UndefinedFunctionError (42883)")
    with pytest.raises(DatabaseDefect):
        brake.main(RELEASE)
