"""docs/adding-a-service.md, done by a stranger: the tree copied, its entries added, ticketing run on the real stack."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import site
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.local.table import ROOT
from deploy.local.waiting import LONG, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1800)]
PAGE = ROOT / "docs" / "adding-a-service.md"
LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis", "mutants*")
ENTRY = re.compile(
    r"`(?P<file>[\w./-]+)`, (?P<how>after|before|at its end|a new file)(?: `(?P<anchor>[^`]+)`)?:\n\n"
    r"```\w*\n(?P<text>.*?)```",
    flags=re.DOTALL,
)
MOST_LINES = 400


def test_the_example_has_at_most_400_lines() -> None:
    files = (ROOT / "examples" / "ticketing" / "src").rglob("*.py")
    assert sum(len(file.read_text().splitlines()) for file in files) <= MOST_LINES


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with what the page says, and an environment in which the copy's packages are imported, not ours."""
    copy = tmp_path_factory.mktemp("stranger") / "tree"
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
    (copy / "examples" / "ticketing").rename(copy / "services" / "ticketing")
    entries = list(ENTRY.finditer(PAGE.read_text()))
    assert {entry["file"] for entry in entries} == {
        "libs/common/src/kanzlei/nouns.py",
        "deploy/kafka/topics.yaml",
        "requirements/ticketing.in",
        "deploy/local/table.py",
        "docker-compose.yml",
        ".env.example",
    }
    for entry in entries:
        add(copy / entry["file"], entry["how"], entry["anchor"], entry["text"])
    # `make lock` needs a network. All that ticketing imports is pinned for the worker, at the same versions.
    shutil.copy(copy / "requirements" / "beteiligte-sync.txt", copy / "requirements" / "ticketing.txt")
    make_environment(copy)
    return copy


def add(file: Path, how: str, anchor: str | None, text: str) -> None:
    old = file.read_text() if file.exists() else ""
    if how in ("at its end", "a new file"):
        assert (how == "a new file") is not file.exists()
        file.write_text(old + text)
        return
    assert anchor is not None
    lines = old.splitlines(keepends=True)
    [place] = [number for number, line in enumerate(lines) if line.rstrip() == anchor or line.startswith(anchor + " ")]
    lines.insert(place + (how == "after"), text)
    file.write_text("".join(lines))


def make_environment(copy: Path) -> None:
    """As `make bootstrap` makes it, but that the packages of others are those that are here already."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", copy / ".venv"], check=True)
    [packages] = (copy / ".venv" / "lib").glob("python*/site-packages")
    own = [copy / "libs" / "common" / "src", *sorted(copy.glob("services/*/src"))]
    (packages / "a_tree.pth").write_text("".join(f"{path}\n" for path in (*own, *site.getsitepackages())))


def run(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """In the copy, with its Python."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    argv = [str(tree / ".venv" / "bin" / "python"), "-m", *words]
    return subprocess.run(argv, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=LONG)


def test_what_holds_services_together_agrees(tree: Path) -> None:
    """Compose, image, pins, local stack, README and settings; sizes and names; the service's own tests."""
    checked = ("test_deployment_agrees", "test_images_have_what_they_import", "test_shape", "test_log_keys")
    files = [f"tests/architecture/{name}.py" for name in checked]
    own = "tests/architecture/test_docs_are_true.py::test_a_services_page_has_its_settings_as_they_are"
    done = run(tree, "pytest", "-q", "-p", "no:cacheprovider", "services/ticketing/tests", *files, own)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "no tests ran" not in done.stdout


@pytest.fixture(scope="module")
def stack(tree: Path) -> Iterator[dict[str, Any]]:
    try:
        up = run(tree, "deploy.local.stack", "up")
        assert up.returncode == 0, up.stdout + up.stderr
        yield json.loads((tree / "var" / "stack.json").read_text())
    finally:
        down = run(tree, "deploy.local.stack", "down")
    assert down.returncode == 0, down.stdout + down.stderr


def ask(url: str, body: dict[str, Any] | None = None, method: str = "GET") -> Any:
    sent = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=sent, method=method)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=LONG) as answer:  # noqa: S310
        text = answer.read().decode()
    return json.loads(text) if answer.headers.get_content_type() == "application/json" else text


def test_ticketing_runs_on_the_real_stack(stack: dict[str, Any]) -> None:
    """HTTP to Kafka to the worker to PostgreSQL and back; one in time, and one whose time passes."""
    url = stack["services"]["ticketing"]["url"]
    quick, late = (ask(f"{url}/tickets", {"title": title}, "POST")["id"] for title in ("Drucker", "Telefon"))

    def history(ticket: str) -> list[tuple[str, str]]:
        told = ask(f"{url}/explain/ticket/{ticket}")
        return [(told["state"], entry["reason"]) for entry in told["history"]]

    for action in ("triage", "triage", "notify"):
        ask(f"{url}/tickets/{quick}/{action}", method="POST")
    wait_until(lambda: len(history(quick)) == 2, "triage and notice")
    assert history(quick) == [("triaged", "Gesichtet"), ("triaged", "Bearbeiter benachrichtigt")]

    asyncio.run(past_due(stack["database_url"], late))
    wait_until(lambda: bool(history(late)), "the timer's escalation")
    [(state, reason)] = history(late)
    assert state == "escalated"
    assert reason.startswith("Nicht gesichtet bis ")
    assert [each["id"] for each in ask(f"{url}/tickets?state=escalated")["list"]] == [late]
    assert "ticketing_opened_total 2.0" in ask(f"{url}/metrics")


async def past_due(dsn: str, ticket: str) -> None:
    """A day passes."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("UPDATE ticketing.ticket SET due_at = now() - interval '1 day' WHERE id = $1", ticket)
    finally:
        await connection.close()
