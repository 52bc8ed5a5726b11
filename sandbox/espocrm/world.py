"""One sandbox instance: settings, clock, metadata, store, users and queues, handed to every part instead of globals."""

from __future__ import annotations

import copy
from dataclasses import asdict, fields
from typing import Any

from sandbox.changes import ChangeLog
from sandbox.espocrm.clock import Clock
from sandbox.espocrm.customization import Customization, install_jobs
from sandbox.espocrm.events import EventLog
from sandbox.espocrm.metadata import EntityDef, Metadata
from sandbox.espocrm.settings import CONFIG_NAMES, Settings
from sandbox.espocrm.store import Store
from sandbox.espocrm.users import Directory


class World:
    """Everything that a request can see or change. `reset` brings back a fresh installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = Clock()
        self.metadata = Metadata(settings.profile, settings.version)
        self.store = Store()
        self.users = Directory(settings.profile)
        self.events = EventLog()
        self.customization = Customization()
        self.changes = ChangeLog()
        self._snapshots: dict[int, dict[str, Any]] = {}
        self._install()

    def _install(self) -> None:
        self.users.install(self.store, self.clock.stamp())
        install_jobs(self.store, self.clock.stamp())

    def entity(self, name: str) -> EntityDef | None:
        """The definition of an entity type."""
        return self.metadata.get(name)

    def reset(self, changes: dict[str, Any] | None = None) -> None:
        """Forget all records and take the changed settings over."""
        self.configure(changes or {})
        self.clock.set(None)
        self.metadata = Metadata(self.settings.profile, self.settings.version)
        self.store = Store()
        self.users = Directory(self.settings.profile)
        self.events = EventLog()
        self.customization = Customization()
        self._install()

    def configure(self, changes: dict[str, Any]) -> None:
        """Change settings by name; raises ValueError for an unknown one."""
        known = {each.name for each in fields(Settings)}
        changes = {CONFIG_NAMES.get(name, name): value for name, value in changes.items()}
        if unknown := set(changes) - known:
            raise ValueError(f"unknown setting: {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            setattr(self.settings, name, value)

    def snapshot(self) -> int:
        """Keep the present state; answers its number."""
        number = max(self._snapshots, default=0) + 1
        self._snapshots[number] = self._state()
        return number

    def restore(self, number: int, *, keep: bool = False) -> None:
        """Go back to a kept state, and forget it unless it is to be kept."""
        state = self._snapshots[number] if keep else self._snapshots.pop(number)
        self.store.restore_state(state["store"])
        self.users.restore_state(state["users"])
        self.events = copy.deepcopy(state["events"])
        self.metadata = copy.deepcopy(state["metadata"])
        self.customization = copy.deepcopy(state["customization"])

    def forget(self, number: int) -> None:
        """Drop a kept state."""
        self._snapshots.pop(number, None)

    def _state(self) -> dict[str, Any]:
        return {
            "store": self.store.copy_state(),
            "users": self.users.copy_state(),
            "events": copy.deepcopy(self.events),
            "metadata": copy.deepcopy(self.metadata),
            "customization": copy.deepcopy(self.customization),
        }

    def settings_row(self) -> dict[str, Any]:
        """The settings as the control API shows them."""
        return asdict(self.settings)
