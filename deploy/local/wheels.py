"""Where the wheels that ship the servers are installed; found without importing them, as their imports do far more."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from deploy.local.supervisor import StackError


def package_folder(package: str) -> Path:
    """Folder of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StackError(f"{package} is not installed: use the virtual environment that `make` builds")
    return Path(spec.origin).parent
