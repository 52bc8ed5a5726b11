"""Calendars: runs, what they did, how old the oldest is, what Google and the nightly audit say."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart, number

RATE = "[$__rate_interval]"
BOARD = Board(
    "calendar",
    "Kalender",
    "Advowares Termine und Google Calendar.",
    (
        Row(
            "Jetzt",
            (
                number("Ältester Abgleich", "max(sync_calendar_oldest_run_seconds)", "s", bad=3600),
                number("In Quarantäne", "max(sync_calendar_quarantined)", bad=1),
                number("Mitarbeiter mit Rest", "max(sync_calendar_unsaved_employees)", bad=1),
                number("Offene Push-Kanäle", "max(sync_calendar_channels)"),
                number("Befunde der Nachtprüfung", "sum(max by (kind) (sync_calendar_audit_findings))", bad=1),
                number("Sperren durch Google", "sum(sync_calendar_blocks_total)", bad=1),
            ),
        ),
        Row(
            "Verlauf",
            (
                chart(
                    "Läufe nach Ergebnis",
                    Query(f"sum by (outcome) (rate(sync_calendar_runs_total{RATE}))", "{{outcome}}"),
                    unit="ops",
                ),
                chart(
                    "Dauer eines Laufs",
                    Query(
                        f"histogram_quantile(0.95, sum by (le) (rate(sync_calendar_run_seconds_bucket{RATE})))", "95 %"
                    ),
                    unit="s",
                ),
                chart(
                    "Was Läufe taten",
                    Query(f"sum by (kind) (rate(sync_calendar_steps_total{RATE}))", "{{kind}}"),
                    unit="ops",
                ),
                chart("Hinweise nach Weg", Query("sum by (way) (sync_calendar_notices_total)", "{{way}}")),
                chart(
                    "Aufrufe an Google",
                    Query(
                        f'sum by (method, code) (rate(sync_api_calls_total{{upstream="google"}}{RATE}))',
                        "{{method}} {{code}}",
                    ),
                    unit="ops",
                ),
                chart(
                    "Warten auf Erledigung",
                    Query('sum(sync_consumer_lag_records{topic="calendar.sync"})', "Ereignisse"),
                ),
            ),
        ),
    ),
)
