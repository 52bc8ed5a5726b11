"""`make openapi`: writes each service's description to `services/<name>/openapi.yaml`, from what the service serves.

A test holds the files to the descriptions, and each service's own tests hold its description to its routes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.local.table import ROOT
from synckit.command import run_command

HEAD = "# Made by `make openapi`. The service serves the same at /openapi.json; tests hold it to the routes.\n"


def descriptions() -> Mapping[Path, Mapping[str, Any]]:
    """The file of each service that has HTTP of its own → its description."""
    modules = sorted((ROOT / "services").glob("*/src/*/domain/openapi.py"))
    return {path.parents[3] / "openapi.yaml": _document(path.parents[1].name) for path in modules}


def text_of(document: Mapping[str, Any]) -> str:
    """The file's content."""
    return HEAD + yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def main() -> int:
    for path, document in descriptions().items():
        path.write_text(text_of(document), encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return 0


def _document(package: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = importlib.import_module(f"{package}.domain.openapi").document()
    return document


class _Plain(yaml.SafeDumper):
    """Without anchors: a value that two places share is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


if __name__ == "__main__":
    run_command(main)
