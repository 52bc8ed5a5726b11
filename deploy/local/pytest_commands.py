"""What commands said, shown with every test that fails: an exit status alone tells nobody why.

It watches how tests start processes and asks nothing of them, so that no test can forget it.
"""

from __future__ import annotations

import asyncio.subprocess
import functools
import subprocess
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

KEPT, LONGEST = 5, 4000
_said: deque[str] = deque(maxlen=KEPT)


def _text(stream: object) -> str:
    text = stream.decode(errors="replace") if isinstance(stream, bytes) else str(stream or "")
    return text if len(text) <= LONGEST else f"… {text[-LONGEST:]}"


def _note(command: object, status: object, out: object, err: object) -> None:
    _said.append(f"{command}\nexit status {status}\n{_text(out)}{_text(err)}")


def _watched_run(real: Any) -> Any:
    @functools.wraps(real)
    def run(*words: Any, **options: Any) -> Any:
        try:
            done = real(*words, **options)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            _note(error.cmd, getattr(error, "returncode", "none: it took too long"), error.stdout, error.stderr)
            raise
        _note(done.args, done.returncode, done.stdout, done.stderr)
        return done

    return run


def _watched_communicate(real: Any) -> Any:
    @functools.wraps(real)
    async def communicate(process: asyncio.subprocess.Process, *words: Any, **options: Any) -> Any:
        said, complained = await real(process, *words, **options)
        _note(f"process {process.pid}", process.returncode, said, complained)
        return said, complained

    return communicate


@pytest.fixture(autouse=True, scope="session")
def _commands_watched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "run", _watched_run(subprocess.run))
        process = asyncio.subprocess.Process
        patch.setattr(process, "communicate", _watched_communicate(process.communicate))
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _said.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.failed and _said:
        report.sections.append(("What its commands said", "\n---\n".join(_said)))
    return report
