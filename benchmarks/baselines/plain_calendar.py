"""The plain way to fill calendars: Google's own client, one call after another, no ids, no memory, no limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import google_auth_httplib2
import httplib2
from google.oauth2 import service_account
from googleapiclient.discovery import build

SCOPE = "https://www.googleapis.com/auth/calendar.app.created"


def insert_all(key_file: str, role_account: str, url: str, calendars: int, bodies: Sequence[dict[str, Any]]) -> float:
    """Seconds for these events, dealt out over so many new calendars of its own."""
    signer = service_account.Credentials.from_service_account_file(key_file, scopes=[SCOPE], subject=role_account)  # type: ignore[no-untyped-call]
    http = google_auth_httplib2.AuthorizedHttp(signer, http=httplib2.Http(timeout=20))
    options = {"api_endpoint": f"{url}/calendar/v3/"}
    google: Any
    with build(
        "calendar", "v3", http=http, static_discovery=True, cache_discovery=False, client_options=options
    ) as google:
        made = [
            google.calendars().insert(body={"summary": f"Plain {number}"}).execute()["id"]
            for number in range(calendars)
        ]
        began = time.monotonic()
        for place, body in enumerate(bodies):
            google.events().insert(calendarId=made[place % calendars], body=body).execute()
        return time.monotonic() - began
