"""Which of the rows that were found are worth an event. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from recordsync.mapping.rows import NONE_SHOWN
from ticker.domain.rows import LeftRow, PartyRow, RightRow


def changed_by_others(
    rows: Iterable[LeftRow], known: Mapping[str, datetime], our_user: str | None, parked: Collection[str] = ()
) -> list[str]:
    """All but the traces of our own last write: the same second as we remember, and our user as who did it.

    A parked record shows when it is tried again: that, too, we wrote, and a look would come before its time.
    """
    ours = {row.id for row in rows if our_user is not None and row.modified_by == our_user and row.id in parked}
    return [row.id for row in rows if row.id not in ours and not _is_our_trace(row, known.get(row.id), our_user)]


def _is_our_trace(row: LeftRow, known: datetime | None, our_user: str | None) -> bool:
    if known is None or our_user is None or row.modified_by != our_user:
        return False
    return row.modified_at == known.replace(microsecond=0)


def changed_at_a_desk(rows: Iterable[RightRow], linked: Mapping[str, str], versions: Mapping[str, str]) -> list[str]:
    """Left ids of linked parties whose row id is not the one that we saw last. Without a link it is none of ours."""
    return [linked[row.id] for row in rows if row.id in linked and versions.get(row.id) != row.version]


def moved_rows(
    parties: Iterable[PartyRow], entity: str, known: Mapping[str, str | None], *, imported: bool
) -> list[tuple[str, str, str]]:
    """Number of the party, right id and row id of rows whose row id is not the one that we saw last, or that are new
    where new ones are wanted.

    `known`: right id → row id that we saw last, None where it is of no interest any more.
    """

    def moved(right_id: str, version: str) -> bool:
        return known[right_id] not in (None, version) if right_id in known else imported

    return [(p.id, *row) for p in parties for row in p.children.get(entity, {}).items() if moved(*row)]


def with_moved_lists(parties: Iterable[PartyRow], seen: Mapping[str, str]) -> list[PartyRow]:
    """Parties whose own rows are not the ones that the last look saw. That none are shown means nothing."""
    return [p for p in parties if p.lists not in (None, NONE_SHOWN, seen.get(p.id, NONE_SHOWN))]


def without_repeats(ids: Iterable[str]) -> list[str]:
    """Each id once, in the order of its first place."""
    return list(dict.fromkeys(ids))
