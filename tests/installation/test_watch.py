"""The services' own check: told once a day, never in the way."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from structlog.testing import capture_logs

from kanzlei.espocrm.observed import Installation
from kanzlei.espocrm.target import target
from kanzlei.espocrm.watch import AGAIN_SECONDS, RETRY_SECONDS, InstallationWatch, watch_of
from kanzlei.settings import EspoCrmSection
from synckit.errors import RemoteUnavailable
from synckit.log.redaction import redacted
from synckit.service.metrics import REGISTRY
from synckit.testing.clock import FakeClock
from tests.installation.conftest import Crm
from tests.installation.test_check_broken import BROKEN

EMPTY = Installation(version="10.0.0", definitions={}, acl={"table": {}})


class Ended(Exception):
    """The test's way out of a loop without an end."""


class Script:
    """Looks that answer in turn."""

    def __init__(self, answers: Sequence[Installation | Exception]) -> None:
        self.answers = list(answers)

    async def __call__(self) -> Installation:
        if not self.answers:
            raise Ended
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Counted(FakeClock):
    """Remembers how long was slept; ends the loop at the last one."""

    def __init__(self, sleeps: int) -> None:
        super().__init__()
        self.slept: list[float] = []
        self._sleeps = sleeps

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self._sleeps:
            raise Ended


async def told(watch: InstallationWatch) -> dict[str, object]:
    async with TestClient(TestServer(watch.add_to(web.Application()))) as client:
        answer = await client.get("/health/installation")
        found: dict[str, object] = await answer.json()
        return found


async def test_a_failed_look_is_tried_again_sooner() -> None:
    clock = Counted(3)
    look = Script([RemoteUnavailable("espocrm", "away"), EMPTY, RuntimeError("a bug")])
    with pytest.raises(Ended):
        await InstallationWatch(look, target(), clock).forever()
    assert clock.slept == [RETRY_SECONDS, AGAIN_SECONDS, RETRY_SECONDS]


async def test_what_was_found_stands_while_espocrm_is_away() -> None:
    watch = InstallationWatch(Script([EMPTY, RemoteUnavailable("espocrm", "away")]), target(), FakeClock())
    assert await told(watch) == {"checked_at": None, "differences": []}
    assert await watch.check()
    before = await told(watch)
    assert before["differences"]
    assert not await watch.check()
    assert await told(watch) == before


async def test_each_difference_is_told_where_people_look(installed: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the log (whole, past the redaction), in the metric, and over HTTP."""
    structlog.reset_defaults()
    await BROKEN["field"][0](installed)
    await BROKEN["user read"][0](installed)
    section = EspoCrmSection(base_url=installed.url, api_key=SecretStr(installed.keys()["ESPOCRM_API_KEY"]))
    watch = watch_of(section, FakeClock(), service="beteiligte-sync")
    with capture_logs() as lines:
        assert await watch.check()
    logged = [redacted(line) for line in lines]
    assert {line["code"] for line in logged if line["kind"] == "error"} == {"field-missing", "user-read"}
    assert any("CBeteiligte.zusatz: the field is missing" in str(line["hint"]) for line in logged)
    assert REGISTRY.get_sample_value("sync_espocrm_differences", {"severity": "error"}) == 2
    assert "role, User: read" in json.dumps(await told(watch))


async def test_a_mended_installation_is_quiet_again(installed: Crm) -> None:
    section = EspoCrmSection(base_url=installed.url, api_key=SecretStr(installed.keys()["ESPOCRM_API_KEY"]))
    watch = watch_of(section, FakeClock(), service="ticker")
    await BROKEN["field"][0](installed)
    assert await watch.check()
    assert REGISTRY.get_sample_value("sync_espocrm_differences", {"severity": "error"}) == 1
    assert await installed.install("--yes") == 0
    assert await watch.check()
    assert REGISTRY.get_sample_value("sync_espocrm_differences", {"severity": "error"}) == 0
