"""Runs a script of several statements: the driver prepares each one, and a prepared statement holds one command."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy
from alembic import op


def execute(script: str) -> None:
    """Every statement of the script, in order, online or printed."""
    for statement in statements(script):
        op.execute(sqlalchemy.text(statement.replace(":", r"\:")))


def statements(script: str) -> Iterator[str]:
    """A statement ends with a line that ends with a semicolon outside of a `$$` body."""
    lines: list[str] = []
    in_body = False
    for line in script.strip().splitlines():
        lines.append(line)
        in_body ^= line.count("$$") % 2 == 1
        if not in_body and line.rstrip().endswith(";"):
            yield "\n".join(lines).strip().removesuffix(";")
            lines.clear()
    if any(line.strip() for line in lines):
        raise ValueError("the script ends inside a statement")
