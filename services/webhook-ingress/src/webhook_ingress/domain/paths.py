"""The paths of the webhooks, and what each stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kanzlei.nouns import NOUNS as OFFICE_NOUNS
from kanzlei.nouns import WEBHOOK_ACTIONS, WEBHOOK_PREFIX
from synckit.events import Action

PREFIX = WEBHOOK_PREFIX
NOUNS: Mapping[str, str] = MappingProxyType({noun.path: noun.name for noun in OFFICE_NOUNS})
"""Word in the path → noun of the event."""
ACTIONS = tuple(Action(action) for action in WEBHOOK_ACTIONS)
LINKED = "entity"
"""Word in the path of what happens to two records at once, whatever their nouns are."""


PUSH_PATH = "/google/push"
"""Of Google's channels: no noun of EspoCRM's, and no body."""


def webhook_paths() -> Iterator[tuple[str, str, Action]]:
    """Path, entity, action."""
    for word, entity in NOUNS.items():
        for action in ACTIONS:
            yield f"{PREFIX}/{word}/{action.value}", entity, action


def link_paths() -> Iterator[tuple[str, str, Action]]:
    """Path, entity, action of the webhooks that EspoCRM itself does not have."""
    for action in (Action.LINK, Action.UNLINK):
        yield f"{PREFIX}/{LINKED}/{action.value}", LINKED, action
