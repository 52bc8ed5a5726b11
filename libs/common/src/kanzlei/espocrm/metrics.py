"""How far EspoCRM is set up otherwise than it has to be."""

from __future__ import annotations

from kanzlei.espocrm.difference import Severity
from synckit.service.metrics import expected, gauge, of

ESPOCRM_DIFFERENCES = gauge(
    "sync_espocrm_differences", "Where EspoCRM is set up otherwise than we need it, at the last check.", "severity"
)


expected(ESPOCRM_DIFFERENCES, [severity.value for severity in Severity])


def espocrm_differences(severity: str, count: int) -> None:
    """What the check of the installation found."""
    of(ESPOCRM_DIFFERENCES, severity).set(count)
