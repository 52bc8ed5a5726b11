"""Tools that only a check needs, each set in an environment of its own, so that ours stays as it is pinned."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[1] / "var" / "tools"
INSTALL_SECONDS = 600.0


class ToolMissing(Exception):
    """A tool is not there and can't be had; the text names it and says why."""


def environment_of(pins: Path, name: str) -> Path:
    """The folder with the commands of the hashed packages in `pins`; made once, mended where the pins have changed.

    ToolMissing where no package index answers.
    """
    commands = TOOLS / name / "bin"
    if not (commands / "python").exists():
        venv.create(TOOLS / name, with_pip=True)
    pip = [
        str(commands / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    try:
        # Words of ours and paths of this checkout; no shell reads them.
        done = subprocess.run(  # noqa: S603
            [*pip, "-r", str(pins)], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ToolMissing(f"{name}: the package index does not answer") from None
    if done.returncode:
        raise ToolMissing(f"{name} can't be installed:\n{done.stderr.strip()}")
    return commands
