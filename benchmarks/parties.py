"""Parties that both sandboxes know and our worker has linked; changed on the left at will; and what the calls tell."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

from benchmarks.event_load import change, publish
from benchmarks.grounds import Grounds, until
from deploy.local.table import WORKER
from kanzlei.topics import BETEILIGTE

ENTITY = "CBeteiligte"
PORTION = 500
CALL_SECONDS = 0.05
PERSON = "5a0000000000000b1"


@dataclass(frozen=True)
class Marks:
    """Where the call logs of the sandboxes stood."""

    left: int
    right: int


@dataclass
class Parties:
    """All of one benchmark; `ids` are those in EspoCRM."""

    grounds: Grounds
    ids: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    _round: int = 0
    _series: str = field(default_factory=lambda: f"{random.randrange(10**8):08d}")

    @property
    def left(self) -> str:
        return self.grounds.addresses.espocrm_url

    @property
    def right(self) -> str:
        return self.grounds.addresses.advoware_url

    def make(self, count: int) -> None:
        """In both systems, and linked by a worker, which is ended again."""
        self.heal()
        first = len(self.ids)
        fresh = [f"{self._series}{first + number:09d}" for number in range(count)]
        for at in range(0, count, PORTION):
            rows = [{"name": f"Muster {each}", "vorname": "Erika"} for each in fresh[at : at + PORTION]]
            made = ask(f"{self.right}/_sandbox/desk/beteiligte", {"items": rows})["betNr"]
            self.numbers += made
            self._seed(
                {"id": left, "lastName": row["name"], "firstName": "Erika", "betnr": right}
                for left, right, row in zip(fresh[at:], made, rows, strict=False)
            )
        self.ids += fresh
        worker = self.grounds.start(WORKER, name="linking")
        marks = self.marks()
        self.announce(fresh)
        until(lambda: self.written(marks, "left") >= count, 120, f"{count} parties are linked", pause=0.3)
        self.grounds.stop(worker)

    def change(self, ids: list[str]) -> None:
        """A new first name for each, as a person's edit leaves it, and nobody is told yet.

        Another value without another time of change would be held: EspoCRM says then that nobody has edited.
        """
        self._round += 1
        edited = {"modifiedAt": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"), "modifiedById": PERSON}
        self._seed({"id": each, "firstName": f"Erika {self._round}", **edited} for each in ids)

    def announce(self, ids: list[str]) -> None:
        """An event for each."""
        publish(self.grounds.kafka, BETEILIGTE, [change(each, number) for number, each in enumerate(ids)])

    def slow(self, seconds: float = CALL_SECONDS) -> None:
        """Every call takes so long from now on; the token service too."""
        self.hurt("left", {"fault": {"kind": "slow", "seconds": seconds}})
        self.hurt("right", {"fault": {"kind": "slow", "seconds": seconds}})

    def hurt(self, side: str, rule: dict[str, Any]) -> None:
        ask(f"{self._url(side)}/_sandbox/faults", rule)

    def heal(self) -> None:
        for url in (self.left, self.right):
            ask(f"{url}/_sandbox/faults", method="DELETE")
            ask(f"{url}/_sandbox/calls", method="DELETE")

    def marks(self) -> Marks:
        left, right = (ask(f"{url}/_sandbox/health")["last_seq"] for url in (self.left, self.right))
        return Marks(left, right)

    def written(self, marks: Marks, side: str) -> int:
        """PUTs that have been answered on that side since."""
        since = marks.left if side == "left" else marks.right
        seen = ask(f"{self._url(side)}/_sandbox/calls/count?method=PUT&since={since}")
        return int(seen["by_status"].get("200", 0))

    def calls(self, marks: Marks, side: str, method: str = "") -> list[dict[str, Any]]:
        """The calls themselves, but for those of the token service."""
        since = marks.left if side == "left" else marks.right
        wanted = f"&method={method}" if method else ""
        rows = ask(f"{self._url(side)}/_sandbox/calls?since={since}{wanted}")["calls"]
        return [row for row in rows if not row["path"].endswith("/Token")]

    def _url(self, side: str) -> str:
        return self.left if side == "left" else self.right

    def _seed(self, rows: Any) -> None:
        given = list(rows)
        for at in range(0, len(given), PORTION):
            ask(f"{self.left}/_sandbox/state", {ENTITY: given[at : at + PORTION]})


def ask(url: str, body: object = None, *, method: str | None = None) -> Any:
    """A sandbox's control."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    with urlopen(request, timeout=60) as answer:  # noqa: S310
        text = answer.read()
    return json.loads(text) if text else None
