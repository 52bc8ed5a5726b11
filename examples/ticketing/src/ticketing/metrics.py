"""Metrics of ours; those of the worker, of HTTP and of health come with the library."""

from prometheus_client import Counter, Gauge

from synckit.service.metrics import REGISTRY

OPENED = Counter("ticketing_opened_total", "Tickets that were opened.", registry=REGISTRY)
OVERDUE = Gauge("ticketing_overdue", "Tickets that nobody has triaged in time, at the last look.", registry=REGISTRY)
