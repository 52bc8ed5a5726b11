"""Secrets: their form, and a file that changes while we run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kanzlei.espocrm.webhook_secrets import parse_secrets
from synckit.service import metrics
from synckit.testing.clock import FakeClock
from webhook_ingress.adapters.secrets_source import SecretsSource

OLD, NEW = "a" * 32, "b" * 32


def stale() -> float | None:
    return metrics.REGISTRY.get_sample_value("sync_webhook_secrets_stale")


def test_one_key_or_several_belong_to_a_webhook() -> None:
    assert parse_secrets(json.dumps({"x1": OLD, "x2": [NEW, OLD]}).encode()) == {
        "x1": (OLD.encode(),),
        "x2": (NEW.encode(), OLD.encode()),
    }


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"a": 1}', '{"a": []}', '{"a": "short"}', json.dumps({"": OLD}), json.dumps({"a b": OLD}), "{"],
)
def test_another_form_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|a webhook id|each webhook id") as caught:
        parse_secrets(text.encode())
    assert OLD not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_changed_file_is_read_again_and_adds_to_the_variable(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "secrets.json"
    path.write_text(json.dumps({"x1": OLD}))
    source = SecretsSource({"env": (OLD.encode(),)}, path, clock)
    assert set(source()) == {"env", "x1"}
    path.write_text(json.dumps({"x1": [NEW, OLD], "x22": OLD}))
    assert set(source()) == {"env", "x1"}, "at most one look a second"
    clock.advance(1)
    assert source()["x1"] == (NEW.encode(), OLD.encode())
    assert set(source()) == {"env", "x1", "x22"}


def test_a_file_that_turns_bad_changes_nothing_and_says_so_until_it_is_good_again(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "secrets.json"
    path.write_text(json.dumps({"x1": OLD}))
    source = SecretsSource({}, path, clock)
    assert (set(source()), stale()) == ({"x1"}, 0)
    for text in ("{", '{"x1": ""}'):
        path.write_text(text)
        clock.advance(1)
        assert (set(source()), stale()) == ({"x1"}, 1)
    path.unlink()
    clock.advance(1)
    assert (set(source()), stale()) == ({"x1"}, 1)
    path.write_text(json.dumps({"x3": NEW}))
    clock.advance(1)
    assert (set(source()), stale()) == ({"x3"}, 0)


async def test_a_file_that_is_not_there_yet_is_waited_for_and_not_ready(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "secrets.json"
    source = SecretsSource({}, path, clock)
    with pytest.raises(LookupError):
        await source.check()
    path.write_text(json.dumps({"x1": OLD}))
    clock.advance(1)
    await source.check()
    assert set(source()) == {"x1"}
