"""Fault rules: which request goes wrong, how often, and how. Rules are JSON, as POST /_sandbox/faults takes them."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS_BEFORE = frozenset({"status", "timeout_before", "reset_before", "html", "empty_list", "body"})
KINDS_AFTER = frozenset({"timeout_after", "reset_after", "hold_after", "status_after"})
KINDS = KINDS_BEFORE | KINDS_AFTER | {"slow"}
MATCH_KEYS = frozenset({"method", "path_regex", "record", "caller", "body_regex"})
RULE_KEYS = frozenset({"match", "skip", "times", "for_seconds", "probability", "seed", "fault"})
FAULT_KEYS = frozenset({"kind", "status", "seconds", "retry_after", "body", "headers"})


@dataclass(frozen=True)
class Attempt:
    """What a rule may look at in a request; `target` is path and query, `body` is empty unless a rule needs it."""

    method: str
    path: str
    target: str
    record: str | None
    caller: str | None
    body: str = ""


@dataclass(frozen=True)
class Fault:
    """What happens to the request."""

    kind: str
    status: int | None = None
    seconds: float | None = None
    retry_after: float | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Rule:
    """A match, its limits, and its fault; `released` is set when the rule is removed and lets go what it holds."""

    id: int
    match: Mapping[str, str]
    fault: Fault
    skip: int = 0
    times: int | None = None
    until: float | None = None
    probability: float = 1.0
    chance: random.Random = field(default_factory=random.Random)
    matched: int = 0
    fired: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, attempt: Attempt) -> bool:
        """True where every condition holds; no condition at all matches everything."""
        for key, wanted in self.match.items():
            if key == "path_regex":
                found = re.search(wanted, attempt.path) or re.search(wanted, attempt.target)
            elif key == "body_regex":
                found = re.search(wanted, attempt.body)
            else:
                found = getattr(attempt, key) == wanted
            if not found:
                return False
        return True

    def fires(self, attempt: Attempt, now: float) -> bool:
        """True where the fault is to happen to this request; counts it."""
        if (self.until is not None and now >= self.until) or self.exhausted or not self.matches(attempt):
            return False
        self.matched += 1
        if self.matched <= self.skip or self.chance.random() >= self.probability:
            return False
        self.fired += 1
        return True

    @property
    def exhausted(self) -> bool:
        """True once it has fired as often as it may."""
        return self.times is not None and self.fired >= self.times

    def as_row(self) -> dict[str, Any]:
        """As GET shows it."""
        return {
            "id": self.id,
            "match": dict(self.match),
            "fault": {key: value for key, value in vars(self.fault).items() if value not in (None, {})},
            "skip": self.skip,
            "times": self.times,
            "matched": self.matched,
            "fired": self.fired,
        }


def _only(keys: frozenset[str], given: Mapping[str, Any], what: str) -> None:
    if unknown := set(given) - keys:
        raise ValueError(f"unknown in {what}: {', '.join(sorted(unknown))}")


class Faults:
    """The rules in force, oldest first: the first one that fires decides."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rules: dict[int, Rule] = {}
        self._last_id = 0

    def add(self, given: Mapping[str, Any]) -> Rule:
        """Take a rule in; raises ValueError that says what is wrong with it."""
        _only(RULE_KEYS, given, "rule")
        match, fault = dict(given.get("match") or {}), dict(given.get("fault") or {})
        _only(MATCH_KEYS, match, "match")
        _only(FAULT_KEYS, fault, "fault")
        if fault.get("kind") not in KINDS:
            raise ValueError(f"fault.kind must be one of {', '.join(sorted(KINDS))}")
        for key in ("path_regex", "body_regex"):
            if key in match:
                _check_regex(match[key], key)
        seconds = given.get("for_seconds")
        self._last_id += 1
        rule = Rule(
            id=self._last_id,
            match={key: str(value) for key, value in match.items()},
            fault=Fault(**fault),
            skip=int(given.get("skip", 0)),
            times=None if given.get("times") is None else int(given["times"]),
            until=None if seconds is None else self._clock() + float(seconds),
            probability=float(given.get("probability", 1.0)),
            chance=random.Random(given.get("seed", self._last_id)),
        )
        self._rules[rule.id] = rule
        return rule

    @property
    def needs_body(self) -> bool:
        """True where a rule looks into request bodies."""
        return any("body_regex" in rule.match for rule in self._rules.values())

    def __bool__(self) -> bool:
        return bool(self._rules)

    def choose(self, attempt: Attempt) -> Rule | None:
        """The rule that hits this request, or None."""
        now = self._clock()
        return next((rule for rule in self._rules.values() if rule.fires(attempt, now)), None)

    def remove(self, rule_id: int | None = None) -> int:
        """Remove one rule, or all; whatever they hold goes on. Answers how many were removed."""
        chosen = list(self._rules) if rule_id is None else [rule_id] if rule_id in self._rules else []
        for each in chosen:
            self._rules.pop(each).released.set()
        return len(chosen)

    def as_rows(self) -> list[dict[str, Any]]:
        """All rules with how often each has fired."""
        return [rule.as_row() for rule in self._rules.values()]


def _check_regex(expression: object, key: str) -> None:
    try:
        re.compile(str(expression))
    except re.error as error:
        raise ValueError(f"match.{key} is not a regular expression: {error}") from error
