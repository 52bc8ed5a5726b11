"""An EspoCRM as it shows itself to an API user or an administrator: plain JSON in a frozen shape. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kanzlei.espocrm.webhooks import Webhook

Json = Mapping[str, Any]
EMPTY: Json = {}
DEFAULT_MOST_ENTRIES = 10
"""Phone numbers or mails of one record, where neither field nor settings say another number."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What `GET Metadata`, `GET App/user` and `GET Webhook` said.

    `definitions`: scope → `{"fields", "links"}`, None where there is no such type or nothing of it may be seen.
    `scopes`: scope → its flags. `logic`: scope → rules of its form. `webhooks`: None where they may not be read.
    `clock_skew`: seconds that EspoCRM's clock is ahead of ours, None where it did not say.
    """

    version: str
    definitions: Mapping[str, Json | None]
    scopes: Mapping[str, Json] = field(default_factory=dict)
    logic: Mapping[str, Json] = field(default_factory=dict)
    acl: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict)
    user: Json = field(default_factory=dict)
    webhooks: tuple[Webhook, ...] | None = None
    clock_skew: float | None = None

    @property
    def is_admin(self) -> bool:
        """An administrator may do everything, so nothing can be said of the rights."""
        return self.user.get("type") in ("admin", "super-admin")

    def field(self, scope: str, name: str) -> Json | None:
        """The field's definition, None where there is none or it is disabled."""
        found = part(part(self.definitions.get(scope), "fields"), name)
        return found if found and not found.get("disabled") else None

    def link(self, scope: str, name: str) -> Json | None:
        found = part(part(self.definitions.get(scope), "links"), name)
        return found if found and not found.get("disabled") else None

    def most_entries(self, scope: str, name: str) -> int:
        """How many numbers or mails a record may hold: the field's own limit, else the settings', else the default."""
        own = (self.field(scope, name) or EMPTY).get("maxCount")
        return next(
            (n for n in (own, self.settings.get(f"{name}MaxCount")) if isinstance(n, int)), DEFAULT_MOST_ENTRIES
        )


def part(whole: Any, name: str) -> Json:
    """A JSON object's member that should be an object; PHP writes an empty one as a list."""
    found = whole.get(name) if isinstance(whole, Mapping) else None
    return found if isinstance(found, Mapping) else EMPTY


def version_of(text: str) -> tuple[int, ...]:
    """`9.2.7` → (9, 2, 7). Empty where it is no number, as for a development build."""
    parts = text.split("-")[0].split(".")
    return tuple(int(each) for each in parts) if parts and all(each.isdigit() for each in parts) else ()
