"""What the commands read from command line and environment, and how they say that EspoCRM refuses."""

from __future__ import annotations

import argparse
import os

from kanzlei.espocrm.client import EspoAuth
from synckit.connection_url import check_address, check_key, shown
from synckit.errors import AuthenticationRefused, RemoteRejected, SyncError, TransientError
from synckit.service.settings import refuse

AWAY, REFUSED = 3, 4
KEY, SECRET = "ESPOCRM_API_KEY", "ESPOCRM_HMAC_SECRET_KEY"


def address(text: str) -> str:
    """As the services check theirs."""
    try:
        check_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is no address like https://crm.kanzlei.example") from None
    return text.rstrip("/")


def our_login() -> EspoAuth:
    """Of our API user, from the environment. Ends the command with 2 where a variable is missing or wrong."""
    key = _checked(KEY)
    if not key:
        refuse(f"{KEY}: missing. Expected: API key of our API user.")
    return EspoAuth(key, _checked(SECRET))


def _checked(variable: str) -> str | None:
    value = os.environ.get(variable)
    try:
        check_key(value) if value else None
    except ValueError as error:
        refuse(f"{variable}: wrong: {error}.")
    return value or None


def told(error: SyncError) -> tuple[str, int]:
    """A sentence for the person at the command line, and the exit status."""
    if isinstance(error, AuthenticationRefused):
        return (
            f"EspoCRM refuses the key (401): set {KEY} (with HMAC also {SECRET}) to that of the active API user; "
            "`python -m kanzlei.espocrm install --env-file …` makes the user and writes both",
            REFUSED,
        )
    if isinstance(error, RemoteRejected) and error.field == "url":
        return (
            f"{error}: it takes no webhook to an internal host that data/config.php does not list in "
            "'webhookAllowedAddressList', as host:port",
            REFUSED,
        )
    return str(error), AWAY if isinstance(error, TransientError) else REFUSED
