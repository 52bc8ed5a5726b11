"""The remotes: calls, errors, times, credentials, tokens and clocks of EspoCRM, Advoware and Google."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart

RATE = "[$__rate_interval]"
FAILED = '{code!~"[23].."}'
BOARD = Board(
    "remotes",
    "EspoCRM, Advoware, Google",
    "Wie die fremden Systeme antworten.",
    (
        Row(
            "Antworten",
            (
                chart(
                    "Aufrufe",
                    Query(f"sum by (upstream, method) (rate(sync_api_calls_total{RATE}))", "{{upstream}} {{method}}"),
                    unit="ops",
                ),
                chart(
                    "Aufrufe nach Antwort",
                    Query(f"sum by (upstream, code) (rate(sync_api_calls_total{RATE}))", "{{upstream}} {{code}}"),
                    unit="ops",
                ),
                chart(
                    "Dauer eines Aufrufs",
                    Query(
                        f"histogram_quantile(0.95, sum by (upstream, le) (rate(sync_api_call_seconds_bucket{RATE})))",
                        "{{upstream}}",
                    ),
                    unit="s",
                ),
                chart(
                    "Anteil der Fehler",
                    Query(
                        f"sum by (upstream) (rate(sync_api_calls_total{FAILED}{RATE})) / "
                        f"sum by (upstream) (rate(sync_api_calls_total{RATE}))",
                        "{{upstream}}",
                    ),
                    unit="percentunit",
                    empty="ein System ohne einen Fehler hat keinen Anteil",
                ),
            ),
        ),
        Row(
            "Zustand",
            (
                chart("Nicht zu erreichen", Query("max by (upstream) (sync_upstream_circuit_open)", "{{upstream}}")),
                chart(
                    "Zugangsdaten abgelehnt", Query("max by (upstream) (sync_upstream_auth_refused)", "{{upstream}}")
                ),
                chart(
                    "Token gilt noch",
                    Query("max by (upstream) (sync_token_expiry_timestamp_seconds > 0) - time()", "{{upstream}}"),
                    unit="s",
                ),
                chart(
                    "Uhren gehen falsch um",
                    Query("max by (remote) (abs(sync_remote_clock_skew_seconds))", "{{remote}}"),
                    unit="s",
                ),
                chart("Unbrauchbare Zeilen", Query("sum by (upstream) (sync_bad_rows_total)", "{{upstream}}")),
                chart(
                    "Abweichungen der Einrichtung von EspoCRM",
                    Query("max by (severity) (sync_espocrm_differences)", "{{severity}}"),
                ),
            ),
        ),
    ),
)
