"""A service's command line: help without settings, and nothing that it would not heed."""

from __future__ import annotations

from typing import ClassVar

import pytest

from synckit.service.service import Service, main
from synckit.service.settings import KafkaSection, ServiceSettings


class Settings(ServiceSettings):
    service: ClassVar[str] = "probe-service"
    kafka: KafkaSection


def never(_: Settings) -> Service:
    raise AssertionError("nothing may be wired")


def test_help_needs_no_settings_and_says_every_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(Settings, never, ["--help"])
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert "python -m probe_service" in said
    assert [line.split()[0] for line in said.partition("exit status:")[2].splitlines() if line] == ["0", "1", "2", "70"]


@pytest.mark.parametrize("arguments", [["run-once", "beteiligte"], ["--dry-run"], [""]])
def test_what_a_service_would_not_heed_is_refused_and_nothing_starts(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    with pytest.raises(SystemExit) as caught:
        main(Settings, never, arguments)
    assert caught.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_call_without_arguments_goes_on_to_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(Settings, never, ())
    assert (caught.value.code, "KAFKA_BOOTSTRAP_SERVERS: missing." in capsys.readouterr().err) == (2, True)
