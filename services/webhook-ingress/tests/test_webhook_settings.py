"""What the ingress needs at start, and how it says that it lacks it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.waiting import LONG
from synckit.service.settings import load
from synckit.service.settings_doc import table
from webhook_ingress.app import build
from webhook_ingress.settings import Settings

KEY = "a" * 32
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    monkeypatch.setenv("WEBHOOK_INGRESS_SECRETS", json.dumps({"wh1": KEY}))
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_it_is_wired_from_the_environment() -> None:
    settings = load(Settings)
    assert settings.webhook_ingress.port == 8080
    assert KEY not in repr(settings)
    assert build(settings).server.port == 8080


@pytest.mark.parametrize("value", ['{"wh1": ', '{"wh1": "short"}', '["wh1"]'])
def test_secrets_of_another_form_are_named_and_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    environment.setenv("WEBHOOK_INGRESS_SECRETS", value)
    with pytest.raises(SystemExit):
        load(Settings)
    told = capsys.readouterr().err
    assert told.startswith("WEBHOOK_INGRESS_SECRETS: wrong: ")
    assert value not in told


def test_without_any_secrets_it_does_not_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "webhook_ingress"],
        env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092"},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == ("WEBHOOK_INGRESS: wrong: set WEBHOOK_INGRESS_SECRETS or WEBHOOK_INGRESS_SECRETS_FILE.\n")


def test_the_readme_has_the_table_of_the_settings() -> None:
    assert table(Settings) in README.read_text()
