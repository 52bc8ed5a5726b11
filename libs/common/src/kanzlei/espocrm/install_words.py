"""What `install` says to a person, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanzlei.espocrm.install import Report
from kanzlei.espocrm.register import Report as Registered

EXAMPLE_INGRESS = "https://sync.kanzlei.example"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did. `webhooks` is None where none were wanted; `trouble` says why they could not be registered."""

    report: Report
    webhooks: Registered | None = None
    trouble: str = ""
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def status(self) -> int:
        return max(self.report.status, self.webhooks.status if self.webhooks else 0)

    def as_json(self) -> dict[str, Any]:
        """Without the keys."""
        registered = self.webhooks.as_json() if self.webhooks else None
        return {**self.report.as_json(), "webhooks": {"error": self.trouble} if self.trouble else registered}


@dataclass(frozen=True, slots=True)
class Places:
    """Where this EspoCRM and the ingress are, and the files that hold key and secrets, None where there is none."""

    url: str
    ingress_url: str
    env_file: Path | None
    secrets_file: Path | None


def lines(outcome: Outcome, places: Places) -> list[str]:
    """For a terminal."""
    report = outcome.report
    return [
        *_work(report),
        *_rest(report),
        *_keys(outcome, places),
        *_webhooks(outcome, places),
        *([] if report.dry_run else _next(places)),
    ]


def _work(report: Report) -> list[str]:
    if report.dry_run:
        steps = [f"would do: {step.kind:<7} {step.what}: {step.why}" for step in report.planned]
        return [f"EspoCRM {report.version}", *steps, f"{len(steps)} steps to do; nothing was written"]
    if not report.planned:
        return ["nothing to do: EspoCRM has all that is needed"]
    return [f"done: {report.done} of {len(report.planned)} steps"]


def _rest(report: Report) -> list[str]:
    found = [f"refused: {each.step.kind} {each.step.what}: {each.reason}" for each in report.failed]
    found += [f"still missing: {step.kind} {step.what}: {step.why}" for step in report.left]
    found += [f"blocked: {each.what}: {each.why}; {each.mend}" for each in report.blocked]
    for each in report.by_hand:
        found += ["", f"by hand, in {each.where}:", f"  ({each.why})", *(f"    {line}" for line in each.lines)]
    return found


def _keys(outcome: Outcome, places: Places) -> list[str]:
    if places.env_file and outcome.keys:
        return ["", f"the API user's key is in {places.env_file} (mode 600)"]
    if not any(step.kind == "user" and step.method == "POST" for step in outcome.report.planned):
        return []
    shown = [f"    {name}={value}" for name, value in outcome.keys.items()]
    return ["", "the API user's key, shown here only:", *shown] if shown else []


def _webhooks(outcome: Outcome, places: Places) -> list[str]:
    if outcome.trouble:
        return ["", f"the webhooks are not registered: {outcome.trouble}; run the same command again"]
    if outcome.webhooks is None:
        return []
    kept = [] if outcome.webhooks.dry_run else [f"their secrets are in {places.secrets_file} (mode 600)"]
    return ["", *outcome.webhooks.summary(), *kept]


def _next(places: Places) -> list[str]:
    ingress = places.ingress_url or EXAMPLE_INGRESS
    register = [
        f"    python -m webhook_ingress.register --espocrm-url {places.url} --url {ingress} \\",
        "        --secrets-file var/webhook-secrets.json",
    ]
    return [
        "",
        "next, with these variables set:",
        *([] if places.secrets_file else register),
        f"    python -m kanzlei.espocrm check --url {places.url} --ingress-url {ingress}",
    ]
