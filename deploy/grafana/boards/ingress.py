"""Webhooks: how many come, what becomes of them, how fast they are answered."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart, number

RATE = "[$__rate_interval]"
BOARD = Board(
    "ingress",
    "Webhooks",
    "Was EspoCRM und Google melden, und was daraus wird.",
    (
        Row(
            "Jetzt",
            (
                number("Seit dem letzten Webhook", "time() - max(sync_last_webhook_timestamp_seconds > 0)", "s"),
                number("In Arbeit", "sum(sync_webhooks_in_flight)"),
                number("Bekannte Schlüssel", "max(sync_webhook_secrets)"),
                number("Schlüsseldatei unlesbar", "max(sync_webhook_secrets_stale)", bad=1),
            ),
        ),
        Row(
            "Verlauf",
            (
                chart(
                    "Webhooks nach Ergebnis",
                    Query(f"sum by (outcome) (rate(sync_webhooks_total{RATE}))", "{{outcome}}"),
                    unit="ops",
                ),
                chart(
                    "Webhooks nach Art",
                    Query(f"sum by (entity, action) (rate(sync_webhooks_total{RATE}))", "{{entity}} {{action}}"),
                    unit="ops",
                ),
                chart(
                    "Zeit bis zur Antwort",
                    Query(
                        f"histogram_quantile(0.95, sum by (outcome, le) (rate(sync_webhook_seconds_bucket{RATE})))",
                        "{{outcome}}",
                    ),
                    unit="s",
                ),
                chart(
                    "Ereignisse an Kafka",
                    Query(
                        f"sum by (entity, action) (rate(sync_events_published_total{RATE}))", "{{entity}} {{action}}"
                    ),
                    unit="ops",
                ),
                chart(
                    "Unlesbares",
                    Query('sum by (reason) (sync_dead_letters_total{topic="webhook-ingress"})', "{{reason}}"),
                ),
            ),
        ),
    ),
)
