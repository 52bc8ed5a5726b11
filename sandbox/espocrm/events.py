"""What a save tells the webhooks: which events it is, and which attributes each carries."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record, Store

NEVER_SENT = frozenset(
    {"modifiedAt", "streamUpdatedAt", "versionNumber", "isFollowed", "isStarred", "followersIds", "followersNames"}
)


@dataclass(frozen=True)
class Event:
    """A row of the event queue: not yet spread over webhooks."""

    name: str
    entity_type: str
    record_id: str
    user_id: str | None
    item: dict[str, Any]


@dataclass
class Item:
    """A row of one webhook's queue. `status`: pending, sent, failed, dropped."""

    number: int
    webhook_id: str
    event: str
    record_id: str
    item: dict[str, Any]
    status: str = "pending"
    attempts: int = 0
    due: float = 0.0
    code: int | None = None


@dataclass
class LinkJob:
    """A job of the link hook: two records, and when it is sent. `action`: link, unlink."""

    action: str
    pair: dict[str, str]
    attempts: int = 0
    due: float = 0.0


@dataclass
class EventLog:
    """Both queues and what has become of everything in them."""

    pending: deque[Event] = field(default_factory=deque)
    queues: dict[str, deque[Item]] = field(default_factory=dict)
    done: deque[Item] = field(default_factory=lambda: deque(maxlen=100_000))
    last_number: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"sent": 0, "failed": 0, "dropped": 0})
    link_jobs: deque[LinkJob] = field(default_factory=deque)
    link_counts: dict[str, int] = field(default_factory=lambda: {"sent": 0, "failed": 0})

    def enqueue(self, webhook_id: str, event: Event, item: dict[str, Any]) -> None:
        """Give an event to one webhook."""
        self.last_number += 1
        queue = self.queues.setdefault(webhook_id, deque())
        queue.append(Item(self.last_number, webhook_id, event.name, event.record_id, item))

    def finish(self, item: Item, status: str) -> None:
        """An item has left its queue."""
        item.status = status
        self.counts[status] += 1
        self.done.append(item)

    def drop_webhook(self, webhook_id: str) -> int:
        """The webhook is gone or inactive: what waits for it is deleted."""
        queue = self.queues.pop(webhook_id, deque())
        for item in queue:
            self.finish(item, "dropped")
        return len(queue)


def active_webhooks(store: Store, event: str) -> list[Record]:
    """The webhooks that listen to an event."""
    return [
        record
        for record in store.live("Webhook")
        if record.values.get("event") == event and record.values.get("isActive", True)
    ]


def changed_attributes(entity: EntityDef, fetched: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """Keys whose value in memory is another than the one that was read."""
    return [name for name in entity.attributes if name in current and current[name] != fetched.get(name)]


def update_item(record_id: str, changed: list[str], current: dict[str, Any]) -> dict[str, Any] | None:
    """The item of X.update, or None where nothing is to be told."""
    told = {name: current[name] for name in changed if name not in NEVER_SENT}
    return {**told, "id": record_id} if told else None


def field_item(entity: EntityDef, field_name: str, record_id: str, current: dict[str, Any]) -> dict[str, Any]:
    """The item of X.fieldUpdate.<field>: all keys of the field, changed or not."""
    keys = entity.attributes_of_field(field_name)
    return {"id": record_id, **{key: current[key] for key in keys if key in current}}


def changed_fields(entity: EntityDef, changed: list[str]) -> list[str]:
    """Fields of which a key changed."""
    told = set(changed) - NEVER_SENT
    return [name for name in entity.fields if told.intersection(entity.attributes_of_field(name))]
