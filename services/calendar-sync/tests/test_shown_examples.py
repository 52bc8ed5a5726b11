"""docs/calendar.md shows what the commands print."""

from __future__ import annotations

from calendar_examples import PAGE, examples, page_with


async def test_the_examples_are_what_the_commands_print() -> None:
    told = await examples()
    assert all(f"<!-- example: {name} -->" in PAGE.read_text() for name in told)
    assert page_with(told) == PAGE.read_text(), page_with(told)
