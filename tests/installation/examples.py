"""Writes the examples of docs/install.md anew: `python -m tests.installation.examples`. Needs no server.

Each is what a command prints against a sandbox; addresses and keys are replaced, the middle of long lists is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from aiohttp.test_utils import TestServer

from deploy.local.table import ROOT
from kanzlei.espocrm.__main__ import main as kanzlei
from kanzlei.espocrm.api import Api, admin_login
from sandbox.espocrm.app import build
from sandbox.espocrm.settings import ADMIN_PASSWORD, ADMIN_USER_NAME, Settings
from synckit.command import run_command

PAGE = ROOT / "docs" / "install.md"
CRM, INGRESS = "https://crm.kanzlei.example", "https://sync.kanzlei.example"
SHOWN = 5
"""Lines at the beginning and at the end of a list of steps."""
_BLOCK = re.compile(r"(<!-- example: (?P<name>[a-z-]+) -->\n```text\n).*?(```\n)", re.DOTALL)


async def examples() -> dict[str, str]:
    """Name → what the command prints."""
    async with TestServer(build(Settings(profile="bare"))) as server:
        url = str(server.make_url("")).rstrip("/")
        with tempfile.TemporaryDirectory() as folder:
            env, secrets = Path(folder) / ".env", Path(folder) / "var" / "webhook-secrets.json"
            login = ["install", "--url", url, "--admin", ADMIN_USER_NAME, "--password-stdin", "--ingress-url", INGRESS]
            files = ["--env-file", str(env), "--secrets-file", str(secrets)]
            told = {"install": await _told([*login, "--yes", *files])}
            with _variables(env):
                check = ["check", "--url", url, "--ingress-url", INGRESS]
                told["check"] = await _told(check)
                await _broken(url)
                told["broken"] = await _told(check)
            return {name: _plain(text, url, folder) for name, text in told.items()}


async def _told(arguments: list[str]) -> str:
    """What it writes, errors first as on a terminal; with the administrator's password typed."""
    out, err = io.StringIO(), io.StringIO()

    def run() -> None:
        before = sys.stdin
        sys.stdin = io.StringIO(f"{ADMIN_PASSWORD}\n")
        try:
            with redirect_stdout(out), redirect_stderr(err):
                kanzlei(arguments)
        finally:
            sys.stdin = before

    await asyncio.to_thread(run)
    return err.getvalue() + out.getvalue()


@contextmanager
def _variables(env: Path) -> Iterator[None]:
    kept = dict(os.environ)
    for line in env.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ[name] = value
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


async def _broken(url: str) -> None:
    """A field is deleted, a right taken away."""
    api = Api(url, admin_login(ADMIN_USER_NAME, ADMIN_PASSWORD))
    try:
        await api.call("DELETE", "/Admin/fieldManager/CBeteiligte/zusatz")
        role = await api.first("Role", "name", "Kanzlei-Sync") or {}
        data = {**role["data"], "User": {"read": "own"}}
        await api.call("PUT", f"/Role/{role['id']}", body={"data": data})
    finally:
        await api.close()


def _plain(text: str, url: str, folder: str) -> str:
    lines = text.replace(url, CRM).replace(f"{folder}/", "").splitlines()
    steps = [number for number, line in enumerate(lines) if line.startswith("[")]
    if len(steps) > 2 * SHOWN:
        lines[steps[SHOWN] : steps[-SHOWN]] = ["…"]
    return "\n".join(lines) + "\n"


def page_with(told: dict[str, str]) -> str:
    """The page as it should be."""
    return _BLOCK.sub(lambda found: f"{found[1]}{told[found['name']]}{found[3]}", PAGE.read_text(encoding="utf-8"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.installation.examples", description=__doc__)
    parser.parse_args(arguments)
    PAGE.write_text(page_with(asyncio.run(examples())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
