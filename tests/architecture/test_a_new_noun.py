"""A new synced noun is an entry in the catalogue, its folder and its golden pair: shown in a copy of the tree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.table import ROOT

ENTRY = """    Noun(
        name="vollmachten",
        espocrm="CVollmachten",
        topic="vmh.vollmachten",
        path="vollmachten",
        parent="beteiligte",
        owner=RECORD_SYNC,
    ),
"""
ASKED = """
from beteiligte_sync.agents import TOPICS
from beteiligte_sync.commands.entities import find
from beteiligte_sync.entities.registry import REGISTRY
from kanzlei.espocrm.webhooks import wanted
from kanzlei.topics import ALL_TOPICS, EVENT_TOPICS
from ticker.domain.entities import BY_NAME
from webhook_ingress.domain.links import NOUNS
from webhook_ingress.domain.openapi import document
from webhook_ingress.domain.paths import webhook_paths
assert EVENT_TOPICS["vollmachten"] == "vmh.vollmachten" and "vmh.vollmachten" in TOPICS
assert {"vmh.vollmachten", "vmh.vollmachten.dlq"} <= ALL_TOPICS
assert [m.entity for m in REGISTRY][0] == "beteiligte" and "vollmachten" in [m.entity for m in REGISTRY]
assert find("CVollmachten").mapping.entity == "vollmachten"
assert BY_NAME["vollmachten"].parent == "beteiligte" and BY_NAME["vollmachten"].imported
assert NOUNS["CVollmachten"] == "vollmachten"
assert ("/vmh/webhook/vollmachten/delete", "vollmachten", "delete") in set(webhook_paths())
assert "/vmh/webhook/vollmachten/create" in str(document())
assert "https://x.example/vmh/webhook/vollmachten/update" in [one.url for one in wanted("https://x.example")]
"""


def test_an_entry_a_folder_and_a_pair_are_all(tmp_path: Path) -> None:
    """The folder is that of the accounts under another name, so that the laws and the pair have something to hold."""
    for name in ("libs/common/src", "services"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.dist-info"))
    catalogue = tmp_path / "libs/common/src/kanzlei/nouns.py"
    catalogue.write_text(catalogue.read_text().replace("NOUNS = (\n", f"NOUNS = (\n{ENTRY}", 1))
    service = tmp_path / "services/beteiligte-sync"
    entities, golden = service / "src/beteiligte_sync/entities", service / "tests/golden"
    shutil.copytree(entities / "bankverbindungen", entities / "vollmachten")
    shutil.copy(golden / "bankverbindungen.json", golden / "vollmachten.json")
    mapping = entities / "vollmachten/mapping.py"
    mapping.write_text(_renamed(mapping.read_text()))
    sources = [tmp_path / "libs/common/src", *sorted((tmp_path / "services").glob("*/src"))]
    (tmp_path / "asked.py").write_text(ASKED)
    for words in (
        ["asked.py"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "services/beteiligte-sync/tests/test_golden.py"],
    ):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={"PYTHONPATH": ":".join([*map(str, sources), str(service / "tests")]), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _renamed(text: str) -> str:
    own = re.sub(r"\bBANKVERBINDUNGEN\b", "VOLLMACHTEN", text)
    own = own.replace('entity="bankverbindungen"', 'entity="vollmachten"')
    return own.replace('left_type="CBankverbindungen"', 'left_type="CVollmachten"').replace(
        "entities.bankverbindungen", "entities.vollmachten"
    )
