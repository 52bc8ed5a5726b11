"""Kafka and workers: what waits, what runs, what is tried again, what was buried; and the processes themselves."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart

RATE = "[$__rate_interval]"
BOARD = Board(
    "worker",
    "Kafka und Worker",
    "Was wartet, was läuft, was wiederholt wird und was nicht verarbeitet werden konnte.",
    (
        Row(
            "Warten",
            (
                chart(
                    "Noch nicht erledigte Ereignisse", Query("sum by (topic) (sync_consumer_lag_records)", "{{topic}}")
                ),
                chart(
                    "Alter des ältesten Ereignisses",
                    Query("max by (entity) (sync_oldest_event_seconds)", "{{entity}}"),
                    unit="s",
                ),
                chart(
                    "In Arbeit und gepuffert",
                    Query("sum by (instance) (sync_events_in_flight)", "in Arbeit {{instance}}"),
                    Query("sum by (instance) (sync_events_buffered)", "gepuffert {{instance}}"),
                ),
                chart("Durch einen Fehler gehalten", Query("max by (instance) (sync_events_held)", "{{instance}}")),
            ),
        ),
        Row(
            "Wiederholen und Aufgeben",
            (
                chart(
                    "Wiederholungen",
                    Query("sum by (topic, reason) (sync_retries_total)", "{{topic}} {{reason}}"),
                    empty="kommt mit der ersten Wiederholung",
                ),
                chart("Nicht verarbeitbar, offen", Query("max by (topic) (sync_dead_letters_open)", "{{topic}}")),
                chart(
                    "Nicht verarbeitbar, neu",
                    Query(f"sum by (topic) (rate(sync_dead_letters_total{RATE}))", "{{topic}}"),
                    unit="ops",
                ),
                chart(
                    "Zusammengefasste Ereignisse",
                    Query("sum by (entity) (sync_events_coalesced_total)", "{{entity}}"),
                    empty="nur wenn zwei Änderungen desselben Datensatzes warten",
                ),
            ),
        ),
        Row(
            "Prozesse",
            (
                chart("Speicher", Query("process_resident_memory_bytes", "{{instance}}"), unit="bytes"),
                chart("Prozessor", Query(f"rate(process_cpu_seconds_total{RATE})", "{{instance}}"), unit="percentunit"),
                chart("Offene Dateien", Query("process_open_fds", "{{instance}}")),
                chart(
                    "Verbindungen zu PostgreSQL",
                    Query("sync_pool_connections_in_use", "{{instance}}"),
                    Query("sync_pool_connections_max", "erlaubt {{instance}}"),
                ),
                chart(
                    "Fassungen",
                    Query(
                        "count by (service, version, revision, schema) (sync_build_info)",
                        "{{service}} {{version}} {{revision}} {{schema}}",
                    ),
                ),
                chart(
                    "Verlorene Protokollzeilen", Query("sum by (instance) (sync_log_lines_lost_total)", "{{instance}}")
                ),
            ),
        ),
    ),
)
