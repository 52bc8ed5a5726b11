"""What can only be done by a person at the server of EspoCRM, with the lines to paste. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PLACEHOLDER = "https://sync.kanzlei.example"


@dataclass(frozen=True, slots=True)
class ByHand:
    """`lines` go into the file or page that `where` names."""

    where: str
    lines: tuple[str, ...]
    why: str

    def as_json(self) -> dict[str, Any]:
        return {"where": self.where, "lines": list(self.lines), "why": self.why}


def by_hand(settings: Mapping[str, Any], ingress_url: str = "") -> list[ByHand]:
    """`settings` as `GET App/user` shows them."""
    found = [
        ByHand(
            "data/config.php, inside the array",
            (
                "'webhookBatchSize' => 200,",
                "'webhookQueueEventPortionSize' => 500,",
                f"'webhookAllowedAddressList' => ['{_host_and_port(ingress_url or PLACEHOLDER)}'],",
            ),
            "EspoCRM sends one batch a webhook and minute, 50 records by default; "
            "since 9.3.2 it calls internal addresses only where they are listed",
        )
    ]
    found.append(
        ByHand(
            "Administration > Entity Manager > CBeteiligte > Fields > betnr > Dynamic Logic",
            ("Conditions making field read-only: betnr is not empty",),
            "a mistyped number would tie a record to another party",
        )
    )
    if settings.get("phoneNumberInternational") is False:
        found.append(
            ByHand(
                "Administration > Settings",
                ("International phone numbers: on",),
                "a number in another spelling than Advoware's would stand twice",
            )
        )
    return found


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"
