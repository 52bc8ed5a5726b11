"""Documents: their states, collections, what is out at xAI, what looks do, and what the nightly audit says."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart, number

RATE = "[$__rate_interval]"
BOARD = Board(
    "documents",
    "Dokumente",
    "Dokumente in den xAI-Sammlungen ihrer Datensätze.",
    (
        Row(
            "Jetzt",
            (
                number("Sammlungen", "max(sync_documents_collections)"),
                number("Unterwegs", 'max(sync_documents_by_state{state="pending_sync"})'),
                number("Fehlgeschlagen", 'max(sync_documents_by_state{state="failed"})', bad=1),
                number("Angehaltene Rücknahmen", "max(sync_documents_collections_held)", bad=1),
                number("Nicht zurückgenommene Übertragungen", "max(sync_documents_transfers_out)"),
                number("Befunde der Nachtprüfung", "sum(max by (kind) (sync_documents_audit_findings))", bad=1),
            ),
        ),
        Row(
            "Verlauf",
            (
                chart("Dokumente nach Zustand", Query("max by (state) (sync_documents_by_state)", "{{state}}")),
                chart(
                    "Blicke nach Ergebnis",
                    Query(f"sum by (result) (rate(sync_documents_looks_total{RATE}))", "{{result}}"),
                    unit="ops",
                ),
                chart(
                    "Was Blicke taten",
                    Query(f"sum by (step) (rate(sync_documents_steps_total{RATE}))", "{{step}}"),
                    unit="ops",
                ),
                chart("Abgelehnt", Query("sum by (step) (sync_documents_refused_total)", "{{step}}")),
                chart(
                    "Aufrufe an xAI",
                    Query(
                        f'sum by (upstream, code) (rate(sync_api_calls_total{{upstream=~"xai.*"}}{RATE}))',
                        "{{upstream}} {{code}}",
                    ),
                    unit="ops",
                ),
                chart(
                    "Am längsten fällig",
                    Query("max(sync_documents_oldest_due_seconds)", "Sekunden"),
                    unit="s",
                ),
            ),
        ),
    ),
)
