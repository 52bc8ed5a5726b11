"""How the stack's EspoCRM came to what it has: bare, then set up by the command that an office's IT uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

API_KEY = "ESPOCRM_API_KEY"


@dataclass(frozen=True)
class Installation:
    """One run of `python -m kanzlei.espocrm install` in one stack; `seconds` is all of it, start included."""

    steps: int
    webhooks: int
    seconds: float
    env_file: str

    @classmethod
    def of(cls, report: str, seconds: float, env_file: Path) -> Self:
        """From what the command says with --json."""
        told: Mapping[str, Any] = json.loads(report)
        return cls(int(told["done"]), len(told["webhooks"]["created"]), round(seconds, 1), str(env_file))

    @property
    def sentence(self) -> str:
        return f"EspoCRM was bare: {self.steps} steps and {self.webhooks} webhooks in {self.seconds:.1f} s"

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def read_installation(path: Path) -> Installation | None:
    """None where nothing was installed yet."""
    return Installation(**json.loads(path.read_text())) if path.exists() else None


def api_key(env_file: Path) -> str:
    """What the installation wrote for our services; empty before."""
    lines = env_file.read_text().splitlines() if env_file.exists() else []
    return next((line.removeprefix(f"{API_KEY}=") for line in lines if line.startswith(f"{API_KEY}=")), "")
