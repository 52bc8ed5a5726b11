"""The paths of the webhooks, and what each stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from synckit.events import Action

PREFIX = "/vmh/webhook"
NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "beteiligte": "beteiligte",
        "bankverbindungen": "bankverbindungen",
        "adressen": "adressen",
        "document": "dokumente",
    }
)
"""Word in the path → noun of the event."""
ACTIONS = (Action.CREATE, Action.UPDATE, Action.DELETE)


def webhook_paths() -> Iterator[tuple[str, str, Action]]:
    """Path, entity, action."""
    for word, entity in NOUNS.items():
        for action in ACTIONS:
            yield f"{PREFIX}/{word}/{action.value}", entity, action
