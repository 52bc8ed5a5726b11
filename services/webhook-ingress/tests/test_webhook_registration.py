"""Registration: creates what is missing, keeps the keys, says what it can't do, and does nothing twice."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kanzlei.espocrm.register import SKIPPED, register
from kanzlei.espocrm.secrets_file import SecretsFileUnusable
from kanzlei.espocrm.webhook_secrets import parse_secrets
from kanzlei.espocrm.webhooks import Webhook, compare, wanted, warnings
from synckit.errors import RemoteRejected, RemoteUnavailable
from webhook_ingress.register.__main__ import main

URL = "http://ingress.office.example:8080"
AWAY = ["--espocrm-url", "http://127.0.0.1:1", "--url", URL]


class FakeWebhooks:
    """EspoCRM's webhooks; `unavailable` are entity types that it lacks."""

    def __init__(self, unavailable: Sequence[str] = ()) -> None:
        self.kept: list[Webhook] = []
        self.unavailable = unavailable
        self.breaks_after = 99

    async def all(self) -> Sequence[Webhook]:
        return list(self.kept)

    async def create(self, webhook: Webhook) -> Webhook:
        if webhook.event.partition(".")[0] in self.unavailable:
            raise RemoteRejected("espocrm", 403, "Entity type is not available for Webhooks.")
        if len(self.kept) >= self.breaks_after:
            raise RemoteUnavailable("espocrm", "no answer")
        made = replace(webhook, id=f"wh{len(self.kept)}", secret_key=f"{len(self.kept):032x}")
        self.kept.append(made)
        return made


def test_twelve_are_wanted_each_with_a_url_of_its_own_and_without_echoes() -> None:
    all_wanted = list(wanted(f"{URL}/"))
    assert len({one.url for one in all_wanted}) == len({one.event for one in all_wanted}) == 12
    assert Webhook("CDokumente.delete", f"{URL}/vmh/webhook/document/delete") in all_wanted
    assert all(one.skip_own for one in all_wanted)


