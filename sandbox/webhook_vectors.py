"""Posts the webhook requests that a real EspoCRM sent to a running ingress, each as it was and with one byte changed.

`python -m sandbox.webhook_vectors --url http://host:port [FILE]`: exit 0 when all are accepted as they were and none
as changed. The path follows from the event (CBeteiligte.update → /vmh/webhook/beteiligte/update), or is `--path`.
The ingress must know the keys: `--secrets` prints them as the JSON that WEBHOOK_INGRESS_SECRETS takes.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.command import run_command
from sandbox.replay_wire import Wire

FILE = Path(__file__).parent / "recordings" / "espocrm" / "vectors.json"
PATH = "/vmh/webhook/{entity}/{action}"
NAMES = {"CDokumente": "document"}
OK = 200
MULTIPLE = 300


@dataclass(frozen=True)
class Vector:
    """One recorded request."""

    file: str
    version: str
    event: str
    webhook_id: str
    key: str
    headers: dict[str, str]
    body: bytes

    def path(self, template: str) -> str:
        """Where the ingress takes it: a fieldUpdate is an update."""
        entity, kind = self.event.split(".")[:2]
        action = "update" if kind == "fieldUpdate" else kind
        return template.format(entity=NAMES.get(entity, entity.removeprefix("C").lower()), action=action)

    def changed(self) -> bytes:
        """The body with one bit of its middle byte turned over."""
        position = len(self.body) // 2
        return self.body[:position] + bytes([self.body[position] ^ 1]) + self.body[position + 1 :]


@dataclass(frozen=True)
class Verdict:
    """What the ingress said to one request as it was, and with one byte changed."""

    vector: Vector
    accepted_status: int
    changed_status: int

    @property
    def accepted(self) -> bool:
        """2xx for the request as recorded."""
        return OK <= self.accepted_status < MULTIPLE

    @property
    def forgery_refused(self) -> bool:
        """401 and nothing else for the changed one."""
        return self.changed_status == 401

    @property
    def good(self) -> bool:
        """Both."""
        return self.accepted and self.forgery_refused


def load(path: Path = FILE) -> list[Vector]:
    """The requests of a recording; raises ValueError for anything else."""
    try:
        return [_vector(each) for each in json.loads(path.read_text(encoding="utf-8"))]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: not a recording of webhooks: {error}") from error


def _vector(raw: dict[str, Any]) -> Vector:
    headers = {str(name).lower(): str(value) for name, value in raw["headers"].items()}
    return Vector(
        file=str(raw.get("file", "")),
        version=str(raw.get("espocrm", "")),
        event=str(raw["event"]),
        webhook_id=str(raw["webhook_id"]),
        key=str(raw["hmac_key"]),
        headers=headers,
        body=base64.b64decode(raw["body_base64"]),
    )


def secrets(vectors: list[Vector]) -> dict[str, str]:
    """Webhook id → key, as WEBHOOK_INGRESS_SECRETS takes it."""
    return {vector.webhook_id: vector.key for vector in vectors}


def post(url: str, vectors: list[Vector], *, path: str = PATH, only_header: str | None = None) -> list[Verdict]:
    """Post each as it was and changed. `only_header`: send but one of `signature` and `x-signature`."""
    wire = Wire(url)
    try:
        return [_post_one(wire, vector, path, only_header) for vector in vectors]
    finally:
        wire.close()


def _post_one(wire: Wire, vector: Vector, path: str, only_header: str | None) -> Verdict:
    dropped = {"signature", "x-signature"} - {only_header} if only_header else set()
    headers = {name: value for name, value in vector.headers.items() if name not in dropped}
    target = vector.path(path)
    as_it_was = wire.send("POST", target, headers, vector.body)
    changed = wire.send("POST", target, headers, vector.changed())
    return Verdict(vector, as_it_was.status, changed.status)


def _line(verdict: Verdict) -> str:
    was = "accepted" if verdict.accepted else "REFUSED"
    forged = "refused" if verdict.forgery_refused else "NOT REFUSED"
    name = f"{verdict.vector.version} {verdict.vector.file}"
    return f"{name}: {was} ({verdict.accepted_status}), one byte changed: {forged} ({verdict.changed_status})"


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.webhook_vectors", description=__doc__)
    parser.add_argument("--url", help="of the running ingress")
    parser.add_argument("--path", default=PATH)
    parser.add_argument("--only-header", choices=("signature", "x-signature"))
    parser.add_argument("--secrets", action="store_true", help="print the keys and post nothing")
    parser.add_argument("file", type=Path, nargs="?", default=FILE)
    given = parser.parse_args(arguments)
    try:
        vectors = load(given.file)
        if given.secrets:
            print(json.dumps(secrets(vectors)))  # noqa: T201
            return 0
        if not given.url:
            parser.error("--url is needed")
        verdicts = post(given.url, vectors, path=given.path, only_header=given.only_header)
    except (OSError, ValueError) as error:
        print(f"webhook_vectors: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for verdict in verdicts:
        print(_line(verdict))  # noqa: T201
    good = sum(verdict.good for verdict in verdicts)
    accepted, refused = sum(each.accepted for each in verdicts), sum(each.forgery_refused for each in verdicts)
    print(f"{len(verdicts)} requests, {accepted} accepted, {refused} refused with one byte changed")  # noqa: T201
    return 0 if verdicts and good == len(verdicts) else 1


if __name__ == "__main__":
    run_command(main)
