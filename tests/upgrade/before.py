"""The version of before: its files from git, an environment and a stack of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import psutil

from deploy.local.addresses import Addresses
from deploy.local.table import ROOT
from deploy.local.waiting import LONG

REVISION = "c59d009"
"""The last state before schemas of several owners."""


class NoHistory(Exception):
    """The clone does not reach back so far; the text says it."""


class Before:
    """In `folder`, which is kept: a second run needs no download."""

    def __init__(self, folder: Path, revision: str = REVISION) -> None:
        self.folder = folder / "before"
        self._revision = revision
        self._state = folder / "state"
        self._environment = {**os.environ, "PYTHONPATH": str(self.folder)}

    def build(self) -> None:
        """Files and environment. NoHistory where git does not have them."""
        asked = ["git", "cat-file", "-e", f"{self._revision}^{{commit}}"]
        if subprocess.run(asked, cwd=ROOT, check=False, capture_output=True).returncode:
            raise NoHistory(f"{self._revision} is not in this clone, whose history is shallow")
        if not (self.folder / "Makefile").exists():
            self.folder.mkdir(parents=True)
            files = subprocess.run(["git", "archive", self._revision], cwd=ROOT, check=True, capture_output=True)
            subprocess.run(["tar", "-x"], cwd=self.folder, check=True, input=files.stdout)
        subprocess.run(["make", "bootstrap"], cwd=self.folder, check=True)

    def up(self) -> Addresses:
        """All of it: servers, sandboxes, services of before."""
        self._stack("up")
        told = json.loads((self._state / "stack.json").read_text())
        return Addresses(
            kafka=told["kafka"],
            database_url=told["database_url"],
            redis_url=told["redis_url"],
            espocrm_url=told["sandbox"]["espocrm"]["url"],
            espocrm_api_key=told["sandbox"]["espocrm"]["api_key"],
            advoware_url=told["sandbox"]["advoware"]["url"],
            services={name: each["url"] for name, each in told["services"].items()},
        )

    def down(self) -> None:
        self._stack("down")

    def end(self, *names: str) -> None:
        """These services alone, as a deployment ends them."""
        for line in json.loads(self._stack("status", "--json")):
            if line["name"] in names:
                process = psutil.Process(line["pid"])
                process.terminate()
                process.wait(LONG)

    def run(self, module: str, *words: str, **environment: str) -> str:
        """A command of before; its output."""
        command = [str(self.folder / ".venv/bin/python"), "-m", module, *words]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self._environment, **environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def _stack(self, *words: str) -> str:
        return self.run("deploy.local.stack", "--state-dir", str(self._state), *words)
