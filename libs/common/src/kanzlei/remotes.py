"""The remotes of the office: what a person does where one of them refuses our credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from synckit.service.remote_trouble import Credentials

WHAT_TO_DO: Mapping[str, str] = MappingProxyType(
    {
        "espocrm": (
            "EspoCRM refuses our key (401), or our address after many such (empty 403): set ESPOCRM_API_KEY "
            "(with HMAC also ESPOCRM_HMAC_SECRET_KEY) to that of the active API user, then restart"
        ),
        "advoware_auth": (
            "Advoware's token service refuses our login: check ADVOWARE_PASSWORD, ADVOWARE_API_KEY, ADVOWARE_USER, "
            "ADVOWARE_APP_ID, and this machine's clock; then restart"
        ),
        "advoware": (
            "Advoware refuses a fresh token: check ADVOWARE_API_BASE_URL, ADVOWARE_DATABASE and the rights of "
            "ADVOWARE_USER, then restart"
        ),
    }
)
"""Upstream → one line for whoever reads the log."""
CHECKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"espocrm_credentials": ("espocrm",), "advoware_credentials": ("advoware_auth", "advoware")}
)
"""Name in `/health/ready` → upstreams that it stands for."""


def credentials(monotonic: Callable[[], float] = time.monotonic) -> Credentials:
    """Of EspoCRM and Advoware, nothing refused yet."""
    return Credentials(WHAT_TO_DO, CHECKS, monotonic)
