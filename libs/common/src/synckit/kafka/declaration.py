"""What `deploy/kafka/topics.yaml` declares, and how a cluster differs from it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

APPLY_COMMAND = "python -m synckit.kafka apply"
DAY_MS = 86_400_000
CLEANUPS = ("delete", "compact", "compact,delete")


class DeclarationError(ValueError):
    """The file is wrong. The text names the topic and the setting."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, declared or found. Retention in milliseconds."""

    name: str
    partitions: int
    replication: int
    cleanup: str
    retention_ms: int
    min_insync: int
    keyed: bool = True

    @property
    def configs(self) -> dict[str, str]:
        """As Kafka names them."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention_ms),
            "min.insync.replicas": str(self.min_insync),
        }


class Remedy(StrEnum):
    """What `apply` does about a difference."""

    CREATE = "create"
    CONFIGURE = "configure"
    ADD_PARTITIONS = "add_partitions"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Difference:
    """`setting` is empty where the whole topic is missing."""

    topic: str
    remedy: Remedy
    setting: str = ""
    declared: str = ""
    found: str = ""

    def __str__(self) -> str:
        if self.remedy is Remedy.CREATE:
            return f"{self.topic}: missing"
        told = f"{self.topic}: {self.setting} is {self.found}, declared is {self.declared}"
        return f"{told}; {_WHY[self.setting]}" if self.remedy is Remedy.REFUSE else told


_WHY = {
    "partitions": "refused: with another count the same key lands in another partition and its order is lost"
    " (a new topic and a replay are the way), and partitions can't be taken away",
    "replication": "refused: replicas are moved with Kafka's own reassignment tool",
}


def parse(document: object, replication: int = 1) -> dict[str, Topic]:
    """Name → topic. DeclarationError where something is missing, unknown or impossible."""
    root = _mapping(document, "the file")
    if set(root) - {"defaults", "topics"} or "topics" not in root:
        raise DeclarationError("the file has exactly the sections `defaults` and `topics`")
    if replication < 1:
        raise DeclarationError("the replication factor is at least 1")
    defaults = _mapping(root.get("defaults", {}), "defaults")
    topics = _mapping(root["topics"], "topics")
    return {name: _topic(name, {**defaults, **_mapping(own, name)}, replication) for name, own in topics.items()}


def compare(declared: Mapping[str, Topic], found: Mapping[str, Topic]) -> list[Difference]:
    """What stands between a cluster and the declaration. Topics that nobody declared are left alone."""
    differences: list[Difference] = []
    for name, topic in declared.items():
        there = found.get(name)
        if there is None:
            differences.append(Difference(name, Remedy.CREATE))
        else:
            differences += _settings(topic, there)
    return differences


def _settings(topic: Topic, there: Topic) -> list[Difference]:
    different = []
    if there.partitions != topic.partitions:
        may_grow = not topic.keyed and there.partitions < topic.partitions
        remedy = Remedy.ADD_PARTITIONS if may_grow else Remedy.REFUSE
        different.append(Difference(topic.name, remedy, "partitions", str(topic.partitions), str(there.partitions)))
    if there.replication != topic.replication:
        different.append(
            Difference(topic.name, Remedy.REFUSE, "replication", str(topic.replication), str(there.replication))
        )
    found = there.configs
    different += [
        Difference(topic.name, Remedy.CONFIGURE, setting, value, found[setting])
        for setting, value in topic.configs.items()
        if found[setting] != value
    ]
    return different


_SETTINGS = {"partitions": int, "keyed": bool, "cleanup": str, "retention_days": int, "min_insync": int}


def _topic(name: str, settings: Mapping[str, Any], replication: int) -> Topic:
    for setting, value in settings.items():
        kind = _SETTINGS.get(setting)
        if kind is None:
            raise DeclarationError(f"{name}: unknown setting {setting}")
        if type(value) is not kind:
            raise DeclarationError(f"{name}: {setting} is not a {kind.__name__}")
    missing = set(_SETTINGS) - set(settings)
    if missing:
        raise DeclarationError(f"{name}: missing {', '.join(sorted(missing))}")
    if settings["cleanup"] not in CLEANUPS:
        raise DeclarationError(f"{name}: cleanup is one of {', '.join(CLEANUPS)}")
    for setting in ("partitions", "retention_days", "min_insync"):
        if settings[setting] < 1:
            raise DeclarationError(f"{name}: {setting} is at least 1")
    return Topic(
        name=name,
        partitions=settings["partitions"],
        replication=replication,
        cleanup=settings["cleanup"],
        retention_ms=settings["retention_days"] * DAY_MS,
        min_insync=max(1, min(settings["min_insync"], replication - 1)),
        keyed=settings["keyed"],
    )


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DeclarationError(f"{what}: not a mapping of names")
    return value
