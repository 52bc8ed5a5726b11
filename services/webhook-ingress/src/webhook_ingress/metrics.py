"""What webhook-ingress counts."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Histogram

from synckit.service.metrics import DEAD_LETTERS, FAST, counter, expected, gauge, histogram
from webhook_ingress.domain.links import UNPAIRED
from webhook_ingress.domain.paths import webhook_paths
from webhook_ingress.domain.payload import UNREADABLE

OUTCOMES = ("accepted", "wrong_signature", "overloaded", "too_slow", "remote_unavailable", "bug")
"""Those that somebody is told of; others come with their first."""
REASONS = (*UNREADABLE, *UNPAIRED)
"""Of dead letters."""
WEBHOOKS = counter("sync_webhooks_total", "Webhook requests by what became of them.", "entity", "action", "outcome")
WEBHOOK_SECONDS = histogram("sync_webhook_seconds", "From the request's headers to our answer.", FAST, "outcome")
WEBHOOKS_IN_FLIGHT = gauge("sync_webhooks_in_flight", "Webhook requests being handled.")
WEBHOOK_SECRETS = gauge("sync_webhook_secrets", "Webhook ids whose key is known.")
WEBHOOK_SECRETS_STALE = gauge(
    "sync_webhook_secrets_stale", "1 while the secrets file can't be read: the old ones stand."
)
LAST_WEBHOOK = gauge(
    "sync_last_webhook_timestamp_seconds", "When a webhook was last accepted; 0 before this process's first one."
)
_OF_ESPOCRM = frozenset(entity for _, entity, _ in webhook_paths())
"""Google's pushes say nothing of EspoCRM."""
for _path, _entity, _action in webhook_paths():
    expected(WEBHOOKS, [_entity], [_action.value], OUTCOMES)
expected(DEAD_LETTERS, ["webhook-ingress"], REASONS)


@lru_cache(maxsize=1024)
def _of_a_webhook(entity: str, action: str, outcome: str) -> tuple[Counter, Histogram]:
    return WEBHOOKS.labels(entity, action, outcome), WEBHOOK_SECONDS.labels(outcome)


def webhook(entity: str, action: str, outcome: str, seconds: float) -> None:
    requests, durations = _of_a_webhook(entity, action, outcome)
    requests.inc()
    if outcome == "accepted" and entity in _OF_ESPOCRM:
        LAST_WEBHOOK.set_to_current_time()
    durations.observe(seconds)
