"""Sends a recording of a real EspoCRM to the sandbox and tells where the answers differ.

`python -m sandbox.replay --base-url URL FILE…`: a line for each difference and a summary; exit 0 without any, else 1.
What stood before an exchange is in the recording (`given`); nothing is guessed. The sandbox is emptied afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.command import run_command
from sandbox.replay_compare import Comparison, Ids
from sandbox.replay_recording import Exchange, load
from sandbox.replay_wire import Wire

SERVER_ERROR = 500


@dataclass
class Outcome:
    """What one exchange gave."""

    line: int
    name: str
    request: str
    differences: list[str] = field(default_factory=list)


@dataclass
class Result:
    """All of a recording."""

    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def differing(self) -> list[Outcome]:
        """The exchanges that are not as recorded."""
        return [each for each in self.outcomes if each.differences]


class Player:
    """Brings the sandbox into the state that each exchange names, sends it, compares the answer."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.ids = Ids()

    def play(self, exchange: Exchange) -> Outcome:
        """One exchange."""
        self._give(exchange.given)
        path = self.ids.translate(exchange.path)
        body = self.ids.translate(exchange.body).encode() if exchange.body else None
        if body is not None and exchange.status == SERVER_ERROR:
            body = body.replace("\ufffd".encode(), b"\xff")
        reply = self.wire.send(exchange.method, path, exchange.headers, body)
        differences = Comparison(self.ids).compare(exchange, reply)
        return Outcome(exchange.line, exchange.name, f"{exchange.method} {exchange.path[:120]}", differences)

    def _give(self, given: dict[str, Any]) -> None:
        """Apply what stood before; `reset` first, failed logins are forgotten unless they are given."""
        if "reset" in given:
            self.wire.control("POST", "reset", given["reset"])
            self.ids = Ids()
        for login, patch in given.get("users", {}).items():
            self._give_user(login, patch)
        if "metadata" in given:
            self.wire.control("POST", "metadata", given["metadata"])
        self.wire.control("POST", "clock", {"now": given.get("clock")})
        for entity, rows in given.get("records", {}).items():
            for row in rows:
                self._bind(row["id"])
            self.wire.control("POST", "state", {entity: self._translated(rows)})
        for entity, ids in given.get("deleted", {}).items():
            for each in ids:
                self.wire.control("DELETE", f"state/{entity}/{self.ids.translate(each)}")
        self.wire.control("POST", "failed-logins", {"count": given.get("failed_logins", 0)})

    def _give_user(self, login: str, patch: dict[str, Any] | None) -> None:
        """Change a login; null: there is none."""
        if patch is None:
            self.wire.control("DELETE", f"users/{login}")
            return
        self._bind(patch.get("id"))
        self.wire.control("POST", f"users/{login}", self._translated(patch))

    def _bind(self, record_id: str | None) -> None:
        """A record that is given keeps its recorded id, unless the sandbox has made it under another."""
        if record_id is not None and not self.ids.known(record_id):
            self.ids.bind(record_id, record_id)

    def _translated(self, value: Any) -> Any:
        return json.loads(self.ids.translate(json.dumps(value)))


def replay(base_url: str, *paths: Path) -> Result:
    """Replay files; raises ValueError for a bad one, OSError where the sandbox is not there."""
    recordings = [load(path) for path in paths]
    wire = Wire(base_url)
    result = Result()
    try:
        settings = wire.control("GET", "settings")
        try:
            for exchanges in recordings:
                player = Player(wire)
                result.outcomes += [player.play(each) for each in exchanges]
        finally:
            wire.control("POST", "reset", settings)
    finally:
        wire.close()
    return result


def report(result: Result, *, as_json: bool) -> str:
    """The text that is printed."""
    if as_json:
        summary = {"exchanges": len(result.outcomes), "differing": len(result.differing)}
        differing = [asdict(each) for each in result.differing]
        return json.dumps({**summary, "differences": differing}, ensure_ascii=False, indent=1)
    lines = [f"line {each.line} {each.name}: {text}" for each in result.differing for text in each.differences]
    lines.append(f"{len(result.outcomes)} exchanges, {len(result.differing)} differ")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.replay", description=__doc__)
    parser.add_argument("--base-url", required=True, help="of a running sandbox EspoCRM, with or without /api/v1")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("file", type=Path, nargs="+")
    given = parser.parse_args(arguments)
    try:
        result = replay(given.base_url, *given.file)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"replay: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(report(result, as_json=given.json))  # noqa: T201
    return 1 if result.differing else 0


if __name__ == "__main__":
    run_command(main)
