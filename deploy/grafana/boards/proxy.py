"""The Advoware proxy: calls of other programs, how they end, how long they take."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart, number

RATE = "[$__rate_interval]"
NOBODY = "im Demo ruft niemand den Proxy"
BOARD = Board(
    "proxy",
    "Advoware-Proxy",
    "Aufrufe anderer Programme an Advoware.",
    (
        Row(
            "Jetzt",
            (
                number("In Arbeit", "sum(sync_proxy_in_flight)"),
                number("Ungeschriebene Zeilen der Aufzeichnung", "sum(sync_proxy_audit_waiting)", bad=100),
            ),
        ),
        Row(
            "Verlauf",
            (
                chart(
                    "Aufrufe nach Ergebnis",
                    Query(f"sum by (outcome) (rate(sync_proxy_calls_total{RATE}))", "{{outcome}}"),
                    unit="ops",
                    empty=NOBODY,
                ),
                chart(
                    "Aufrufe nach Status",
                    Query(f"sum by (method, code) (rate(sync_proxy_calls_total{RATE}))", "{{method}} {{code}}"),
                    unit="ops",
                    empty=NOBODY,
                ),
                chart(
                    "Dauer",
                    Query(
                        f"histogram_quantile(0.95, sum by (outcome, le) (rate(sync_proxy_seconds_bucket{RATE})))",
                        "{{outcome}}",
                    ),
                    unit="s",
                    empty=NOBODY,
                ),
                chart(
                    "Verbindungen zu PostgreSQL",
                    Query('sync_pool_connections_in_use{instance=~"advoware-proxy.*"}', "{{instance}}"),
                ),
            ),
        ),
    ),
)
