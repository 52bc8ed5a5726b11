"""Puts the sandbox xAI together: one world behind two apps, one a host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web

from sandbox.clocks import ShiftedClock, add_clock
from sandbox.control import Control
from sandbox.xai.access import API, MANAGEMENT, host_of
from sandbox.xai.api_collections import CollectionRoutes
from sandbox.xai.api_documents import DocumentRoutes
from sandbox.xai.api_files import FileRoutes
from sandbox.xai.control_api import ControlRoutes
from sandbox.xai.errors import body_of, errors_as_answers
from sandbox.xai.indexing import Indexing
from sandbox.xai.page import PageRoutes
from sandbox.xai.switches import LARGEST_UPLOAD
from sandbox.xai.world import World

INDEXING_SECONDS = 1.0


@dataclass(frozen=True)
class Sandbox:
    """Both hosts, and what is behind them. Calls, faults and everything under /_sandbox/ are the same on both."""

    api: web.Application
    management: web.Application
    world: World
    control: Control


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _record_of(request: web.Request) -> str | None:
    return request.match_info.get("file_id") or request.match_info.get("collection_id")


def _caller_of(request: web.Request) -> str | None:
    """Whose key it came with, unless the caller says who it is."""
    told = request.headers.get("X-Sandbox-Caller")
    return told or host_of(request.headers.get("Authorization", "")) or request.headers.get("User-Agent")


def build(*, clock: Callable[[], datetime] = _utc_now, indexing_seconds: float = INDEXING_SECONDS) -> Sandbox:
    """A new, empty sandbox."""
    shifted = ShiftedClock(clock)
    empty = {"data": [], "collections": [], "documents": [], "matches": [], "pagination_token": ""}
    control = Control("xai", record_of=_record_of, caller_of=_caller_of, empty_list=empty, error_body=body_of)
    world = World(shifted, control.changes, Indexing(indexing_seconds))

    def host(*routes: FileRoutes | CollectionRoutes | DocumentRoutes) -> web.Application:
        app = web.Application(middlewares=[control.middleware, errors_as_answers], client_max_size=LARGEST_UPLOAD)
        control.add_routes(app)
        add_clock(app, shifted)
        for each in (*routes, ControlRoutes(world, control), PageRoutes(world)):
            each.add_to(app)
        return app

    return Sandbox(host(FileRoutes(world)), host(CollectionRoutes(world), DocumentRoutes(world)), world, control)


__all__ = ["API", "MANAGEMENT", "Sandbox", "build"]
