"""Brings the sandbox to the state in which a recorded answer was given: much happens between two recorded exchanges.

Only what such unseen work explains is touched: never a key that the exchange itself wrote, and of a record that was read,
nothing but links and addresses unless its modifiedAt shows that somebody wrote it.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from sandbox.replay_actors import Cast
from sandbox.replay_compare import Ids
from sandbox.replay_evidence import Evidence, before
from sandbox.replay_recording import Exchange, parse, rows_of
from sandbox.replay_shapes import Shapes
from sandbox.replay_wire import Reply, Wire

CONFLICT = 409
FORBIDDEN = 403
NOT_FOUND = 404
RECORD_ROUTE = 2
SILENT = re.compile(r"(Id|Ids|Name|Names|Type|Data|IsOptedOut|IsInvalid)$|^(emailAddress|phoneNumber|streamUpdatedAt)$")
NO_ACCESS = re.compile(r"No (create|read|edit|delete) access\.")


class Aligner:
    """One per installation replayed."""

    def __init__(self, wire: Wire, shapes: Shapes, evidence: Evidence, cast: Cast, ids: Ids) -> None:
        self.wire, self.shapes, self.evidence, self.cast, self.ids = wire, shapes, evidence, cast, ids

    def seed(self, entity: str, rows: list[dict[str, Any]]) -> None:
        """Write records as the recording has them, under their recorded ids or those that stand for them."""
        for row in rows:
            self.ids.bind(str(row["id"]), str(row["id"]))
        translated = json.loads(self.ids.translate(json.dumps(rows)))
        if rows:
            self.wire.control("POST", "state", {entity: translated})

    def align(self, index: int, exchange: Exchange, reply: Reply, differences: list[str]) -> bool:
        """Change the state so that the recorded answer can come; False where nothing could be done."""
        done = self._align_role(exchange, reply)
        entity = self.shapes.entity_of_rows(exchange)
        if entity is None:
            return done
        if exchange.status == NOT_FOUND or reply.headers.get("x-status-reason") == "duplicate" != exchange.reason:
            return self._hide(index, exchange, entity, reply) or done
        if exchange.status == CONFLICT and exchange.reason == "modified":
            return self._align_conflict(exchange, entity) or done
        for row in rows_of(exchange):
            patch = self._patch(exchange, row, reply, differences)
            if patch:
                self.seed(entity, [patch])
                done = True
        if self._is_list(exchange):
            done = self._hide(index, exchange, entity, reply) or done
        return done

    @staticmethod
    def _is_list(exchange: Exchange) -> bool:
        answer = exchange.answer
        return isinstance(answer, dict) and isinstance(answer.get("list"), list)

    def _patch(
        self, exchange: Exchange, row: dict[str, Any], reply: Reply, differences: list[str]
    ) -> dict[str, Any] | None:
        """The keys of a recorded row that may be written into the state."""
        if exchange.method == "POST" and exchange.is_ok:
            return None
        have = self._row_in_reply(row, reply)
        if exchange.method in ("PUT", "PATCH"):
            wanted = before(row, exchange)
            touched = {re.split(r"[.\[:]", line, maxsplit=1)[0] for line in differences}
            if have is not None:
                wanted = {key: value for key, value in wanted.items() if key == "id" or _concerns(key, touched)}
            return wanted if len(wanted) > 1 else None
        if have is None:
            return dict(row)
        differing = {key: value for key, value in row.items() if have.get(key) != value}
        if have.get("modifiedAt") == row.get("modifiedAt"):
            differing = {key: value for key, value in differing.items() if SILENT.search(key)}
        return {**differing, "id": row["id"]} if differing else None

    def _row_in_reply(self, row: dict[str, Any], reply: Reply) -> dict[str, Any] | None:
        answer = parse(reply.text)
        if isinstance(answer, dict) and isinstance(answer.get("list"), list):
            answer = answer["list"]
        wanted = self.ids.translate(str(row["id"]))
        rows = answer if isinstance(answer, list) else [answer]
        return next((each for each in rows if isinstance(each, dict) and each.get("id") == wanted), None)

    def _align_conflict(self, exchange: Exchange, entity: str) -> bool:
        answer = exchange.answer
        if not isinstance(answer, dict) or len(exchange.segments) != RECORD_ROUTE:
            return False
        row = {**answer.get("values", {}), "versionNumber": answer.get("versionNumber"), "id": exchange.segments[1]}
        self.seed(entity, [row])
        return True

    def _hide(self, index: int, exchange: Exchange, entity: str, reply: Reply) -> bool:
        """Delete what the recorded answer does not have and nothing later names."""
        answer = parse(reply.text)
        rows = answer.get("list", [answer]) if isinstance(answer, dict) else answer or []
        wanted = {self.ids.translate(str(row["id"])) for row in rows_of(exchange)}
        done = False
        for row in rows if isinstance(rows, list) else []:
            found = row.get("id") if isinstance(row, dict) else None
            if found and found not in wanted and self.evidence.is_gone_after(self.ids.back(found), index):
                self.wire.control("DELETE", f"state/{entity}/{found}")
                done = True
        return done

    def _align_role(self, exchange: Exchange, reply: Reply) -> bool:
        """Roles were changed between exchanges as well: message and mass-update permission, access to a scope."""
        login = self.cast.actor_of(exchange).login
        reason, actual = exchange.reason or "", reply.headers.get("x-status-reason", "")
        patch: dict[str, Any] = {}
        for words, permission, granted in (
            ("Not permitted to post to anybody except self.", "message", "all"),
            ("No mass-update permission.", "massUpdate", "yes"),
        ):
            if words in (reason, actual) and reason != actual:
                patch = {"permissions": {permission: "no" if reason == words else granted}}
        refused, refusal = NO_ACCESS.fullmatch(reason), NO_ACCESS.fullmatch(actual)
        if refused and exchange.status == FORBIDDEN and not refusal:
            rest = [each for each in ("create", "read", "edit", "delete") if each != refused.group(1)]
            patch = {"scopes": {exchange.entity: rest}}
        elif refusal and not refused and exchange.is_ok:
            patch = {"scopes": {exchange.entity: ["create", "read", "edit", "delete"]}}
        if patch:
            self.wire.control("POST", f"users/{login}", {"role": patch})
        return bool(patch)


def _concerns(key: str, touched: set[str]) -> bool:
    """A key that differs, or one that belongs to a field that does."""
    stems = {re.sub(r"(IsOptedOut|IsInvalid|Data|Ids|Id|Names|Name)$", "", each) for each in touched}
    return key in touched or re.sub(r"(IsOptedOut|IsInvalid|Data|Ids|Id|Names|Name)$", "", key) in stems


class Filler:
    """Rows that a recorded list counts but does not show: clones of a shown one, there for this exchange only."""

    def __init__(self, wire: Wire, ids: Ids) -> None:
        self.wire, self.ids = wire, ids

    def fill(self, entity: str, exchange: Exchange, headers: dict[str, str], reply: Reply) -> bool:
        """Add as many as are missing before and behind the page; False where none are, or nothing can be cloned."""
        recorded, actual = exchange.answer, parse(reply.text)
        if not isinstance(recorded, dict) or not isinstance(actual, dict):
            return False
        total, have = recorded.get("total"), actual.get("total")
        if not isinstance(total, int) or not isinstance(have, int) or total <= have or total < 0:
            return False
        listed = self._everything(exchange, headers)
        first = recorded["list"][0]["id"] if recorded["list"] else None
        position = listed.index(self.ids.translate(first)) if first and self.ids.translate(first) in listed else 0
        query = parse_qs(exchange.query)
        offset = int(query.get("offset", ["0"])[0]) if recorded["list"] else 0
        in_front = max(0, min(offset - position, total - have))
        shown = [self.ids.translate(str(row["id"])) for row in recorded["list"]] or listed
        if not shown:
            return False
        order = query.get("order", ["asc" if "orderBy" in query else "desc"])[0]
        ascending = order.lower() == "asc"
        self._clone(entity, shown[0], in_front, low=ascending)
        self._clone(entity, shown[-1], total - have - in_front, low=not ascending)
        return True

    def _everything(self, exchange: Exchange, headers: dict[str, str]) -> list[str]:
        query = re.sub(r"(^|&)(maxSize|offset)=[^&]*", "", exchange.query).lstrip("&")
        path = exchange.path.split("?", 1)[0]
        reply = self.wire.send("GET", self.ids.translate(f"{path}?{query}&maxSize=200"), headers, None)
        answer = parse(reply.text)
        rows = answer.get("list", []) if isinstance(answer, dict) else []
        return [str(row["id"]) for row in rows]

    def _clone(self, entity: str, record_id: str, count: int, *, low: bool) -> None:
        if count <= 0:
            return
        state = self.wire.control("GET", f"state?entity={entity}")
        model = next((row for row in state[entity] if row["id"] == record_id), None)
        if model is None:
            return
        stem = "00000000" if low else "ffffffff"
        clones = [{**model, "id": f"{stem}{number:09x}"} for number in range(count)]
        self.wire.control("POST", "state", {entity: clones})
