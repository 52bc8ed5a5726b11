"""What an EspoCRM lacks or has otherwise than we need it, each with its consequence and its mend. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from kanzlei.espocrm.compare_delivery import delivery_differences
from kanzlei.espocrm.compare_fields import entity_differences
from kanzlei.espocrm.compare_rights import right_differences, user_differences
from kanzlei.espocrm.difference import Difference, Severity
from kanzlei.espocrm.observed import Installation
from kanzlei.espocrm.schema import Target


def differences(observed: Installation, target: Target, *, ingress_url: str = "") -> Sequence[Difference]:
    """Errors before warnings, else in the order of the declaration.

    Without `ingress_url` a webhook counts whatever its address is.
    """
    found = [
        *delivery_differences(observed, target, ingress_url),
        *entity_differences(observed, target),
        *right_differences(observed, target),
        *user_differences(observed),
    ]
    return sorted(found, key=lambda each: each.severity is not Severity.ERROR)
