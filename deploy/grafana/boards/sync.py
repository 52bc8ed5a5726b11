"""Records: what looks come to, what they write, what is refused, held or parked, and what a change costs."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart

RATE = "[$__rate_interval]"
BOARD = Board(
    "sync",
    "Abgleich",
    "Was aus Blicken auf Datensätze wird, was sie schreiben und kosten, und was nicht weitergeht.",
    (
        Row(
            "Ergebnisse",
            (
                chart(
                    "Blicke nach Ergebnis",
                    Query(f"sum by (outcome) (rate(sync_events_handled_total{RATE}))", "{{outcome}}"),
                    unit="ops",
                ),
                chart(
                    "Dauer eines Blicks",
                    Query(f"histogram_quantile(0.5, sum by (le) (rate(sync_seconds_bucket{RATE})))", "Median"),
                    Query(f"histogram_quantile(0.95, sum by (le) (rate(sync_seconds_bucket{RATE})))", "95 %"),
                    unit="s",
                ),
                chart(
                    "Schreibvorgänge",
                    Query(f"sum by (entity, direction) (rate(sync_writes_total{RATE}))", "{{entity}} {{direction}}"),
                    unit="ops",
                ),
                chart(
                    "Aufrufe je Änderung",
                    Query(
                        f"sum by (entity) (rate(sync_calls_per_change_sum{RATE})) / "
                        f"sum by (entity) (rate(sync_calls_per_change_count{RATE}))",
                        "{{entity}}",
                    ),
                    says="Aufrufe an EspoCRM, Advoware und Google, die ein Ereignis im Mittel braucht.",
                ),
            ),
        ),
        Row(
            "Was nicht weitergeht",
            (
                chart(
                    "Wartende Datensätze nach Grund",
                    Query(
                        "sum by (reason) (max by (entity, reason) (sync_parked_records))",
                        "{{reason}}",
                    ),
                ),
                chart(
                    "So lange wartet der älteste",
                    Query("max by (entity) (sync_parked_oldest_seconds)", "{{entity}}"),
                    unit="s",
                ),
                chart(
                    "Vertagt",
                    Query(f"sum by (entity, reason) (rate(sync_parked_total{RATE}))", "{{entity}} {{reason}}"),
                    empty="nur ein Datensatz, der 45 s lang scheitert, wird vertagt",
                ),
                chart(
                    "Abgelehnte Schreibvorgänge",
                    Query("sum by (upstream, code) (sync_refused_calls_total)", "{{upstream}} {{code}}"),
                    empty="kommt mit der ersten Ablehnung",
                ),
                chart(
                    "Konflikte und Hinweise",
                    Query("sum by (entity) (sync_conflicts_total)", "Konflikte {{entity}}"),
                    Query("sum by (entity) (sync_notices_total)", "Hinweise {{entity}}"),
                ),
                chart(
                    "Bremse: gehaltene Datensätze", Query("max by (source) (sync_brake_waiting_records)", "{{source}}")
                ),
                chart("Hinweise, die warten", Query("max by (entity) (sync_notes_waiting)", "{{entity}}")),
                chart("Lange nicht angesehen", Query("max by (entity) (sync_unlooked_records)", "{{entity}}")),
            ),
        ),
        Row(
            "Uhr",
            (
                chart(
                    "Läufe des Tickers",
                    Query(f"sum by (timer, outcome) (rate(sync_ticker_runs_total{RATE}))", "{{timer}} {{outcome}}"),
                    unit="ops",
                ),
                chart(
                    "Seit dem letzten Erfolg",
                    Query("time() - max by (timer) (sync_ticker_last_success_timestamp_seconds)", "{{timer}}"),
                    unit="s",
                ),
                chart(
                    "Was der Ticker fand",
                    Query(f"sum by (entity, reason) (rate(sync_ticker_emitted_total{RATE}))", "{{entity}} {{reason}}"),
                    unit="ops",
                ),
                chart("Probe durch alle Systeme", Query("max(sync_canary_seconds)", "Sekunden"), unit="s"),
            ),
        ),
    ),
)
