"""Google's own description of the API, bundled with its client, as JSON Schema 2020-12 with closed objects."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import googleapiclient
from jsonschema import Draft202012Validator

FILE = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "calendar.v3.json"
BASE = "/calendar/v3/"
FORMATS = {
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "date-time": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$",
}
"""A time without an offset is right beside a `timeZone`; whether there is one is the sandbox's to check."""
INT64 = {"type": "string", "pattern": "^-?[0-9]+$"}


@cache
def document() -> dict[str, Any]:
    """The discovery document."""
    told: dict[str, Any] = json.loads(FILE.read_text())
    return told


@cache
def methods() -> dict[str, dict[str, Any]]:
    """`events.list` → its description."""
    return {
        f"{resource}.{name}": method
        for resource, told in document()["resources"].items()
        for name, method in told["methods"].items()
    }


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """One schema of Google's as a JSON Schema that knows no other keys."""
    if "$ref" in schema:
        return {"$ref": f"#/$defs/{schema['$ref']}"}
    if schema["type"] == "any":
        return {}
    if schema.get("format") == "int64":
        return INT64
    kept: dict[str, Any] = {"type": schema["type"]}
    if schema.get("format") in FORMATS:
        kept["pattern"] = FORMATS[schema["format"]]
    if "items" in schema:
        kept["items"] = closed(schema["items"])
    if schema["type"] == "object":
        extra = schema.get("additionalProperties")
        kept["properties"] = {name: closed(each) for name, each in schema.get("properties", {}).items()}
        kept["additionalProperties"] = closed(extra) if isinstance(extra, dict) else False
    return kept


@cache
def validator(name: str) -> Draft202012Validator:
    """Of one of Google's types."""
    defs = {each: closed(schema) for each, schema in document()["schemas"].items()}
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": defs})


def required(method: str) -> list[str]:
    """The fields that a request of this method must have."""
    request = methods()[method].get("request", {}).get("$ref")
    fields = document()["schemas"][request]["properties"] if request else {}
    wanted = f"calendar.{method}"
    return [name for name, field in fields.items() if wanted in field.get("annotations", {}).get("required", [])]


def method_of(verb: str, path: str) -> str:
    """Which method a request is, by its path."""
    asked = unquote(path.removeprefix(BASE))
    for name, method in sorted(methods().items(), key=lambda each: each[1]["path"].count("{")):
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(method["path"]))
        if method["httpMethod"] == verb and re.fullmatch(pattern, asked):
            return name
    raise AssertionError(f"no method of Google's is {verb} {path}")


def request_errors(verb: str, path: str, query: Mapping[str, Any], body: Any) -> list[str]:
    """What is wrong with a request."""
    name = method_of(verb, path)
    method = methods()[name]
    known = set(method.get("parameters", {})) | set(document()["parameters"])
    found = [f"unknown parameter {each}" for each in sorted(set(query) - known)]
    if "request" in method:
        sent = _without_nulls(body) if verb == "PATCH" else body
        found += [error.message for error in validator(method["request"]["$ref"]).iter_errors(sent)]
        found += [f"{each} is missing" for each in required(name) if each not in (body or {})]
    return found


def answer_errors(verb: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer: of the method's type, or Google's error body."""
    if status >= 400:
        return _refusal_errors(status, body)
    method = methods()[method_of(verb, path)]
    if "response" not in method:
        return [] if body is None else ["an answer where none is"]
    kind = method["response"]["$ref"]
    errors = [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(body)]
    needed = {"kind"} if kind == "Channel" else {"kind", "etag"}
    return errors + [f"{each} is missing" for each in sorted(needed - set(body))]


def _refusal_errors(status: int, body: Any) -> list[str]:
    told = body.get("error") if isinstance(body, dict) else None
    error = told if isinstance(told, dict) else {}
    listed = error.get("errors") or [{}]
    whole = error.get("code") == status and error.get("message")
    return [] if whole and all({"domain", "reason", "message"} <= set(each) for each in listed) else [str(body)]


def _without_nulls(value: Any) -> Any:
    """A null in a PATCH takes a value away."""
    if not isinstance(value, dict):
        return value
    return {name: _without_nulls(each) for name, each in value.items() if each is not None}
