"""The office at a glance: is everything on the other side, and if not, what waits for whom."""

from __future__ import annotations

from deploy.grafana.panels import Board, Query, Row, chart, number

BOARD = Board(
    "office",
    "Büro auf einen Blick",
    "Für die IT morgens um acht: kommt alles an, und was wartet auf wen.",
    (
        Row(
            "Jetzt",
            (
                number("Dienste, die antworten", 'sum(up{job="synckit"})', says="Alle Dienste, die Prometheus kennt."),
                number(
                    "Dienste, die nicht bereit sind", "count(min by (instance) (sync_ready) == 0) or vector(0)", bad=1
                ),
                number(
                    "Älteste Änderung, die drüben fehlt",
                    "max(sync:oldest_change_seconds)",
                    "s",
                    bad=900,
                    says="Wie lange die älteste Änderung schon wartet, die noch nicht auf der anderen Seite ist.",
                ),
                number("Probe durch alle Systeme", "max(sync_canary_seconds)", "s", bad=60),
                number("Datensätze, die warten", "sum(max by (entity, reason) (sync_parked_records))", bad=20),
                number("Nicht verarbeitbare Ereignisse", "sum(max by (topic) (sync_dead_letters_open))", bad=1),
                number("Hinweise, die noch nicht ankamen", "sum(max by (entity) (sync_notes_waiting))", bad=1),
                number("Bremse hält Quellen", "sum(max by (source) (sync_brake_engaged))", bad=1),
                number("Kalender in Quarantäne", "max(sync_calendar_quarantined)", bad=1),
                number(
                    "Abgelehnte Zugangsdaten",
                    "count(max by (upstream) (sync_upstream_auth_refused) == 1) or vector(0)",
                    bad=1,
                ),
                number("Abweichungen in EspoCRM", 'max(sync_espocrm_differences{severity="error"})', bad=1),
                number("Alarme", 'count(ALERTS{alertstate="firing"}) or vector(0)', bad=1),
            ),
        ),
        Row(
            "Verlauf",
            (
                chart(
                    "Älteste Änderung je Art",
                    Query("sync:oldest_change_seconds", "{{entity}}"),
                    unit="s",
                    says="0 heißt: alles ist auf der anderen Seite.",
                ),
                chart(
                    "Von der Änderung bis drüben (95 von 100 sind schneller)",
                    Query("sync:freshness_seconds:p95", "{{entity}}"),
                    unit="s",
                ),
                chart(
                    "Änderungen je Minute",
                    Query("60 * sum by (entity) (rate(sync_events_handled_total[$__rate_interval]))", "{{entity}}"),
                ),
                chart(
                    "Verknüpfte Datensätze",
                    Query('max by (entity) (sync_records{state="linked"})', "{{entity}}"),
                ),
            ),
        ),
    ),
)
