"""How long a document is on its way until it can be found, and whether it ever can: rules by the file's name.

A document follows the rule that held when its indexing began. While it is on its way a new rule takes hold of it, too;
what has ended stays ended until it is indexed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

PREFIX = "DOCUMENT_STATUS_"
ON_ITS_WAY = ("PROCESSING", "CHUNKED", "EMBEDDING", "WRITING")
PROCESSED, FAILED = "PROCESSED", "FAILED"
KEYS = frozenset({"seconds", "stuck", "fail", "match"})


@dataclass(frozen=True)
class Rule:
    """`seconds` from the beginning to the end, `stuck`: without one, `fail`: the message it ends with."""

    seconds: float = 1.0
    stuck: bool = False
    fail: str | None = None
    match: str | None = None

    def fits(self, name: str) -> bool:
        return self.match is None or re.search(self.match, name) is not None


@dataclass(frozen=True)
class Run:
    """One indexing of one document; `began` in seconds of the sandbox's clock."""

    began: float
    rule: Rule

    def status(self, now: float) -> str:
        """The word at this moment, without its prefix."""
        passed = now - self.began
        if not self.rule.stuck and passed >= self.rule.seconds:
            return FAILED if self.rule.fail is not None else PROCESSED
        share = 0.0 if self.rule.stuck or self.rule.seconds <= 0 else max(passed, 0.0) / self.rule.seconds
        return ON_ITS_WAY[min(int(share * len(ON_ITS_WAY)), len(ON_ITS_WAY) - 1)]

    def is_over(self, now: float) -> bool:
        return self.status(now) in (PROCESSED, FAILED)

    def ended(self, now: float) -> float | None:
        """When it became PROCESSED; None where it has not."""
        return self.began + self.rule.seconds if self.status(now) == PROCESSED else None


class Indexing:
    """The rules: those with a `match`, newest first, then the one for all others."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._first = Rule(seconds)
        self.otherwise = self._first
        self.special: list[Rule] = []

    def rule_for(self, name: str) -> Rule:
        return next((rule for rule in self.special if rule.fits(name)), self.otherwise)

    def change(self, given: Mapping[str, Any]) -> Rule:
        """Takes a rule in; without `match` it holds for all and the special ones go. ValueError says what is wrong."""
        rule = _read(given, self.otherwise)
        if rule.match is None:
            self.otherwise, self.special = rule, []
        else:
            self.special = [rule, *(each for each in self.special if each.match != rule.match)]
        return rule

    def reset(self) -> None:
        self.otherwise, self.special = self._first, []

    def as_row(self) -> dict[str, Any]:
        return {**asdict(self.otherwise), "special": [asdict(rule) for rule in self.special]}


def _read(given: Mapping[str, Any], otherwise: Rule) -> Rule:
    if unknown := set(given) - KEYS:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}")
    rule = Rule(seconds=otherwise.seconds)
    seconds = given.get("seconds", rule.seconds)
    stuck, fail, match = given.get("stuck", False), given.get("fail"), given.get("match")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 10**9:
        raise ValueError("seconds is a number, not less than 0")
    if not isinstance(stuck, bool) or not isinstance(fail, str | None) or not isinstance(match, str | None):
        raise ValueError("stuck is true or false, fail a message or null, match a regular expression or null")
    try:
        re.compile(match or "")
    except re.error as error:
        raise ValueError(f"match is not a regular expression: {error}") from error
    return replace(rule, seconds=float(seconds), stuck=stuck, fail=fail, match=match or None)
