"""Who listens where in one stack, as `var/stack.json` shows it to people, the demo and the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.xai.access import API_KEY as XAI_API_KEY
from sandbox.xai.access import MANAGEMENT_KEY as XAI_MANAGEMENT_KEY
from synckit.kafka.access import KafkaAccess, access_from


@dataclass(frozen=True)
class Addresses:
    """URLs by process name; the sandboxes' access is the made-up one that every fresh sandbox has."""

    kafka: str
    database_url: str
    redis_url: str
    espocrm_url: str
    espocrm_api_key: str
    advoware_url: str
    services: dict[str, str] = field(default_factory=dict)
    google_url: str = ""
    google_key_file: str = ""
    google_role_account: str = ""
    xai_url: str = ""
    xai_management_url: str = ""
    prometheus_url: str = ""
    kafka_settings: dict[str, str] = field(default_factory=dict)
    """KAFKA_SECURITY_PROTOCOL and its like, of the administrator; empty where Kafka speaks PLAINTEXT."""
    kafka_users: dict[str, str] = field(default_factory=dict)
    """User of Kafka → password."""

    @property
    def kafka_access(self) -> KafkaAccess:
        """With which one looks at the stack's Kafka from outside."""
        return access_from(self.kafka_settings, self.kafka)

    def kafka_settings_of(self, user: str) -> dict[str, str]:
        """The same for one of ours, who has a user of its own."""
        if not self.kafka_users:
            return {}
        return {**self.kafka_settings, "KAFKA_SASL_USERNAME": user, "KAFKA_SASL_PASSWORD": self.kafka_users[user]}

    def as_json(self) -> dict[str, Any]:
        """The form of `var/stack.json`."""
        return {
            "kafka": self.kafka,
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "services": {name: {"url": url} for name, url in self.services.items()},
            "sandbox": {
                "espocrm": {"url": self.espocrm_url, "api_key": self.espocrm_api_key},
                "advoware": {"url": self.advoware_url},
                "google": {
                    "url": self.google_url,
                    "service_account_file": self.google_key_file,
                    "role_account": self.google_role_account,
                },
                "xai": {
                    "url": self.xai_url,
                    "management_url": self.xai_management_url,
                    "api_key": XAI_API_KEY,
                    "management_key": XAI_MANAGEMENT_KEY,
                },
            },
            **({"kafka_settings": self.kafka_settings, "kafka_users": self.kafka_users} if self.kafka_users else {}),
            **({"prometheus": {"url": self.prometheus_url}} if self.prometheus_url else {}),
        }

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.as_json(), indent=2) + "\n")


def read_addresses(path: Path) -> Addresses:
    """What `write` wrote."""
    seen = json.loads(path.read_text())
    return Addresses(
        kafka=seen["kafka"],
        database_url=seen["database_url"],
        redis_url=seen["redis_url"],
        espocrm_url=seen["sandbox"]["espocrm"]["url"],
        espocrm_api_key=seen["sandbox"]["espocrm"]["api_key"],
        advoware_url=seen["sandbox"]["advoware"]["url"],
        services={name: service["url"] for name, service in seen["services"].items()},
        google_url=seen["sandbox"]["google"]["url"],
        google_key_file=seen["sandbox"]["google"]["service_account_file"],
        google_role_account=seen["sandbox"]["google"]["role_account"],
        xai_url=seen["sandbox"]["xai"]["url"],
        xai_management_url=seen["sandbox"]["xai"]["management_url"],
        kafka_settings=seen.get("kafka_settings", {}),
        kafka_users=seen.get("kafka_users", {}),
        prometheus_url=seen.get("prometheus", {}).get("url", ""),
    )
