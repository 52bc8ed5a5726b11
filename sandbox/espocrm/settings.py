"""What can be set from outside: command line, control API; and the credentials that every fresh sandbox has."""

from __future__ import annotations

from dataclasses import dataclass, field

API_PREFIX = "/api/v1"

API_USER_ID = "5a0000000000000a1"
HMAC_USER_ID = "5a0000000000000a2"
INACTIVE_USER_ID = "5a0000000000000a3"
OFFICE_USER_ID = "5a0000000000000b1"
ADMIN_USER_ID = "5a0000000000000c1"

API_USER_NAME = "advoware_sync"
API_KEY = "sandbox-api-key"
HMAC_USER_NAME = "advoware_hmac"
HMAC_API_KEY = "sandbox-hmac-key"
HMAC_SECRET_KEY = "sandbox-hmac-secret"  # noqa: S105 -- a sandbox credential, documented
INACTIVE_USER_NAME = "old_sync"
INACTIVE_API_KEY = "sandbox-inactive-key"
OFFICE_USER_NAME = "anna"
OFFICE_PASSWORD = "anna"  # noqa: S105
ADMIN_USER_NAME = "admin"
ADMIN_PASSWORD = "admin"  # noqa: S105


CONFIG_NAMES = {
    "webhookQueueEventPortionSize": "event_portion",
    "webhookQueuePortionSize": "webhook_portion",
    "webhookBatchSize": "batch_size",
    "webhookMaxAttemptNumber": "max_attempts",
    "webhookConnectTimeout": "connect_timeout",
    "webhookTimeout": "total_timeout",
    "webhookAllowedAddressList": "allowed_addresses",
    "authMaxFailedAttemptNumber": "max_failed_logins",
    "recordListMaxSizeLimit": "list_max_size",
    "emailAddressMaxCount": "email_max_count",
    "phoneNumberMaxCount": "phone_max_count",
    "phoneNumberInternational": "phone_international",
    "timeZone": "time_zone",
    "maintenanceMode": "maintenance",
}
"""EspoCRM's names of its configuration, and ours: both are taken by the control API."""


@dataclass
class Settings:
    """EspoCRM's own config keys under our names; every one of them can be changed while it runs."""

    profile: str = "office"
    version: str = "10.0.0"
    dispatch_interval: float = 120.0
    event_portion: int = 20
    webhook_portion: int = 20
    batch_size: int = 50
    max_attempts: int = 4
    fail_attempt_period: float = 600.0
    connect_timeout: float = 5.0
    total_timeout: float = 10.0
    literal_ip_aborts_job: bool = False
    dns_refuses_aaaa: bool = False
    allowed_addresses: list[str] | None = None
    max_failed_logins: int = 10
    failed_logins_period: float = 60.0
    list_max_size: int = 200
    email_max_count: int = 10
    phone_max_count: int = 10
    phone_international: bool = True
    time_zone: str = "Europe/Berlin"
    default_currency: str = "EUR"
    currencies: list[str] = field(default_factory=lambda: ["EUR", "USD"])
    maintenance: bool = False
    webhooks_enabled: bool = True
    link_hook: bool = False

    @property
    def is_legacy(self) -> bool:
        """True for 9.x, which differs from 10.0 in webhook results and in empty arrays."""
        return int(self.version.split(".", 1)[0]) < 10
