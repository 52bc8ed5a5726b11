"""An exception told without its values: types and frames, and the text only where it is one of our own."""

from __future__ import annotations

from synckit.errors import SyncError
from synckit.runtime.redaction import describe_exception


def message_of(error: BaseException) -> str:
    """The text of a SyncError, else the type's name: a foreign text may quote anything, a client's name included."""
    return str(error) if isinstance(error, SyncError) else type(error).__name__


def traceback_of(error: BaseException) -> str:
    """Frames and types of the error and its causes."""
    return "\n".join(describe_exception(error))
