"""Every key that our code logs is a known one: an unknown key would lose its value on the way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec

import beteiligte_sync.app  # noqa: F401 -- all forms of lines are known once the services are imported
import webhook_ingress.app  # noqa: F401
from deploy.local.table import SERVICES, Service
from synckit.log.checked_text import Ident, Word
from synckit.log.known_lines import KnownLine
from synckit.log.redaction import KNOWN_KEYS
from synckit.service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "bind", "bound_contextvars"})


def logged_keys() -> Iterator[tuple[str, str]]:
    """Place and key."""
    for base in (ROOT / "libs", ROOT / "services"):
        for path in base.glob("*/src/**/*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in METHODS:
                    yield from ((f"{path}:{node.lineno}", word.arg) for word in node.keywords if word.arg)


def known_to(place: str) -> frozenset[str]:
    """What may be logged in a module: the libraries' keys, and those of the service that it belongs to."""
    own = {service.module: settings_of(service) for service in SERVICES}
    module = next((part for part in Path(place).parts if part in own), "")
    return KNOWN_KEYS | {"exc_info"} | (own[module].log_keys if module else frozenset())


def settings_of(service: Service) -> type[ServiceSettings]:
    found: type[ServiceSettings] = import_module(f"{service.module}.settings").Settings
    return found


def test_no_service_claims_a_key_of_the_libraries() -> None:
    for service in SERVICES:
        assert settings_of(service).log_keys & KNOWN_KEYS == frozenset()


def test_every_logged_key_is_known() -> None:
    found = list(logged_keys())
    assert len(found) > 30
    assert [(place, key) for place, key in found if key not in known_to(place)] == []


def test_a_fixed_form_has_known_keys_and_checked_texts_alone() -> None:
    """What is neither a number nor comes from `word` or `ident` has no place in a line that nobody redacts."""
    forms = KnownLine.__subclasses__()
    assert {form.told for form in forms} >= {"webhook", "worker.handled"}
    every = KNOWN_KEYS.union(*(settings_of(service).log_keys for service in SERVICES))
    stamps = set(KnownLine.__struct_fields__)
    for form in forms:
        for name in set(form.__struct_fields__) - stamps:
            hint = get_type_hints(form)[name]
            assert name in every
            assert set(get_args(hint) or (hint,)) <= {int, float, Word, Ident, msgspec.UnsetType, type(None)}


def test_words_and_ids_are_made_where_they_are_checked() -> None:
    """Called elsewhere, the types would be a promise that nobody keeps."""
    for base in (ROOT / "libs", ROOT / "services"):
        for path in base.glob("*/src/**/*.py"):
            if path.name == "checked_text.py":
                continue
            made = {
                node.func.id
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            }
            assert not made & {"Word", "Ident"}, path
