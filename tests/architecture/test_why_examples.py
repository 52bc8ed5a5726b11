"""docs/why.md shows what the command prints."""

from __future__ import annotations

from tests.why_examples import PAGE, examples, page_with
from tests.why_stage import SCENES


async def test_the_examples_are_what_the_command_prints() -> None:
    told = await examples()
    assert set(told) == {*SCENES, "release"}
    assert all(f"<!-- example: {name} -->" in PAGE.read_text() for name in told)
    assert page_with(told) == PAGE.read_text(), "python -m tests.why_examples writes them anew"
