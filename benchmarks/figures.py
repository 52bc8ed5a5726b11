"""Percentiles, medians of ratios, and what a process has cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import psutil


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that `share` of all do not exceed. NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios cycle by cycle: what slows a whole cycle down cancels out."""
    return median(mine / yours for mine, yours in zip(ours, theirs, strict=True))


def cpu_seconds(pid: int) -> float:
    """User and system time of one process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def resident_mib(pid: int) -> float:
    """What it holds in memory now."""
    return float(psutil.Process(pid).memory_info().rss / 2**20)
