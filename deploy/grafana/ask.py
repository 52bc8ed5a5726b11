"""Asks a real Prometheus for what each panel would show."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from deploy.grafana.panels import Board

INTERVAL = "5m"
"""What `$__rate_interval` stands for: long enough that a demo's last minutes lie within."""
SECONDS = 30.0


class Away(Exception):
    """Prometheus does not answer, or refuses an expression; the text says which."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a panel has: so many series. `why` it may have none, "" where it may not."""

    board: str
    title: str
    series: int
    why: str

    @property
    def is_failure(self) -> bool:
        return not self.series and not self.why

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "failure": self.is_failure}


def asked(url: str, board: Board) -> Iterator[Found]:
    """Panel by panel. Away where Prometheus does not answer."""
    for panel in board.panels:
        yield Found(board.name, panel.title, sum(len(query(url, one.expr)) for one in panel.queries), panel.empty)


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """The series of an expression, now."""
    words = urllib.parse.urlencode({"query": expression.replace("$__rate_interval", INTERVAL)})
    try:
        with urllib.request.urlopen(f"{url}/api/v1/query?{words}", timeout=SECONDS) as answer:  # noqa: S310
            told = json.load(answer)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        raise Away(f"Prometheus refuses ({refusal.code}): {expression}") from None
    except (OSError, ValueError) as error:
        raise Away(f"Prometheus at {url} does not answer: {type(error).__name__}") from None
    found: list[dict[str, Any]] = told["data"]["result"]
    # NaN is drawn as nothing.
    return [each for each in found if each["value"][1] != "NaN"]
