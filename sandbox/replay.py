"""Sends a recording of a real EspoCRM to the sandbox and tells where the answers differ.

`python -m sandbox.replay --base-url URL FILE`: a line for each difference and a summary; exit 0 without any, else 1.
The sandbox is emptied before and after; its control API brings it into the state that the recording started from.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sandbox.command import run_command
from sandbox.replay_actors import API, OFFICE, Cast
from sandbox.replay_align import Aligner
from sandbox.replay_compare import Comparison, Ids
from sandbox.replay_evidence import Evidence
from sandbox.replay_fill import Filler
from sandbox.replay_recording import Exchange, by_version, load, rows_of
from sandbox.replay_shapes import Shapes, learn
from sandbox.replay_wire import Reply, Wire

SERVER_ERROR = 500
FORBIDDEN = 403
ATTEMPTS = 6
GUESSES = 20


@dataclass
class Outcome:
    """What one exchange gave. `aligned`: it came right only after unseen changes of the state were made up for."""

    line: int
    name: str
    request: str
    differences: list[str] = field(default_factory=list)
    aligned: bool = False


@dataclass
class Result:
    """All of a recording."""

    outcomes: list[Outcome] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)

    @property
    def differing(self) -> list[Outcome]:
        """The exchanges that are not as recorded."""
        return [each for each in self.outcomes if each.differences]


class Installation:
    """Replays the exchanges of one EspoCRM version, one after another."""

    def __init__(self, wire: Wire, version: str, exchanges: list[Exchange]) -> None:
        self.wire = wire
        self.exchanges = exchanges
        wire.control("POST", "reset", {"profile": "recording", "version": version, "webhooks_enabled": False})
        self.learned = learn(exchanges, Shapes(wire.control("GET", "metadata")))
        if self.learned:
            wire.control("POST", "metadata", self.learned)
        self.shapes = Shapes(wire.control("GET", "metadata"))
        self.evidence = Evidence(exchanges, self.shapes)
        self.cast = Cast(exchanges)
        self.ids = Ids()
        self.aligner = Aligner(wire, self.shapes, self.evidence, self.cast, self.ids)
        for login, patch in self.cast.patches.items():
            wire.control("POST", f"users/{login}", patch)
            self.ids.bind(patch["id"], patch["id"])

    def run(self) -> list[Outcome]:
        """All exchanges in order."""
        return [self._exchange(index, exchange) for index, exchange in enumerate(self.exchanges)]

    def _exchange(self, index: int, exchange: Exchange) -> Outcome:
        self._prepare(index, exchange)
        outcome = Outcome(exchange.line, exchange.name, f"{exchange.method} {exchange.path[:120]}")
        for attempt in range(ATTEMPTS):
            snapshot = self.wire.control("POST", "snapshots")["snapshot"]
            ids = self.ids.copy()
            reply = self._send(exchange)
            comparison = Comparison(ids)
            outcome.differences = comparison.compare(exchange, reply)
            filled = self._fill(index, exchange, reply)
            if filled is not None:
                ids = self.ids.copy()
                outcome.differences = Comparison(ids).compare(exchange, filled)
                self._restore(snapshot, keep=True)
            outcome.aligned = attempt > 0
            if not outcome.differences:
                break
            self._restore(snapshot, keep=True)
            if not self.aligner.align(index, exchange, reply, outcome.differences) or attempt == ATTEMPTS - 1:
                self._restore(snapshot, keep=True)
                self._send(exchange)
                break
            self._forget(snapshot)
        self._forget(snapshot)
        self._take_ids(ids)
        return outcome

    def _take_ids(self, ids: Ids) -> None:
        self.ids = ids
        self.aligner.ids = ids

    def _restore(self, snapshot: int, *, keep: bool) -> None:
        self.wire.control("POST", f"snapshots/{snapshot}", {"keep": keep})

    def _forget(self, snapshot: int) -> None:
        self.wire.control("DELETE", f"snapshots/{snapshot}")

    def _prepare(self, index: int, exchange: Exchange) -> None:
        """Time, records that exist by now, optimistic concurrency, and whether guessing has gone too far."""
        clock = self.evidence.clocks[index]
        self.wire.control("POST", "clock", {"now": clock})
        self._set_concurrency_control(exchange)
        for seed in self.evidence.take_due(index):
            self.aligner.seed(seed.entity, [{**self._owner(seed.entity), **seed.row}])
        self.wire.control("DELETE", "failed-logins")
        if exchange.status == FORBIDDEN and exchange.answer_headers.get("content-type", "").startswith("text/html"):
            self._guess_until_blocked()

    def _owner(self, entity: str) -> dict[str, Any]:
        """Webhooks, notifications and attachments are seen by their owners only."""
        api, office = self.cast.id_of(API), self.cast.id_of(OFFICE)
        owners = {"Webhook": {"userId": api}, "Attachment": {"createdById": api}, "Notification": {"userId": office}}
        return owners.get(entity, {})

    def _set_concurrency_control(self, exchange: Exchange) -> None:
        """Records that show a versionNumber come from an entity type with optimistic concurrency control."""
        entity = self.shapes.entity_of_rows(exchange)
        rows = [row for row in rows_of(exchange) if "createdAt" in row and "deleted" in row]
        if entity is None or not (rows or exchange.reason == "modified") or not self.shapes.known(entity):
            return
        wanted = exchange.reason == "modified" or any("versionNumber" in row for row in rows)
        self.wire.control("POST", "metadata", {entity: {"optimisticConcurrencyControl": wanted}})

    def _guess_until_blocked(self) -> None:
        headers = {"x-api-key": "f" * 32}
        for _ in range(GUESSES):
            if self.wire.send("GET", "/api/v1/App/user", headers, None).status == FORBIDDEN:
                return

    def _send(self, exchange: Exchange) -> Reply:
        path = self.ids.translate(exchange.path)
        body = self.ids.translate(exchange.body).encode() if exchange.body else None
        if body is not None and exchange.status == SERVER_ERROR:
            body = body.replace("\ufffd".encode(), b"\xff")
        return self.wire.send(exchange.method, path, self.cast.headers(exchange), body)

    def _fill(self, index: int, exchange: Exchange, reply: Reply) -> Reply | None:
        """The answer once those rows are there that only the recorded total tells of; None where none miss."""
        entity = self.shapes.entity_of_rows(exchange)
        if exchange.method != "GET" or entity is None or not exchange.is_ok:
            return None
        filler = Filler(self.wire, self.ids, self.evidence.clocks[index])
        if not filler.fill(entity, exchange, self.cast.headers(exchange), reply):
            return None
        return self._send(exchange)


def replay(base_url: str, path: Path) -> Result:
    """Replay a file; raises ValueError for a bad one, OSError where the sandbox is not there."""
    exchanges = load(path)
    wire = Wire(base_url)
    result = Result()
    try:
        settings = wire.control("GET", "settings")
        try:
            for version, group in by_version(exchanges).items():
                installation = Installation(wire, version, group)
                result.learned += [
                    f"{name}.{each}" for name, patch in installation.learned.items() for each in patch["fields"]
                ]
                result.outcomes += installation.run()
        finally:
            wire.control("POST", "reset", settings)
    finally:
        wire.close()
    result.outcomes.sort(key=lambda each: each.line)
    return result


def report(result: Result, *, as_json: bool) -> str:
    """The text that is printed."""
    aligned = sum(each.aligned for each in result.outcomes)
    if as_json:
        summary = {"exchanges": len(result.outcomes), "differing": len(result.differing), "aligned": aligned}
        differing = [asdict(each) for each in result.differing]
        return json.dumps(
            {**summary, "learned": result.learned, "differences": differing}, ensure_ascii=False, indent=1
        )
    lines = [f"line {each.line} {each.name}: {text}" for each in result.differing for text in each.differences]
    lines.append(
        f"{len(result.outcomes)} exchanges, {len(result.differing)} differ; "
        f"{aligned} after changes that the recording does not show, {len(result.learned)} fields learned from it"
    )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.replay", description=__doc__)
    parser.add_argument("--base-url", required=True, help="of a running sandbox EspoCRM, with or without /api/v1")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    try:
        result = replay(given.base_url, given.file)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"replay: {error}", file=sys.stderr)  # noqa: T201
        return 2
    print(report(result, as_json=given.json))  # noqa: T201
    return 1 if result.differing else 0


if __name__ == "__main__":
    run_command(main)
