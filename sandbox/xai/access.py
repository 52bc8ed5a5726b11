"""Two keys for two hosts, and what is said where the wrong one comes. The keys are made up."""

from __future__ import annotations

from aiohttp import web

from sandbox.xai.errors import XaiError
from sandbox.xai.switches import Switches

API_KEY = "xai-sandbox-api-key-of-no-value-elsewhere"
MANAGEMENT_KEY = "xai-token-sandbox-management-key-of-no-value-elsewhere"
API, MANAGEMENT = "api", "management"
KEYS = {API: API_KEY, MANAGEMENT: MANAGEMENT_KEY}


def host_of(authorization: str) -> str | None:
    """Whose key it is; None for a stranger's."""
    token = authorization.removeprefix("Bearer ").strip()
    return next((host for host, key in KEYS.items() if key == token), None)


def admit(request: web.Request, host: str, switches: Switches) -> None:
    """Returns where the key is the one of this host."""
    told = request.headers.get("Authorization", "")
    if not told.startswith("Bearer ") or not told.removeprefix("Bearer ").strip():
        raise XaiError(401, "No API key provided. Send it as `Authorization: Bearer <key>`.")
    found = host_of(told)
    if found is None:
        shown = told.removeprefix("Bearer ").strip()[:2] + "***"
        raise XaiError(
            switches.wrong_key_status,
            f"Incorrect API key provided: {shown}. You can obtain an API key from https://console.x.ai.",
        )
    if found != host:
        raise XaiError(switches.swapped_status, f"This key is not valid for the {host} API.")
    if host == MANAGEMENT and not switches.rights:
        raise XaiError(403, "This management key has no permission for collections (AddFileToCollection).")
