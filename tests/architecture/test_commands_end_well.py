"""Every command of ours ends by `run_command`: quietly without a reader, with 70 for a bug. None can be forgotten."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synckit.command import BUG, INTERRUPTED, READER_GONE

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("libs", "services", "sandbox", "deploy", "demo", "benchmarks", "tests")
PARTS = {
    "deploy/local/guardian.py": "watches over a stack, has no output",
    "benchmarks/profiled.py": "runs another module as its main",
    "benchmarks/baselines/plain_agent.py": "what is compared with: not ours",
    "benchmarks/baselines/reverse_proxy.py": "what is compared with: not ours",
    "tests/chaos/unsafe_worker.py": "a worker that chaos starts; it runs the worker's own main",
    "tests/chaos/relay.py": "an address that chaos starts",
    "tests/chaos/skewed.py": "a service that chaos starts; it runs the service's own main",
    "tests/integration/worker_program.py": "a process of a test",
    "tests/e2e/buggy_program.py": "a process of a test",
}
"""Processes that nobody calls by hand, each with its reason."""
NO_HELP = {
    "deploy/local/kafka_tool.py",
    "deploy/local/kafka_jars.py",
    "benchmarks/consumers.py",
    "tests/chaos/attackers.py",
    "tests/chaos/webhooks.py",
    "tests/why_examples.py",
}
"""Commands that do at once what they are for."""


def _mains() -> dict[str, ast.If]:
    """Every file with a part that runs when it is started → that part."""
    found = {}
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
                    found[str(path.relative_to(ROOT))] = node
    return found


MAINS = _mains()
COMMANDS = sorted(set(MAINS) - set(PARTS))


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def _module(file: str) -> str:
    parts = file.removesuffix(".py").split("/")
    if "src" in parts:
        parts = parts[parts.index("src") + 1 :]
    return ".".join(parts).removesuffix(".__main__")


def _without_a_reader(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Its output goes into a pipe that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            argv, env=_environment(), cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)


def _python(code: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", f"from synckit.command import run_command\n{code}"]
    return subprocess.run(argv, env=_environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("file", COMMANDS)
def test_a_command_ends_by_the_one_way(file: str) -> None:
    (only,) = MAINS[file].body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Call)
    assert ast.unparse(only.value.func) == "run_command"


def test_what_is_no_command_exists() -> None:
    assert set(PARTS) <= set(MAINS)
    assert set(COMMANDS) >= NO_HELP


@pytest.mark.parametrize("file", sorted(set(COMMANDS) - NO_HELP))
def test_a_command_whose_reader_went_says_nothing(file: str) -> None:
    done = _without_a_reader([sys.executable, "-m", _module(file), "--help"])
    assert (done.returncode, done.stderr) == (READER_GONE, "")


def test_much_output_without_a_reader_ends_quietly() -> None:
    """More than a pipe holds, so that it breaks in the middle and not at the end."""
    code = "def main():\n    for n in range(100_000): print(n)\nrun_command(main)"
    done = _without_a_reader([sys.executable, "-c", f"from synckit.command import run_command\n{code}"])
    assert (done.returncode, done.stderr) == (READER_GONE, "")


def test_a_crash_is_told_without_its_text() -> None:
    done = _python("def main():\n    raise ValueError('Zwiebelfisch') from KeyError('geheim')\nrun_command(main)")
    assert done.returncode == BUG, done.stderr
    assert "ValueError" in done.stderr
    assert "KeyError" in done.stderr
    assert "in main" in done.stderr
    assert "Zwiebelfisch" not in done.stderr + done.stdout
    assert "geheim" not in done.stderr + done.stdout


def test_a_broken_connection_is_no_missing_reader() -> None:
    done = _python("def main():\n    raise BrokenPipeError\nrun_command(main)")
    assert done.returncode == BUG, done.stderr


@pytest.mark.parametrize(
    ("code", "status"), [("return None", 0), ("return 3", 3), ("raise SystemExit(2)", 2), ("raise SystemExit", 0)]
)
def test_its_own_status_passes(code: str, status: int) -> None:
    done = _python(f"def main():\n    {code}\nrun_command(main)")
    assert (done.returncode, done.stderr) == (status, "")


def test_an_interrupt_is_quiet() -> None:
    done = _python("def main():\n    raise KeyboardInterrupt\nrun_command(main)")
    assert (done.returncode, done.stderr) == (INTERRUPTED, "")


def test_a_closed_output_is_no_crash() -> None:
    argv = ["/bin/sh", "-c", 'exec "$0" -m synckit.service.settings_doc ticker.settings:Settings >&-', sys.executable]
    done = subprocess.run(argv, env=_environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