async def test_what_is_missing_is_created_and_its_keys_are_kept_for_us_alone(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "var" / "secrets.json"
    report = await register(webhooks, URL, path, dry_run=False)
    assert (len(report.created), report.status, report.secrets_written) == (12, 0, True)
    assert parse_secrets(path.read_bytes()) == {one.id: (one.secret_key.encode(),) for one in webhooks.kept}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secrets.json"]


async def test_again_it_creates_nothing_and_writes_nothing(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    await register(webhooks, URL, path, dry_run=False)
    before = path.stat().st_mtime_ns
    report = await register(webhooks, URL, path, dry_run=False)
    assert (len(report.created), len(report.present), report.secrets_written) == (0, 12, False)
    assert path.stat().st_mtime_ns == before


async def test_a_lost_secrets_file_is_made_again_from_what_is_there(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    await register(webhooks, URL, None, dry_run=False)
    report = await register(webhooks, URL, path, dry_run=False)
    assert report.secrets_written
    assert len(parse_secrets(path.read_bytes())) == 12


async def test_entries_of_others_and_the_key_before_a_rotation_are_kept(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    path.write_text(json.dumps({"other": "o" * 32, "wh0": "old" * 8}))
    path.chmod(0o644)
    await register(webhooks, URL, path, dry_run=False)
    kept = parse_secrets(path.read_bytes())
    assert kept["other"] == (b"o" * 32,)
    assert kept["wh0"] == (f"{0:032x}".encode(), b"old" * 8)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_dry_run_changes_nothing_and_says_what_it_would(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    report = await register(webhooks, URL, path, dry_run=True)
    assert (len(report.missing), webhooks.kept, path.exists()) == (12, [], False)
    assert all(line.startswith("would create") for line in report.lines())


async def test_entity_types_that_espocrm_lacks_are_skipped_and_reported(tmp_path: Path) -> None:
    webhooks = FakeWebhooks(unavailable=["CDokumente"])
    report = await register(webhooks, URL, tmp_path / "s.json", dry_run=False)
    assert (len(report.created), len(report.skipped), report.status) == (9, 3, SKIPPED)
    assert "CDokumente.create" in "\n".join(report.lines())


async def test_keys_made_before_a_failure_are_kept(tmp_path: Path) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    webhooks.breaks_after = 5
    with pytest.raises(RemoteUnavailable):
        await register(webhooks, URL, path, dry_run=False)
    assert len(parse_secrets(path.read_bytes())) == 5


async def test_no_key_is_ever_shown(tmp_path: Path) -> None:
    webhooks = FakeWebhooks()
    report = await register(webhooks, URL, tmp_path / "secrets.json", dry_run=False)
    shown = json.dumps(report.as_json()) + "\n".join(report.lines())
    assert not any(one.secret_key in shown for one in webhooks.kept)


def test_webhooks_of_ours_at_another_address_are_told_and_left_alone() -> None:
    old = Webhook("CBeteiligte.create", "http://old.example/vmh/webhook/beteiligte/create", id="a")
    foreign = Webhook("Contact.create", "http://old.example/", id="b")
    found = compare(URL, [old, foreign])
    assert (list(found.elsewhere), len(found.missing)) == ([old], 12)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://[::1]:8080", "https://192.0.2.7"])
def test_a_literal_address_is_warned_of(url: str) -> None:
    assert ["literal IP" in one for one in warnings(url, [])] == [True]
    assert list(warnings(URL, [])) == []


def test_webhooks_that_are_off_or_echo_are_warned_of() -> None:
    off = Webhook("CBeteiligte.create", URL, id="a", is_active=False, skip_own=False)
    assert len(list(warnings(URL, [off]))) == 2


def test_without_a_key_the_command_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ESPOCRM_API_KEY", raising=False)
    with pytest.raises(SystemExit) as caught:
        main([*AWAY, "--secrets-file", "never-made.json"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("ESPOCRM_API_KEY: missing.")


def test_an_espocrm_that_is_away_is_one_line_and_status_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ESPOCRM_API_KEY", "x" * 32)
    assert main([*AWAY, "--secrets-file", str(tmp_path / "secrets.json")]) == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_without_a_file_for_the_keys_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ESPOCRM_API_KEY", "x" * 32)
    with pytest.raises(SystemExit) as caught:
        main(AWAY)
    assert caught.value.code == 2
    assert "--secrets-file is needed" in capsys.readouterr().err
    assert main([*AWAY, "--dry-run"]) == 3


@pytest.mark.parametrize("option", ["--espocrm-url", "--url"])
@pytest.mark.parametrize(
    "address", ["crm.example", "crm.example:443", "ftp://crm.example", "https://", "http://crm:99999"]
)
def test_what_is_no_address_is_told_by_its_option_before_anybody_is_asked(
    option: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*AWAY, "--dry-run", option, address])
    assert caught.value.code == 2
    assert f"argument {option}: {address!r} is no address like https://" in capsys.readouterr().err


@pytest.mark.parametrize(("content", "reason"), [(b"[]", "must be a JSON object"), (None, "Is a directory")])
async def test_a_file_that_cannot_be_used_is_named_with_the_reason_before_a_webhook_is_made(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    webhooks, path = FakeWebhooks(), tmp_path / "secrets.json"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(SecretsFileUnusable, match=f"{path}: {reason}"):
        await register(webhooks, URL, path, dry_run=False)
    assert webhooks.kept == []


def test_the_command_says_which_file_and_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ESPOCRM_API_KEY", "x" * 32)
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "secrets.json"
    with pytest.raises(SystemExit) as caught:
        main([*AWAY, "--secrets-file", str(path)])
    assert (caught.value.code, capsys.readouterr().err) == (
        2,
        f"the secrets file can't be used: {path}: Not a directory\n",
    )
