"""docs/why.md shows what the command prints."""

from __future__ import annotations

import tomllib

from tests.why_examples import PAGE, examples, page_with
from tests.why_stage import SCENES


async def test_the_examples_are_what_the_command_prints() -> None:
    told = await examples()
    assert set(told) == {*SCENES, "release"}
    assert all(f"<!-- example: {name} -->" in PAGE.read_text() for name in told)
    assert page_with(told) == PAGE.read_text(), "python -m tests.why_examples writes them anew"


def test_the_image_announces_the_entities_as_the_distribution_does() -> None:
    folder = PAGE.parents[1] / "services" / "beteiligte-sync"
    told = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ((name, value),) = told["entry-points"]["synckit.entities"].items()
    image = (folder / "Dockerfile").read_text()
    assert f"[synckit.entities]\\n{name} = {value}\\n" in image
    assert f"Name: {told['name']}\\nVersion: {told['version']}\\n" in image
