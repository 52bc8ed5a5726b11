"""The paths of the webhooks, and what each stands for."""

from __future__ import annotations

from collections.abc import Iterator

from kanzlei.nouns import BY_PATH, WEBHOOK_PREFIX
from synckit.events import Action

PREFIX = WEBHOOK_PREFIX
LINKED = "entity"
"""Word in the path of what happens to two records at once, whatever their nouns are."""


PUSH_PATH = "/google/push"
"""Of Google's channels: no noun of EspoCRM's, and no body."""


def webhook_paths() -> Iterator[tuple[str, str, Action]]:
    """Path, entity, action."""
    for word, noun in BY_PATH.items():
        for action in map(Action, noun.actions):
            yield f"{PREFIX}/{word}/{action.value}", noun.name, action


def link_paths() -> Iterator[tuple[str, str, Action]]:
    """Path, entity, action of the webhooks that EspoCRM itself does not have."""
    for action in (Action.LINK, Action.UNLINK):
        yield f"{PREFIX}/{LINKED}/{action.value}", LINKED, action
