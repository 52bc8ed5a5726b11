"""Compares an answer with the recorded one: status, reason, content type, shape, and the values that are determined."""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.replay_recording import ID, STAMP, Exchange
from sandbox.replay_wire import Reply

IS_ID = re.compile(r"[0-9a-f]{17}")
UNDETERMINED = frozenset({"apiKey", "secretKey", "token", "number", "streamUpdatedAt"})


class Ids:
    """Recorded id ↔ sandbox id, one to one, bound at first sight."""

    def __init__(self) -> None:
        self._there: dict[str, str] = {}
        self._back: dict[str, str] = {}

    def bind(self, recorded: str, actual: str) -> bool:
        """True where the two are, or may now be taken for, the same."""
        if recorded not in self._there and actual not in self._back:
            self._there[recorded] = actual
            self._back[actual] = recorded
        return self._there.get(recorded) == actual

    def known(self, recorded: str) -> bool:
        """True where the recorded id has a counterpart."""
        return recorded in self._there

    def translate(self, text: str) -> str:
        """Recorded ids in a text, replaced."""
        return ID.sub(lambda match: self._there.get(match.group(0), match.group(0)), text)


def _type_name(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


class Comparison:
    """The differences of one exchange, each a line of text."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self.differences: list[str] = []

    def compare(self, exchange: Exchange, reply: Reply) -> list[str]:
        """All of it."""
        if reply.status != exchange.status:
            self._add("status", exchange.status, reply.status)
        reason = None if exchange.reason is None else self.ids.translate(exchange.reason)
        if reply.headers.get("x-status-reason") != reason:
            self._add("reason", reason, reply.headers.get("x-status-reason"))
        recorded_type = exchange.answer_headers.get("content-type", "")
        if _media(reply.headers.get("content-type", "")) != _media(recorded_type):
            self._add("content type", recorded_type, reply.headers.get("content-type"))
        self._body(exchange, reply)
        return self.differences

    def _add(self, where: str, recorded: Any, actual: Any) -> None:
        self.differences.append(f"{where}: recorded {_shown(recorded)}, sandbox {_shown(actual)}")

    def _body(self, exchange: Exchange, reply: Reply) -> None:
        recorded = exchange.answer
        if recorded is None:
            if self.ids.translate(exchange.answer_body) != reply.text:
                self._add("body", exchange.answer_body, reply.text)
            return
        try:
            actual = json.loads(reply.text)
        except ValueError:
            self._add("body", recorded, reply.text)
            return
        self._value("", recorded, actual)

    def _value(self, path: str, recorded: Any, actual: Any) -> None:
        if _type_name(recorded) != _type_name(actual):
            self.differences.append(
                f"{path or 'body'}: recorded {_type_name(recorded)} {_shown(recorded)}, "
                f"sandbox {_type_name(actual)} {_shown(actual)}"
            )
        elif isinstance(recorded, dict):
            self._object(path, recorded, actual)
        elif isinstance(recorded, list):
            self._array(path, recorded, actual)
        elif not self._same(path, recorded, actual):
            self._add(path or "body", recorded, actual)

    def _object(self, path: str, recorded: dict[str, Any], actual: dict[str, Any]) -> None:
        translated = {self.ids.translate(key): value for key, value in recorded.items()}
        dot = f"{path}." if path else ""
        for key in sorted(set(translated) - set(actual)):
            self.differences.append(f"{dot}{key}: recorded {_shown(translated[key])}, missing in the sandbox")
        for key in sorted(set(actual) - set(translated)):
            self.differences.append(f"{dot}{key}: not recorded, sandbox {_shown(actual[key])}")
        for key, value in translated.items():
            if key in actual:
                self._value(f"{dot}{key}", value, actual[key])

    def _array(self, path: str, recorded: list[Any], actual: list[Any]) -> None:
        if len(recorded) != len(actual):
            self.differences.append(f"{path or 'body'}: recorded {len(recorded)} items, sandbox {len(actual)}")
        for index, (one, other) in enumerate(zip(recorded, actual, strict=False)):
            self._value(f"{path}[{index}]", one, other)

    def _same(self, path: str, recorded: Any, actual: Any) -> bool:
        key = path.rsplit(".", 1)[-1].split("[", 1)[0]
        if isinstance(recorded, str) and IS_ID.fullmatch(recorded) and IS_ID.fullmatch(str(actual)):
            return self.ids.bind(recorded, str(actual))
        if key in UNDETERMINED:
            return not isinstance(recorded, str) or STAMP.fullmatch(recorded) is None or bool(STAMP.fullmatch(actual))
        return bool(recorded == actual)


def _media(content_type: str) -> str:
    return content_type.replace(" ", "").lower()
