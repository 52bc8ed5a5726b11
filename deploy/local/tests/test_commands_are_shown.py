"""A test that fails shows what its commands said, whatever way it started them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
WAYS = {
    "run": "def test_it():\n    assert subprocess.run(SAY, capture_output=True, text=True).returncode == 0\n",
    "check": "def test_it():\n    subprocess.run(SAY, capture_output=True, text=True, check=True)\n",
    "output": "def test_it():\n    subprocess.check_output(SAY, stderr=subprocess.STDOUT)\n",
    "asyncio": (
        "def test_it():\n    async def it():\n"
        "        process = await asyncio.create_subprocess_exec(*SAY, stdout=-1, stderr=-1)\n"
        "        await process.communicate()\n        return process.returncode\n"
        "    assert asyncio.run(it()) == 0\n"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_shows_what_was_said(tmp_path: Path, way: str) -> None:
    say = [sys.executable, "-c", "import sys; print('Zwiebel'); print('fisch', file=sys.stderr); sys.exit(4)"]
    (tmp_path / "test_one.py").write_text(f"import asyncio, subprocess\nSAY = {say!r}\n{WAYS[way]}")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "deploy.local.pytest_commands",
            "-p",
            "no:cacheprovider",
            "test_one.py",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    _, _, shown = done.stdout.partition("What its commands said")
    assert "exit status 4" in shown
    assert "Zwiebel" in shown
    assert "fisch" in shown
