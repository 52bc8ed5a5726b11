"""docs/install.md shows what the commands print."""

from __future__ import annotations

import pytest

from tests.installation.examples import PAGE, examples, page_with


async def test_the_page_shows_what_the_commands_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESPOCRM_HMAC_SECRET_KEY", raising=False)
    told = await examples()
    assert all(f"<!-- example: {name} -->" in PAGE.read_text() for name in told)
    assert page_with(told) == PAGE.read_text(), "python -m tests.installation.examples writes them anew"
