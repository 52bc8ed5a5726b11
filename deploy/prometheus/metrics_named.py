"""Which metrics there are, and which an expression names: rules and panels may name no others."""

from __future__ import annotations

import re
from functools import lru_cache

from deploy.prometheus.rules import HERE

ROOT = HERE.parents[1]
PROCESS = frozenset({"up", "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"})
"""What Prometheus and its library show of any process."""
_NAME = re.compile(r"\b(sync[_:][\w:]+|up|process_\w+)\b")


@lru_cache(maxsize=1)
def declared() -> frozenset[str]:
    """All names as they can be asked for: those of the code, parts of histograms, and what rules record."""
    sources = [*(ROOT / "libs/common/src").rglob("*metrics.py"), *(ROOT / "services").glob("*/src/*/metrics.py")]
    names = {name for path in sources for name in re.findall(r'"(sync_\w+)"', path.read_text(encoding="utf-8"))}
    parts = {f"{name}_{part}" for name in names for part in ("bucket", "sum", "count")}
    recorded = re.findall(r"record: (\S+)", (HERE / "alerts.template.yml").read_text(encoding="utf-8"))
    return PROCESS | names | parts | frozenset(recorded)


def metrics_in(expression: str) -> frozenset[str]:
    """Names of metrics; words in quotes are none."""
    return frozenset(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))
