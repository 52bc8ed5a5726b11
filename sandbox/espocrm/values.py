"""What EspoCRM makes of a value that a client sends, before it is validated: sanitizers and PHP's type juggling."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from sandbox.espocrm.collation import as_number
from sandbox.espocrm.errors import server_error

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_E164 = re.compile(r"\+[1-9]\d{2,14}")
_EXTENSION = re.compile(r"\s*(ext\.?|x|#)\s*\d+\s*$", re.IGNORECASE)


def as_php_string(value: Any) -> Any:
    """(string) of a scalar; an array becomes the text "Array"."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list):
        return "Array"
    if isinstance(value, dict):
        raise server_error()
    return str(value)


def varchar(value: Any, _: dict[str, Any]) -> Any:
    """Trimmed; "" is null."""
    text = as_php_string(value)
    return (text.strip() or None) if isinstance(text, str) else text


def text(value: Any, _: dict[str, Any]) -> Any:
    """As it is; "" is null."""
    return as_php_string(value) or None


def integer(value: Any, _: dict[str, Any]) -> Any:
    """(int): "12" and 12.7 are 12, other text is 0."""
    if value is None:
        return None
    return int(bool(value)) if isinstance(value, list | dict) else int(as_number(value))


def number(value: Any, _: dict[str, Any]) -> Any:
    """(float), shown without a fraction where it has none."""
    if value is None or value == "":
        return None
    return as_number(value)


def boolean(value: Any, _: dict[str, Any]) -> Any:
    """(bool), with "false" false; null fails in the database."""
    if value is None:
        raise server_error()
    return value not in ("false", "0", "", 0, False) and value not in ([], {})


def date_time(value: Any, _: dict[str, Any]) -> Any:
    """ISO with a zone becomes UTC; everything else waits for validation."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            return value
        return parsed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value


def array(value: Any, _: dict[str, Any]) -> Any:
    """null is []; items are trimmed."""
    if value is None:
        return []
    return [item.strip() if isinstance(item, str) else item for item in value] if isinstance(value, list) else value


def phone_number(value: Any) -> Any:
    """International numbers in E.164; what cannot be read stays as it is and fails validation."""
    if not isinstance(value, str) or not value.strip().startswith("+"):
        return value.strip() if isinstance(value, str) else value
    compact = re.sub(r"\(0\)|[\s()/.\-]", "", _EXTENSION.sub("", value.strip()))
    return compact if _E164.fullmatch(compact) else value.strip()


def is_phone_number(value: str) -> bool:
    """True for E.164."""
    return _E164.fullmatch(value) is not None


def unchanged(value: Any, _: dict[str, Any]) -> Any:
    """No sanitizer."""
    return value


BY_TYPE = {
    "varchar": varchar,
    "url": varchar,
    "text": text,
    "int": integer,
    "float": number,
    "currency": number,
    "bool": boolean,
    "datetime": date_time,
    "datetimeOptional": date_time,
    "array": array,
    "multiEnum": array,
    "checklist": array,
    "address": varchar,
    "personName": varchar,
}


def clean_point(field: str, key: str, value: Any) -> Any:
    """A key of an e-mail or phone field."""
    if key == f"{field}Data":
        if not isinstance(value, list):
            return [] if value is None else value
        return [_clean_row(field, row) for row in value]
    if key != field:
        return bool(value)
    if field == "phoneNumber":
        return phone_number(value) or None
    return varchar(value, {})


def _clean_row(field: str, row: Any) -> Any:
    if field != "phoneNumber" or not isinstance(row, dict) or not row.get("phoneNumber"):
        return row
    return {**row, "phoneNumber": phone_number(row["phoneNumber"])}


def clean(spec: dict[str, Any], field: str, key: str, value: Any) -> Any:
    """The value of one key as it gets into the record in memory."""
    kind = str(spec["type"])
    if kind in ("email", "phone"):
        return clean_point(field, key, value)
    if kind == "currency" and key != field:
        return varchar(value, spec)
    if kind == "linkMultiple":
        return [] if value is None else value
    return BY_TYPE.get(kind, unchanged)(value, spec)
