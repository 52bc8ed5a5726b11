"""The ports of one entity, as an engine is given them."""

from __future__ import annotations

from dataclasses import dataclass

from synckit.ports import BrakeLedger, Clock, LinkStore, Locks, Notifier, RemoteStore, SearchableStore


@dataclass(frozen=True, slots=True)
class Remotes:
    """`parents`: our memory of the entity that this one's records belong to.

    A child's notes go to its parent: `notifier` is that of the parent's type then. `brake`: shared by all workers.
    """

    left: RemoteStore
    right: SearchableStore
    links: LinkStore
    locks: Locks
    notifier: Notifier
    clock: Clock
    parents: LinkStore | None = None
    brake: BrakeLedger | None = None
