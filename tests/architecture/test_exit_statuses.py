"""Every command says in `--help` how it ends, a server that is away is 3 in all of them, a bug 70."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from deploy.local.table import SERVICES

COMMANDS = (
    "synckit.kafka",
    "synckit.postgres",
    "synckit.postgres.migrate",
    "beteiligte_sync.explain",
    "beteiligte_sync.brake",
    "webhook_ingress.register",
    "kanzlei.espocrm",
    "advoware_proxy.keys",
    "kanzlei.keys",
    "kanzlei.deadletters",
    "kanzlei.espocrm",
)


def help_of(module: str) -> str:
    environment = {"PATH": os.environ["PATH"], "COLUMNS": "120"}
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], env=environment, capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("module", [*COMMANDS, *(service.module for service in SERVICES)])
def test_help_needs_no_settings_and_says_how_it_ends(module: str) -> None:
    assert re.search(r"[Ee]xit status: 0 .*2 wrong (call|usage)", help_of(module))


@pytest.mark.parametrize("module", [*COMMANDS, *(service.module for service in SERVICES)])
def test_a_bug_is_seventy(module: str) -> None:
    assert re.search(r"\b70 a bug of ours", help_of(module))


@pytest.mark.parametrize("module", [*COMMANDS, "ticker"])
def test_a_server_that_is_away_is_three(module: str) -> None:
    assert re.search(r"\b3 [^;]*(is away|no broker answers)", help_of(module))
