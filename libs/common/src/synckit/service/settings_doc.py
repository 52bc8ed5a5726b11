"""Prints what a service reads from the environment: `python -m synckit.service.settings_doc ticker.settings:Settings`.

`--format table` is the table of the service's README, `--format env` its part of an .env.example.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from synckit.command import run_command
from synckit.service.settings import ServiceSettings, section_types


class Variable(NamedTuple):
    """One variable; `default` is its text, or None where it must be set."""

    name: str
    default: str | None
    description: str
    secret: bool


def variables(settings_class: type[ServiceSettings]) -> Iterator[Variable]:
    """Every variable of a service, section by section."""
    for section, model in section_types(settings_class).items():
        for name, field in model.model_fields.items():
            yield Variable(
                f"{section}_{name}".upper(),
                None if field.is_required() else _text(field.get_default(call_default_factory=True)),
                field.description or "",
                _is_secret(field),
            )


def table(settings_class: type[ServiceSettings]) -> str:
    """Markdown, as the service's README has it."""
    lines = ["| variable | default | what |", "|---|---|---|"]
    for one in variables(settings_class):
        default = "must be set" if one.default is None else f"`{one.default}`" if one.default else "–"
        lines.append(f"| `{one.name}` | {default} | {one.description}{' Secret.' if one.secret else ''} |")
    return "\n".join(lines) + "\n"


def env_example(settings_class: type[ServiceSettings]) -> str:
    """Lines of an .env.example: what must be set is open, what has a default is a comment."""
    lines = []
    for one in variables(settings_class):
        lines += [f"# {one.description}", f"{one.name}=" if one.default is None else f"# {one.name}={one.default}"]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    if value is None or isinstance(value, SecretStr):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m synckit.service.settings_doc", description=__doc__)
    parser.add_argument("settings", help="module:Class, e.g. ticker.settings:Settings")
    parser.add_argument("--format", choices=("table", "env"), default="table")
    chosen = parser.parse_args(arguments)
    module, _, name = chosen.settings.partition(":")
    settings_class = getattr(importlib.import_module(module), name or "Settings")
    sys.stdout.write((table if chosen.format == "table" else env_example)(settings_class))
    return 0


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
