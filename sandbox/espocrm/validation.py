"""Field validators: the first field that fails decides, in the order of the definition."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from sandbox.espocrm.errors import invalid
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.settings import Settings
from sandbox.espocrm.values import is_phone_number

INT32 = 2**31
VARCHAR_LENGTH = 255
PHONE_LENGTH = 36
_BAD_CHARACTERS = re.compile(r"[<>=]")
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,}")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")

Record = dict[str, Any]


def is_date(value: Any) -> bool:
    """YYYY-MM-DD and in the calendar."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_date_time(value: Any) -> bool:
    """YYYY-MM-DD HH:MM[:SS]."""
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_email(value: Any) -> bool:
    """As PHP's FILTER_VALIDATE_EMAIL: no umlaut domains."""
    if not isinstance(value, str) or not _EMAIL.fullmatch(value):
        return False
    local = value.rsplit("@", 1)[0]
    return len(local) <= 64 and ".." not in local and not local.startswith(".") and not local.endswith(".")


def _text(value: Any, spec: Record, default_length: int | None) -> str | None:
    limit = spec.get("maxLength") or default_length
    if not isinstance(value, str):
        return None
    if limit and len(value) > int(limit):
        return "maxLength"
    if spec.get("pattern") == "$noBadCharacters" and _BAD_CHARACTERS.search(value):
        return "pattern"
    return None


def _varchar(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    return _text(record.get(name), spec, VARCHAR_LENGTH)


def _long_text(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    return _text(record.get(name), spec, None)


def _address(record: Record, name: str, _: Record, __: Settings) -> str | None:
    spec = {"pattern": "$noBadCharacters"}
    return next(
        (found for key in record if key.startswith(name) and (found := _text(record[key], spec, VARCHAR_LENGTH))), None
    )


def _int(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if "min" in spec and value < spec["min"]:
        return "min"
    if "max" in spec and value > spec["max"]:
        return "max"
    return "rangeInternal" if not -INT32 <= value < INT32 else None


def _float(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if "min" in spec and value < spec["min"]:
        return "min"
    return "max" if "max" in spec and value > spec["max"] else None


def _date(record: Record, name: str, _: Record, __: Settings) -> str | None:
    value = record.get(name)
    return None if value is None or is_date(value) else "valid"


def _date_time(record: Record, name: str, _: Record, __: Settings) -> str | None:
    value = record.get(name)
    return None if value is None or is_date_time(value) else "valid"


def _enum(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    value, options = record.get(name), spec.get("options")
    if options is None or (value is None and ("" in options or name not in record)):
        return None
    return None if value in options else "valid"


def _array(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, list):
        return "array"
    if any(not isinstance(item, str) for item in value):
        return "arrayOfString"
    options = spec.get("options")
    return "valid" if options and any(item not in options for item in value) else None


def _currency(record: Record, name: str, spec: Record, settings: Settings) -> str | None:
    code = record.get(f"{name}Currency")
    if f"{name}Currency" in record and record.get(name) is not None and code not in settings.currencies:
        return "validCurrency"
    return _float(record, name, spec, settings)


def _rows(record: Record, name: str) -> list[Any]:
    rows = record.get(f"{name}Data")
    return rows if isinstance(rows, list) else []


def _email(record: Record, name: str, spec: Record, settings: Settings) -> str | None:
    """The list that is sent and the primary address that is stored are looked at together, as in EspoCRM."""
    rows = _rows(record, name)
    if any(not isinstance(row, dict) for row in rows):
        return "emailAddress"
    given = [value for value in (record.get(name), *(row.get(name) for row in rows)) if value]
    if not all(is_email(value) for value in given):
        return "emailAddress"
    if any(len(value) > VARCHAR_LENGTH for value in given):
        return "maxLength"
    return "maxCount" if len(rows) > int(spec.get("maxCount") or settings.email_max_count) else None


def _phone(record: Record, name: str, spec: Record, settings: Settings) -> str | None:
    """As for e-mail: a stored national primary number fails although the list that is sent is fine."""
    rows = _rows(record, name)
    if any(not isinstance(row, dict) or not row.get(name) for row in rows):
        return "valid"
    given = [str(value) for value in (record.get(name), *(row[name] for row in rows)) if value]
    if settings.phone_international and not all(is_phone_number(number) for number in given):
        return "valid"
    types = spec.get("typeList")
    if types is not None and any(row.get("type") and row["type"] not in types for row in rows):
        return "valid"
    if any(len(number) > PHONE_LENGTH for number in given):
        return "maxLength"
    return "maxCount" if len(rows) > int(spec.get("maxCount") or settings.phone_max_count) else None


def _is_empty(record: Record, name: str, spec: Record) -> bool:
    """True where a required field has nothing in it."""
    kind = spec["type"]
    if kind in ("email", "phone"):
        return not record.get(name) and not any(isinstance(row, dict) and row.get(name) for row in _rows(record, name))
    if kind in ("link", "file", "image", "linkParent"):
        return not record.get(f"{name}Id")
    if kind in ("linkMultiple", "attachmentMultiple"):
        return not record.get(f"{name}Ids")
    if kind == "personName":
        return not any(record.get(each) for each in ("firstName", "lastName"))
    return record.get(name) in (None, "", [])


def _link_multiple(record: Record, name: str, _: Record, __: Settings) -> str | None:
    ids = record.get(f"{name}Ids")
    if ids is None:
        return None
    return None if isinstance(ids, list) and all(isinstance(each, str) for each in ids) else "pattern"


def _link_parent(record: Record, name: str, spec: Record, _: Settings) -> str | None:
    kind, allowed = record.get(f"{name}Type"), spec.get("entityList")
    return "valid" if kind and allowed and kind not in allowed else None


def _url(record: Record, name: str, spec: Record, settings: Settings) -> str | None:
    return _varchar(record, name, spec, settings)


Validator = Callable[[Record, str, Record, Settings], "str | None"]
_BY_TYPE: dict[str, Validator] = {
    "varchar": _varchar,
    "text": _long_text,
    "address": _address,
    "int": _int,
    "float": _float,
    "date": _date,
    "datetime": _date_time,
    "datetimeOptional": _date_time,
    "enum": _enum,
    "array": _array,
    "multiEnum": _array,
    "currency": _currency,
    "email": _email,
    "phone": _phone,
    "linkMultiple": _link_multiple,
    "linkParent": _link_parent,
    "url": _url,
}


def is_internal_url(url: Any, allowed: list[str] | None) -> bool:
    """True where webhooks to this URL are refused (9.3.2+, unless `webhookAllowedAddressList` names the host)."""
    if allowed is None or not isinstance(url, str):
        return False
    parts = urlsplit(url)
    if f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}" in allowed:
        return False
    try:
        return ipaddress.ip_address(parts.hostname or "").is_private
    except ValueError:
        return parts.hostname == "localhost"


def validate(entity: EntityDef, record: Record, sent: set[str], settings: Settings, *, is_new: bool) -> None:
    """Raise 400 for the first field that is wrong; of an old record only what was sent is looked at."""
    sent_fields = {entity.attributes[key].field for key in sent if key in entity.attributes}
    for name, spec in entity.fields.items():
        if not is_new and name not in sent_fields:
            continue
        if spec.get("required") and _is_empty(record, name, spec):
            raise invalid(entity.name, name, "required")
        check = _BY_TYPE.get(str(spec["type"]))
        failed = check(record, name, spec, settings) if check and name in sent_fields else None
        if failed:
            raise invalid(entity.name, name, failed)
