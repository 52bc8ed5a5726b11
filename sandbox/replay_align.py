"""Brings the sandbox to the state in which a recorded answer was given: much happens between two recorded exchanges.

Only what such unseen work explains is touched: never a key that the exchange itself wrote, and of a record that was
read, nothing but links and addresses unless its modifiedAt shows that somebody wrote it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.replay_actors import Cast
from sandbox.replay_compare import Ids
from sandbox.replay_evidence import Evidence, before, linked_rows
from sandbox.replay_fill import invented
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
            done = self._link(exchange) or done
        return done

    def _link(self, exchange: Exchange) -> bool:
        """Link what a list of linked records shows."""
        links = linked_rows(exchange)
        if links:
            self.seed(exchange.entity, [{"id": exchange.segments[1], **links}])
        return bool(links)

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
            return {**invented(exchange), **row} if self._is_list(exchange) else dict(row)
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
