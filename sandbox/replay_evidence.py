"""The starting state that a recording tells of: records and times that appear in it without having been made in it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.replay_recording import ID, Exchange, id_stamp, rows_of, stamps
from sandbox.replay_shapes import Shapes

EPOCH = "2000-01-01 00:00:00"
CONFLICT = 409
NOT_FOUND = 404
INVENTED = {"emailAddress": "vorher@example.org", "phoneNumber": "+4930000000"}
ROUTE_WITH_LINK = 3
IGNORED = frozenset({"id", "deleted", "createdAt", "createdById", "modifiedAt", "modifiedById", "versionNumber"})


@dataclass
class Seed:
    """A record that was there before: from its createdAt on, or from the exchange on that first names it."""

    entity: str
    row: dict[str, Any]
    since: str | None
    index: int
    complete: bool


class Evidence:
    """Read once, before anything is sent."""

    def __init__(self, exchanges: list[Exchange], shapes: Shapes) -> None:
        self.shapes = shapes
        self.clocks = self._read_clocks(exchanges)
        self.created = {str(row["id"]) for each in exchanges if _creates(each) for row in rows_of(each)}
        self.last_seen: dict[str, int] = {}
        self.seeds: dict[str, Seed] = {}
        for index, exchange in enumerate(exchanges):
            self._look_at(index, exchange)

    @staticmethod
    def _read_clocks(exchanges: list[Exchange]) -> list[str]:
        """What time it was at each exchange, as far as the answers tell."""
        clocks, latest = [], EPOCH
        for exchange in exchanges:
            latest = max(latest, *stamps(exchange.answer), latest) if exchange.answer is not None else latest
            clocks.append(_own_stamp(exchange) or latest)
        return _forward(clocks)

    def _look_at(self, index: int, exchange: Exchange) -> None:
        answer = exchange.answer
        is_deleted = isinstance(answer, dict) and answer.get("deleted") is True
        if exchange.status != NOT_FOUND and not is_deleted:
            for text in (exchange.path, exchange.body, exchange.answer_body):
                for found in ID.findall(text):
                    self.last_seen[found] = index
        for entity, row, complete in self._sightings(exchange):
            self._note(entity, row, index, complete=complete)

    def _sightings(self, exchange: Exchange) -> Iterator[tuple[str, dict[str, Any], bool]]:
        entity = self.shapes.entity_of_rows(exchange)
        if entity is not None and (exchange.is_ok or exchange.status == CONFLICT):
            for row in rows_of(exchange):
                yield entity, before(row, exchange), True
                for kind, found, name in self.shapes.references(entity, row):
                    yield kind, _minimal(found, name), False
        if exchange.status == NOT_FOUND and not _exists_all_the_same(exchange):
            return
        yield from self._in_request(exchange)
        yield from self._in_path(exchange)

    def _in_request(self, exchange: Exchange) -> Iterator[tuple[str, dict[str, Any], bool]]:
        if (exchange.reason or "").startswith("Can't relate") or exchange.status == NOT_FOUND:
            return
        sent = exchange.sent
        if exchange.segments == ["MassAction"]:
            ids = sent.get("params", {}).get("ids", [])
            yield from ((str(sent.get("entityType")), _minimal(str(each), None), False) for each in ids)
            return
        if len(exchange.segments) == ROUTE_WITH_LINK:
            kind = self.shapes.foreign(exchange.entity, exchange.segments[2])
            ids = [*(sent.get("ids") or []), *([sent["id"]] if sent.get("id") else [])]
            yield from ((kind, _minimal(str(each), None), False) for each in ids if kind)
            return
        for kind, found, name in self.shapes.references(exchange.entity, sent):
            if ID.fullmatch(found):
                yield kind, _minimal(found, name), False

    def _in_path(self, exchange: Exchange) -> Iterator[tuple[str, dict[str, Any], bool]]:
        parts = exchange.segments
        if parts[:2] == ["Attachment", "file"] and exchange.is_ok:
            content = base64.b64encode(exchange.answer_body.encode()).decode()
            kind = exchange.answer_headers.get("content-type")
            row = {"name": "Datei", "type": kind, "_content": f"data:;base64,{content}"}
            yield "Attachment", {"id": parts[2], **row}, False
        elif len(parts) > 1 and ID.fullmatch(parts[1]) and self.shapes.known(exchange.entity):
            yield exchange.entity, {"id": parts[1], **linked_rows(exchange)}, False

    def _note(self, entity: str, row: dict[str, Any], index: int, *, complete: bool) -> None:
        record_id = str(row["id"])
        if record_id in self.created or not self.shapes.known(entity):
            return
        since = row.get("createdAt") or id_stamp(record_id)
        known = self.seeds.get(record_id)
        if known is None:
            stamped = {"createdAt": since, **row} if since else dict(row)
            self.seeds[record_id] = Seed(entity, stamped, since, index, complete)
            return
        if complete and not known.complete:
            known.row, known.complete = {**known.row, **row}, True
        else:
            known.row.update({key: value for key, value in row.items() if key not in known.row})

    def take_due(self, index: int) -> list[Seed]:
        """The seeds that exist by this exchange; each is given out once."""
        clock = self.clocks[index]
        due = [key for key, seed in self.seeds.items() if seed.index <= index or (seed.since and seed.since <= clock)]
        return [self.seeds.pop(record_id) for record_id in due]

    def is_gone_after(self, record_id: str, index: int) -> bool:
        """True where nothing later names the record: it may have been deleted between two recorded exchanges."""
        return self.last_seen.get(record_id, -1) < index


def _minimal(record_id: str, name: str | None) -> dict[str, Any]:
    return {"id": record_id} if name is None else {"id": record_id, "name": name}


def _exists_all_the_same(exchange: Exchange) -> bool:
    """A 404 that is not about the record in the path."""
    return bool(exchange.reason) and re.match(r"Record \S+ (does not exist|not found)", exchange.reason or "") is None


def linked_rows(exchange: Exchange) -> dict[str, Any]:
    """The links of the record in the path, where the answer lists them."""
    parts, answer = exchange.segments, exchange.answer
    is_list = exchange.method == "GET" and isinstance(answer, dict) and isinstance(answer.get("list"), list)
    if len(parts) != ROUTE_WITH_LINK or not is_list or parts[2] in ("stream", "posts") or not rows_of(exchange):
        return {}
    return {"_links": {parts[2]: [str(row["id"]) for row in rows_of(exchange)]}}


def _creates(exchange: Exchange) -> bool:
    return exchange.method == "POST" and exchange.is_ok and len(exchange.segments) == 1


def _own_stamp(exchange: Exchange) -> str | None:
    """The time at which a write happened: its own stamp."""
    row = exchange.answer
    if not exchange.is_ok or exchange.method not in ("POST", "PUT", "PATCH") or not isinstance(row, dict):
        return None
    stamp = row.get("createdAt" if exchange.method == "POST" else "modifiedAt")
    return stamp if isinstance(stamp, str) else None


def _forward(clocks: list[str]) -> list[str]:
    latest, found = EPOCH, []
    for clock in clocks:
        latest = max(latest, clock)
        found.append(latest)
    return found


def before(row: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """A record as it must have been before the exchange that shows it."""
    if exchange.method not in ("PUT", "PATCH") or exchange.status == CONFLICT:
        return dict(row)
    sent = {key: value for key, value in exchange.sent.items() if key not in IGNORED}
    hidden = set(sent) | {"modifiedAt"}
    hidden |= {f"{key[:-2]}Name" for key in sent if key.endswith("Id")}
    hidden |= {f"{key[:-3]}Names" for key in sent if key.endswith("Ids")}
    found = {key: value for key, value in row.items() if key not in hidden}
    if "firstName" in hidden or "lastName" in hidden:
        found.pop("name", None)
    if isinstance(found.get("versionNumber"), int):
        found["versionNumber"] -= 1
    for field in INVENTED:
        if any(key.startswith(field) for key in sent):
            _points_before(field, row, sent, found)
    return found


def _points_before(field: str, row: dict[str, Any], sent: dict[str, Any], found: dict[str, Any]) -> None:
    """Addresses before a write of them, from what EspoCRM leaves stale in its answer: the flags are those of before."""
    for key in [key for key in found if key.startswith(field)]:
        found.pop(key)
    rows = sent.get(f"{field}Data") or []
    written = {str(each.get(field)).lower() for each in rows if isinstance(each, dict)} | {str(sent.get(field)).lower()}
    kept = [
        dict(each, primary=False)
        for each in row.get(f"{field}Data") or []
        if f"{field}Data" not in sent and str(each.get(field)).lower() not in written
    ]
    opted_out = row.get(f"{field}IsOptedOut")
    if opted_out is not None:
        shown = row.get(field)
        primary = shown if shown and str(shown).lower() not in written else INVENTED[field]
        first = {field: primary, "primary": True, "optOut": opted_out, "invalid": row.get(f"{field}IsInvalid")}
        kept = [first, *(each for each in kept if each.get(field) != primary)]
    found[f"{field}Data"] = kept
