"""Log lines of a fixed form, of which there are thousands a second: nothing in them needs redaction.

A form's keys are closed, its numbers are numbers, and a text can only come from `word` or `ident` of `checked_text`,
which check it as redaction does. So a line is made, encoded once, and handed over.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class KnownLine(msgspec.Struct, kw_only=True, gc=False):
    """A form: subclasses have a `told` of their own, and fields of int, float, Word and Ident alone.

    `event`, `timestamp` and `service` are filled in by whoever prints it.
    """

    told: ClassVar[str]
    event: str = ""
    level: str = "info"
    timestamp: str = ""
    service: str = ""

    def fields(self) -> dict[str, Any]:
        """What the subclass adds, as far as it is there."""
        found = msgspec.structs.asdict(self)
        return {key: value for key, value in found.items() if key not in _STAMPS and value is not msgspec.UNSET}


_STAMPS = frozenset(KnownLine.__struct_fields__)
