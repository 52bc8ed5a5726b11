"""A report on a terminal (rich tables) or piped (plain text), 100 columns at most."""

from __future__ import annotations

import io
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from recordsync.explain.report import Report, Section

WIDTH = 100
INDENT = 2
_RATIOS = {4: (2, 3, 3, 4), 3: (2, 3, 5), 5: (3, 5, 2, 2, 4)}


def show(report: Report, out: TextIO) -> None:
    """Colour and frames only where `out` is a terminal."""
    if out.isatty():
        console = Console(file=out, highlight=False)
        console.width = min(WIDTH, console.width)
        _print(report, console, is_plain=False)
    else:
        out.write(plain(report))


def plain(report: Report) -> str:
    """As text, without trailing blanks."""
    buffer = io.StringIO()
    _print(report, Console(file=buffer, width=WIDTH, color_system=None, highlight=False), is_plain=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _print(report: Report, console: Console, *, is_plain: bool) -> None:
    console.print(Text(report.title, style="bold"))
    for line in report.summary:
        console.print(_item(line, "yellow"))
    for missing in report.missing:
        console.print(_item(f"Nicht zu sehen: {missing}", "red"))
    for section in report.sections:
        _section(section, console, is_plain=is_plain)


def _section(section: Section, console: Console, *, is_plain: bool) -> None:
    console.print()
    console.print(Text(section.title, style="bold cyan"))
    for line in section.lines:
        console.print(_item(line))
    if section.rows:
        console.print(Padding(_table(section, is_plain=is_plain), (0, 0, 0, INDENT)))
    for line in section.foot:
        console.print(_item(line, "dim"))


def _item(line: str, style: str = "") -> Padding:
    """Text objects, never markup: a value may hold square brackets."""
    return Padding(Text(line, style=style), (0, 0, 0, INDENT))


def _table(section: Section, *, is_plain: bool) -> Table:
    style = {"box": None, "pad_edge": False} if is_plain else {"box": box.ROUNDED}
    table = Table(expand=not is_plain, header_style="" if is_plain else "bold", padding=(0, 1), **style)
    ratios = _RATIOS.get(len(section.head), (1,) * len(section.head))
    for head, ratio in zip(section.head, ratios, strict=True):
        table.add_column(Text(head), ratio=None if is_plain else ratio, overflow="fold")
    for row in section.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
