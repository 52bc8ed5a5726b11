"""Every synced entity, explicitly. The laws run over this registry: what is registered is tested."""

from __future__ import annotations

from beteiligte_sync.entities.adressen.mapping import ADRESSEN
from beteiligte_sync.entities.bankverbindungen.mapping import BANKVERBINDUNGEN
from beteiligte_sync.entities.beteiligte.mapping import BETEILIGTE
from recordsync.mapping.field import EntityMapping

REGISTRY: tuple[EntityMapping, ...] = (BETEILIGTE, ADRESSEN, BANKVERBINDUNGEN)
