"""What a look may ask of both systems and of our memory. Frozen: a step names them, an observation answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from synckit.ports import Payload
from synckit.reconcile.brake import Loss
from synckit.reconcile.plan import Side


@dataclass(frozen=True, slots=True)
class ReadLeft:
    """The record in EspoCRM. `again`: after the pause that makes two answers of "gone" worth more than one."""

    again: bool = False


@dataclass(frozen=True, slots=True)
class ReadRight:
    """A record in Advoware. `again`: as of `ReadLeft`."""

    right_id: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class AskParent:
    """Where a child's parent stands. `left_id`: as the child names it, else whoever is linked to `home`.

    `home`: the right id of the party whose row the child is, "" for one that is not linked.
    """

    left_id: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class AskOwner:
    """Which left record a right record is linked to."""

    right_id: str


@dataclass(frozen=True, slots=True)
class ReadRivals:
    """Other left records that once claimed our right record."""

    left_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """What a lost POST may have made. `since`: declared then, None to search all that there is."""

    payload: Payload
    since: datetime | None


@dataclass(frozen=True, slots=True)
class AskWitnesses:
    """Whether a side still knows a few other records. `home`: none of this party's rows is asked about."""

    side: Side
    home: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """What a source wants to lose here, counted along with what it lost elsewhere. `value` is hashed by the ledger."""

    source: Side
    loss: Loss
    value: str = ""
    version: str = ""


Question = ReadLeft | ReadRight | AskParent | AskOwner | ReadRivals | Search | AskWitnesses | Count
