"""The description is valid, says what the code does, and is held to it by requests made from it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiohttp
from openapi_spec_validator import validate
from proxy_stage import KEY, Stage

from advoware_proxy.domain.openapi import PATH, document
from advoware_proxy.domain.problem import KINDS, Refused
from kanzlei.callers.grants import METHODS, Caller, Grant


def test_the_description_is_valid() -> None:
    validate(document())
    assert document()["openapi"] == "3.1.0"


async def test_every_route_is_described_and_nothing_else(stage: Stage) -> None:
    routes = {
        (route.resource.canonical, route.method.lower())
        for route in stage.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert routes == {(path, method) for path, methods in document()["paths"].items() for method in methods}


def test_every_refusal_is_described() -> None:
    for method, operation in document()["paths"][PATH].items():
        described = set(operation["responses"])
        statuses = {str(kind.status) for kind in KINDS.values()} - {"404", "405"}
        assert statuses <= described, method
    known = set(document()["components"]["schemas"]["Problem"]["properties"])
    refused = Refused("rejected", "word", fields=["name"], applied="maybe")
    assert set(refused.document("1")) == known


async def test_the_description_is_served(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{stage.url}/openapi.json") as answer:
        told: dict[str, Any] = await answer.json()
    assert told == document()


async def test_whatever_the_description_allows_is_answered_as_it_says(stage: Stage, tmp_path: Path) -> None:
    """schemathesis makes the requests, valid and not, and judges the answers."""
    known = stage.callers.caller
    grants = tuple(Grant.parse(f"{','.join(METHODS)} {'/:word' * depth}") for depth in range(1, 13))
    stage.callers.caller = Caller(known.key_id, known.digest, grants, known.rate)
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("run", f"{stage.url}/openapi.json", "--header", f"Authorization: Bearer {KEY}"),
        *("--include-path", PATH, "--checks", "all", "--continue-on-failure"),
        *("--max-examples", "25", "--seed", "1", "--generation-database", "none", "--no-color"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-4000:]
    assert len(stage.upstream.asked) > 50
