"""Addresses with passwords: read as they were meant, or refused by their variable's name and not a letter more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.settings import EspoCrmSection
from synckit.connection_url import ESCAPES, check_address, check_brokers, check_key, check_url
from synckit.service.settings import DatabaseSection, RedisSection, ServiceSettings, load

POSTGRES = ("postgresql", "postgres")
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NASTY = [f"pa{character}xyz" for character in "/#@?[]% \n"] + ["4711/xyz", "4711?@xyz"]
COMMANDS = [
    ["synckit.postgres.migrate", "check"],
    ["advoware_proxy.keys", "list"],
    ["beteiligte_sync.brake"],
    ["kanzlei.keys", "list"],
    ["advoware_proxy"],
    ["ticker"],
    ["beteiligte_sync"],
]


class Stores(ServiceSettings):
    service: ClassVar[str] = "stores"
    database: DatabaseSection
    redis: RedisSection


def _refusal(url: str) -> str:
    """What is said of it, or nothing where it is taken."""
    try:
        check_url(url, (*POSTGRES, "redis"))
    except ValueError as error:
        return str(error)
    return ""


@given(PASSWORDS)
def test_an_encoded_password_is_always_taken(password: str) -> None:
    for url in (
        f"postgresql://sync:{quote(password, safe='')}@db:5432/sync",
        f"redis://:{quote(password, safe='')}@r/0",
    ):
        assert not _refusal(url)
        assert unquote(urlsplit(url).password or "") == password


@given(PASSWORDS)
def test_a_raw_password_is_read_as_meant_or_refused(password: str) -> None:
    """Taken means that host, port and name are the ones after it, as every library sees them."""
    for url in (f"postgresql://sync:{password}@db:5432/sync", f"redis://:{password}@db:5432/sync"):
        if not (told := _refusal(url)):
            parts = urlsplit(url)
            assert (parts.hostname, parts.port, parts.path) == ("db", 5432, "/sync")
            assert parts.password == password
        else:
            assert "percent-encoded" in told
            assert told.replace(ESCAPES, "") == _refusal("redis://a/b@c").replace(ESCAPES, "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u@h/n",
        "postgres://u:p@h1:1,h2:2/n?target_session_attrs=read-write&sslmode=verify-full",
        "postgresql:///n?host=/var/run/postgresql",
        "postgresql://u:p@[::1]:5432/n",
        "postgresql://u:pa:ss@h/n",
        "postgresql://u:größe@h/n",
    ],
)
def test_addresses_of_all_forms_are_taken(url: str) -> None:
    check_url(url, POSTGRES)


@pytest.mark.parametrize("url", ["unix:///run/redis.sock?db=1", "rediss://:p@h:6379/0", "redis://h"])
def test_addresses_of_redis_are_taken(url: str) -> None:
    check_url(url, ("redis", "rediss", "unix"))


@pytest.mark.parametrize("password", NASTY)
@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_the_start_names_the_variable_and_how_to_mend(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, password: str
) -> None:
    good = {"DATABASE_URL": "postgresql://u:p@h/n", "REDIS_URL": "redis://h/0"}
    for variable, value in good.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv(name, good[name].partition("://")[0] + f"://u:{password}@h:1/0")
    with pytest.raises(SystemExit) as ended:
        load(Stores)
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.startswith(f"{name}: wrong: ")
    assert "xyz" not in told
    assert ("percent-encoded" in told) or ("line break" in told)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize("password", ["Zwie/bel#fisch", "Zwie?bel@fisch"])
def test_a_command_says_nothing_of_the_password(command: list[str], password: str) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"postgresql://u:{password}@h:1/n"}
    done = subprocess.run(
        [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "DATABASE_URL: wrong: " in said
    assert not any(part in said for part in ("Zwie", "bel", "fisch"))


@pytest.mark.parametrize(
    "address", ["https://u:geheim@crm", "https://geheim@crm", "https://crm/?geheim=1", "https://crm/#geheim"]
)
def test_an_address_with_credentials_is_refused_silently(address: str) -> None:
    with pytest.raises(ValueError, match=r"user or password|parameters") as caught:
        check_address(address)
    assert "geheim" not in str(caught.value)
    argv = ["webhook_ingress.register", "--espocrm-url", address, "--url", "https://i", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-m", *argv], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "geheim" not in done.stderr


@pytest.mark.parametrize("brokers", ["u:geheim@h:9092", "geheim@h:1", "h", "h:1,", "h:1 ,h:2", "SASL://h:1"])
def test_brokers_are_hosts_and_ports(brokers: str) -> None:
    with pytest.raises(ValueError, match="host:port") as caught:
        check_brokers(brokers)
    assert "geheim" not in str(caught.value)


class Crm(ServiceSettings):
    service: ClassVar[str] = "crm"
    espocrm: EspoCrmSection


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\u200b", "ü", "\t"])
@pytest.mark.parametrize("name", ["ESPOCRM_API_KEY", "ESPOCRM_HMAC_SECRET_KEY"])
def test_a_key_with_something_behind_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, end: str
) -> None:
    """Every call would fail by itself, each as a bug of ours."""
    monkeypatch.setenv("ESPOCRM_BASE_URL", "http://crm")
    monkeypatch.setenv("ESPOCRM_API_KEY", "good")
    monkeypatch.setenv(name, f"geheim{end}")
    with pytest.raises(SystemExit):
        load(Crm)
    told = capsys.readouterr().err
    assert told.startswith(f"{name}: wrong: ")
    assert "geheim" not in told


@given(st.text(max_size=20))
def test_a_key_that_is_taken_goes_into_a_header(key: str) -> None:
    try:
        check_key(key)
    except ValueError:
        return
    key.encode("ascii")
    assert not set(key) & set(" \r\n\t\0")


def test_the_repository_needs_no_other_form() -> None:
    """What we start ourselves is taken."""
    root = Path(__file__).parents[3]
    for line in (root / ".env.example").read_text().splitlines():
        name, _, value = line.lstrip("#").partition("=")
        if name in ("DATABASE_URL", "REDIS_URL") and value:
            check_url(value, (*POSTGRES, "redis"))
