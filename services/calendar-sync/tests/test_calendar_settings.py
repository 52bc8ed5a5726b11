"""Every wrong variable is named, none of their values is."""

from __future__ import annotations

from pathlib import Path

import pytest

from calendar_sync.settings import Settings
from synckit.service.settings import WRONG_SETTINGS, load


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        load(Settings)
    assert ended.value.code == WRONG_SETTINGS
    return capsys.readouterr().err


def test_what_is_not_set_is_safe(environment: pytest.MonkeyPatch) -> None:
    """Nothing is written, no name is shown, nobody is pushed."""
    chosen = Settings()  # type: ignore[call-arg]
    calendar = chosen.calendar
    assert (calendar.mode, calendar.profile, calendar.push_url) == ("dry", "busy", None)
    assert (calendar.strategy, calendar.delete_from_google) == ("source-system-wins", "own")
    assert (calendar.window_past_days, calendar.window_future_days, calendar.expand_days) == (30, 730, 60)
    assert (calendar.max_advoware_writes, calendar.chosen) == (200, frozenset())
    assert chosen.espocrm.base_url is None


def test_employees_have_choices_of_their_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CALENDAR_PROFILES", '{"ÄB": "full"}')
    environment.setenv("CALENDAR_STRATEGIES", '{"ÄB": "last-change-wins"}')
    environment.setenv("CALENDAR_ONLY", "ÄB, CD")
    calendar = Settings().calendar  # type: ignore[call-arg]
    assert dict(calendar.profiles) == {"ÄB": "full"}
    assert dict(calendar.strategies) == {"ÄB": "last-change-wins"}
    assert calendar.chosen == {"ÄB", "CD"}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CALENDAR_MODE", "geheim"),
        ("CALENDAR_STRATEGY", "geheim"),
        ("CALENDAR_STRATEGIES", "geheim"),
        ("CALENDAR_STRATEGIES", '["geheim"]'),
        ("CALENDAR_PROFILE", "geheim"),
        ("CALENDAR_PROFILES", '{"AB": "geheim"}'),
        ("CALENDAR_DELETE_FROM_GOOGLE", "geheim"),
        ("CALENDAR_ACL_ROLE", "geheim"),
        ("CALENDAR_PUSH_URL", "http://geheim.example"),
        ("CALENDAR_PUSH_SECRET", "geheim"),
        ("CALENDAR_WINDOW_PAST_DAYS", "-1"),
        ("CALENDAR_WINDOW_FUTURE_DAYS", "geheim"),
        ("CALENDAR_EXPAND_DAYS", "0"),
        ("CALENDAR_MAX_ADVOWARE_WRITES", "geheim"),
        ("CALENDAR_SYNC_PORT", "geheim"),
        ("GOOGLE_ROLE_ACCOUNT", "geheim"),
        ("GOOGLE_ACT_AS", "geheim"),
        ("GOOGLE_API_ENDPOINT", "geheim"),
        ("GOOGLE_SERVICE_ACCOUNT_FILE", "geheim/nowhere.json"),
    ],
)
def test_a_wrong_variable_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    environment.setenv(variable, value)
    told = complaint(capsys)
    assert told.startswith(f"{variable}: wrong"), told
    assert "geheim" not in told


@pytest.mark.parametrize("variable", ["GOOGLE_ROLE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_FILE", "DATABASE_URL"])
def test_a_missing_variable_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    environment.delenv(variable)
    assert complaint(capsys).startswith(f"{variable}: missing")


@pytest.mark.parametrize("text", ["no json", "{}", '{"type": "authorized_user", "client_email": "geheim"}', "[]"])
def test_a_wrong_key_file_is_named(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    """The file of a person's login, or half of one: what it must be is said."""
    file = tmp_path / "other.json"
    file.write_text(text)
    environment.setenv("GOOGLE_SERVICE_ACCOUNT_FILE", str(file))
    told = complaint(capsys)
    assert told.startswith("GOOGLE_SERVICE_ACCOUNT_FILE: wrong")
    assert "service account" in told
    assert "geheim" not in told


def test_push_needs_its_secret(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("CALENDAR_PUSH_URL", "https://kanzlei.example/google/push")
    assert "CALENDAR_PUSH_SECRET" in complaint(capsys)


def test_half_of_espocrm_is_refused(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("ESPOCRM_BASE_URL", "http://127.0.0.1")
    assert "ESPOCRM_API_KEY" in complaint(capsys)
