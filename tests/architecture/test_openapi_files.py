"""Every service with HTTP of its own has its description as a file, and the file is what it serves."""

from __future__ import annotations

import pytest
import yaml
from openapi_spec_validator import validate

from deploy.local.table import ROOT
from deploy.openapi_files import descriptions, text_of

FILES = {path.parent.name: (path, document) for path, document in descriptions().items()}


def test_who_has_routes_has_a_description() -> None:
    with_routes = {path.parents[2].name for path in (ROOT / "services").glob("*/src/*/routes.py")}
    assert with_routes == set(FILES)


@pytest.mark.parametrize("service", FILES)
def test_the_file_is_what_is_served(service: str) -> None:
    """`make openapi` writes it."""
    path, document = FILES[service]
    assert path.read_text(encoding="utf-8") == text_of(document)
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == document


@pytest.mark.parametrize("service", FILES)
def test_the_file_is_valid(service: str) -> None:
    validate(yaml.safe_load(FILES[service][0].read_text(encoding="utf-8")))
