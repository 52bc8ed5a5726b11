"""What a person sees of the demo, and the file that a machine reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape


@dataclass(frozen=True)
class Result:
    """One step that was played."""

    step: str
    ok: bool
    seconds: float
    seen: str


class Show:
    """Prints a block per step: what was done, what was seen on the other side, how long it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def say(self, text: str) -> None:
        """A line between the steps."""
        self._console.print(f"[dim]{escape(text)}[/dim]", highlight=False, soft_wrap=True)

    @contextmanager
    def playing(self, number: int, sentence: str) -> Iterator[None]:
        """Show that the step runs."""
        with self._console.status(f"{number:>2}  {escape(sentence)}"):
            yield

    def played(self, number: int, result: Result) -> None:
        """Show how it ended."""
        mark = "[green]ok  [/green]" if result.ok else "[bold red]FAIL[/bold red]"
        self._console.print(f"{mark} {number:>2}  {escape(result.step)}", highlight=False, soft_wrap=True)
        style = "cyan" if result.ok else "red"
        seen = f"[{style}]{escape(result.seen)}[/{style}]"
        self._console.print(f"         {seen} [dim]({result.seconds:.1f} s)[/dim]", highlight=False, soft_wrap=True)

    def summary(self, results: list[Result], seconds: float) -> None:
        """The last line."""
        good = sum(result.ok for result in results)
        style = "green" if good == len(results) else "bold red"
        text = f"{good} of {len(results)} steps ok, {seconds:.0f} s in all"
        self._console.print(f"[{style}]{text}[/{style}]", highlight=False)


def write_results(path: Path, results: list[Result]) -> str:
    """Write the file, answer its text."""
    text = json.dumps([asdict(result) for result in results], indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return text
