"""`dataclasses.replace` for wide frozen values, of which a look makes some thirty from others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import replace
else:
    import dataclasses

    T = TypeVar("T")

    def replace(value: T, /, **changes: Any) -> T:
        """The value with these fields changed. TypeError for a field that it has not.

        One without slots is copied as a whole, where `dataclasses.replace` sets each field anew: it must have no field
        that is not given to its constructor, and nothing to do in `__post_init__`.
        """
        held = getattr(value, "__dict__", None)
        if held is None or not changes.keys() <= held.keys():
            return dataclasses.replace(value, **changes)
        made = object.__new__(type(value))
        made.__dict__.update(held, **changes)
        return made


__all__ = ["replace"]
