"""What the contract leaves open or lets vary, each both ways, and the lies of a bad day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MIB = 1024 * 1024
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "attach_twice": (200, 409),
    "unique_status": (400, 409, 422),
    "deleted_file_documents": ("listed", "gone"),
    "file_shape": ("id", "file_id"),
    "wrong_key_status": (400, 401),
    "swapped_status": (401, 403),
    "lie": (None, "empty_list", "half_list", "not_found"),
}
LARGEST_UPLOAD = 110 * MIB


@dataclass
class Switches:
    """`deleted_file_seconds`: so long a deleted file is still in lists. `token_at_end`: a last page has a token, too.

    `max_file_bytes`, `max_files`, `max_total_bytes` are the account's; `rights` those of the management key.
    """

    attach_twice: int = 409
    unique_status: int = 400
    deleted_file_documents: str = "listed"
    deleted_file_seconds: float = 0.0
    collection_takes_files: bool = False
    file_shape: str = "id"
    token_at_end: bool = True
    idempotency_key: bool = False
    wrong_key_status: int = 400
    swapped_status: int = 401
    rights: bool = True
    max_file_bytes: int = 50 * MIB
    max_files: int = 100_000
    max_total_bytes: int = 100 * 1024 * MIB
    full_status: int = 429
    lie: str | None = None

    def as_row(self) -> dict[str, Any]:
        """As GET shows them."""
        return asdict(self)

    def change(self, given: Mapping[str, Any]) -> None:
        """All of them or none. ValueError that says what is wrong."""
        now = self.as_row()
        for name, value in given.items():
            if name not in now:
                raise ValueError(f"unknown switch {name}: {', '.join(now)}")
            if name in CHOICES and value not in CHOICES[name]:
                raise ValueError(f"{name} is one of {', '.join(map(repr, CHOICES[name]))}")
            if name not in CHOICES and not _is_like(value, now[name]):
                raise ValueError(f"{name} is of another type than {now[name]!r}")
        for name, value in given.items():
            setattr(self, name, value)


def _is_like(value: object, now: object) -> bool:
    if isinstance(now, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(now, bool)
    return isinstance(value, int | float) and value >= 0
