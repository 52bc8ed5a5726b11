"""What reaches Advoware reaches it once, over our own connection, whatever becomes of that connection."""

from __future__ import annotations

from typing import Any

import pytest
from proxy_stage import Stage


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_a_write_on_a_kept_connection_is_sent_once(stage: Stage, method: str) -> None:
    """aiohttp repeats PUT and DELETE by itself where a connection that was used before is lost."""
    await stage.get("/Beteiligte/4711")
    stage.upstream.says(trouble="reset")
    path = "/Beteiligte" if method == "POST" else "/Beteiligte/4711"
    sent: dict[str, Any] = {} if method == "DELETE" else {"json_body": {}}
    told = await stage.ask(method, f"path={path}", **sent)
    assert told.refusal == (502, "advoware", "advoware_trouble")
    assert told.json["maybe_applied"] is True
    assert [asked.method for asked in stage.upstream.asked] == ["GET", method]


async def test_a_read_on_a_kept_connection_may_be_asked_again(stage: Stage) -> None:
    await stage.get("/Beteiligte/4711")
    stage.upstream.says(trouble="reset")
    assert (await stage.get("/Beteiligte/4711")).status == 200


async def test_a_proxy_of_the_environment_is_not_used(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets a variable would read clients' records and our token."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, stage.decoy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert (await stage.get("/Beteiligte/4711")).status == 200
    assert stage.decoy.asked == []
