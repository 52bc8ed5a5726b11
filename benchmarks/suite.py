"""All benchmarks, in turn, each as its own command would run it: name, title and function."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import backlog, calendar, cost_per_event, ingress, latency, proxy, reconcile, scaling, sync_throughput
from benchmarks.command import Benchmark


@dataclass(frozen=True)
class Line:
    """One benchmark."""

    name: str
    title: str
    run: Benchmark


SUITE = (
    Line("ingress", ingress.TITLE, ingress.run),
    Line("sync_throughput", sync_throughput.TITLE, sync_throughput.run),
    Line("latency", latency.TITLE, latency.run),
    Line("cost_per_event", cost_per_event.TITLE, cost_per_event.run),
    Line("backlog", backlog.TITLE, backlog.run),
    Line("reconcile", reconcile.TITLE, reconcile.run),
    Line("scaling", scaling.TITLE, scaling.run),
    Line("proxy", proxy.TITLE, proxy.run),
    Line("calendar", calendar.TITLE, calendar.run),
)
