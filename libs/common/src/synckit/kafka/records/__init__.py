"""Reading what a broker hands out so that no single record stops a partition."""

from __future__ import annotations

from synckit.kafka.records.reader import UNREADABLE, UnreadablePartition, install

__all__ = ["UNREADABLE", "UnreadablePartition", "install"]
