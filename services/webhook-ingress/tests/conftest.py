"""An ingress with a fake broker, and a pen that signs as EspoCRM does."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from recordsync.testing.memory import FakePublisher
from synckit.testing.clock import FakeClock
from webhook_ingress.handlers import Pushes, Webhooks
from webhook_ingress.routes import MAX_BODY, Limits, PushRoutes, WebhookRoutes

WEBHOOK_ID = "6b00d1c895d766ce6"
KEY = b"3a603ad58d64b53896fda06c52821b55"


@pytest.fixture
def sign() -> Callable[..., dict[str, str]]:
    def headers(body: bytes, key: bytes = KEY, webhook_id: str = WEBHOOK_ID, forms: str = "both") -> dict[str, str]:
        digest = hmac.digest(key, body, "sha256")
        made = {
            "Signature": b64encode(f"{webhook_id}:{digest.hex()}".encode()).decode(),
            "X-Signature": b64encode(webhook_id.encode() + b":" + digest).decode(),
        }
        kept = {"both": made, "new": {"Signature": made["Signature"]}, "old": {"X-Signature": made["X-Signature"]}}
        return {"Content-Type": "application/json", **kept[forms]}

    return headers


@pytest.fixture
def publisher() -> FakePublisher:
    return FakePublisher()


@pytest.fixture
def make_app() -> Callable[..., web.Application]:
    def build(
        publisher: Any, secrets: Any = None, limits: Limits | None = None, push_secret: str = ""
    ) -> web.Application:
        known = {WEBHOOK_ID: (KEY,)} if secrets is None else secrets
        clock = FakeClock()
        app = web.Application(client_max_size=MAX_BODY)
        WebhookRoutes(Webhooks(publisher, clock), lambda: known, clock, limits).add_to(app)
        PushRoutes(Pushes(publisher, clock, push_secret), clock, limits).add_to(app)
        return app

    return build


@pytest.fixture(scope="session")
def vectors() -> list[dict[str, Any]]:
    """Requests that a real EspoCRM (9.2.7 and 10.0.0) sent."""
    loaded: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_bytes())
    return loaded
