"""The table of our own processes and jobs: command, environment, port and sign of readiness of each, in one place.

docker-compose.yml says the same for containers; a test holds the two and the services' settings together.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.local.addresses import Addresses
from deploy.local.revision import revision
from sandbox.advoware.credentials import DEFAULT as ADVOWARE
from sandbox.espocrm.settings import ADMIN_PASSWORD, ADMIN_USER_NAME
from sandbox.espocrm.settings import API_KEY as ESPOCRM_API_KEY
from sandbox.xai.access import API_KEY as XAI_API_KEY
from sandbox.xai.access import MANAGEMENT_KEY as XAI_MANAGEMENT_KEY

ROOT = Path(__file__).resolve().parents[2]
OURS = (
    "KAFKA_",
    "DATABASE_",
    "REDIS_",
    "ESPOCRM_",
    "ADVOWARE_",
    "WEBHOOK_INGRESS_",
    "BETEILIGTE_",
    "TICKER_",
    "BRAKE_",
    "CALENDAR_",
    "GOOGLE_",
    "NOTIFY_",
    "OFFICE_",
    "XAI_",
    "DOCUMENT_",
    "TRANSFER_",
)


@dataclass(frozen=True)
class Service:
    """A process that stays. `port_variable` tells it where to listen; the path `ready` answers 200 once it can work."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    port_variable: str | None = None
    variables: tuple[str, ...] = ()
    ready: str = "/health/ready"
    limit: float = 120.0


@dataclass(frozen=True)
class Job:
    """A command that ends. It has to end with 0 before the services start. `typed`: what it reads from its input."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    typed: str = ""


KAFKA = ("KAFKA_BOOTSTRAP_SERVERS",)
STORES = ("DATABASE_URL", "REDIS_URL")
ESPOCRM = ("ESPOCRM_BASE_URL", "ESPOCRM_API_KEY")
ADVOWARE_ACCESS = (
    "ADVOWARE_AUTH_URL",
    "ADVOWARE_API_BASE_URL",
    "ADVOWARE_APP_ID",
    "ADVOWARE_PRODUCT_ID",
    "ADVOWARE_API_KEY",
    "ADVOWARE_KANZLEI",
    "ADVOWARE_DATABASE",
    "ADVOWARE_USER",
    "ADVOWARE_ROLE",
    "ADVOWARE_PASSWORD",
)
OFFICE = ("OFFICE_HOURS", "OFFICE_LAND")
XAI_ACCESS = ("XAI_API_BASE_URL", "XAI_API_KEY", "XAI_MANAGEMENT_BASE_URL", "XAI_MANAGEMENT_KEY")
CONSULTATIONS = ("TICKER_CONSULTATIONS", "TICKER_CONSULTATIONS_SECONDS")
GOOGLE_ACCESS = ("GOOGLE_SERVICE_ACCOUNT_FILE", "GOOGLE_ROLE_ACCOUNT", "GOOGLE_API_ENDPOINT")
PUSH_SECRET = ("CALENDAR_PUSH_SECRET",)
CALENDAR_CHOICES = ("CALENDAR_MODE", "CALENDAR_PROFILE", "CALENDAR_PUSH_URL", *PUSH_SECRET)

XAI_MANAGEMENT = "xai-management"
"""The other port of xAI's sandbox: its collections."""
PARTS = ("consultations", "documents")
"""What is installed in EspoCRM besides, as `kanzlei.espocrm install --with` takes it."""
SANDBOXES = (
    Service("espocrm", "sandbox.espocrm", ("--dispatch-interval", "0.2", "--link-hook"), ready="/_sandbox/health"),
    Service("advoware", "sandbox.advoware", ready="/_sandbox/health"),
    Service("google", "sandbox.google", ready="/_sandbox/health"),
    Service("xai", "sandbox.xai", ready="/_sandbox/health"),
)
BARE_SANDBOXES = (replace(SANDBOXES[0], arguments=(*SANDBOXES[0].arguments, "--bare")), *SANDBOXES[1:])
"""EspoCRM as it comes: what it needs of ours is installed by the command for that."""
INGRESS = Service(
    "webhook-ingress",
    "webhook_ingress",
    port_variable="WEBHOOK_INGRESS_PORT",
    variables=(*KAFKA, "WEBHOOK_INGRESS_SECRETS_FILE", *PUSH_SECRET),
)
WORKER = Service(
    "beteiligte-sync",
    "beteiligte_sync",
    port_variable="BETEILIGTE_SYNC_PORT",
    variables=(*KAFKA, *STORES, *ESPOCRM, *ADVOWARE_ACCESS, *OFFICE),
)
TICKER = Service(
    "ticker",
    "ticker",
    port_variable="TICKER_PORT",
    variables=(*KAFKA, *STORES, *ESPOCRM, *ADVOWARE_ACCESS, *OFFICE, *CONSULTATIONS),
)
PROXY = Service(
    "advoware-proxy",
    "advoware_proxy",
    port_variable="ADVOWARE_PROXY_PORT",
    variables=(*STORES, *ADVOWARE_ACCESS),
)
CALENDAR = Service(
    "calendar-sync",
    "calendar_sync",
    port_variable="CALENDAR_SYNC_PORT",
    variables=(*KAFKA, *STORES, *ESPOCRM, *ADVOWARE_ACCESS, *GOOGLE_ACCESS, *CALENDAR_CHOICES),
)
DOCUMENTS = Service(
    "document-sync",
    "document_sync",
    port_variable="DOCUMENT_SYNC_PORT",
    variables=(*KAFKA, *STORES, *ESPOCRM, *XAI_ACCESS, "XAI_WRITES", "DOCUMENT_SYNC_CHANGED_SECONDS"),
)
SERVICES = (
    INGRESS,
    WORKER,
    TICKER,
    PROXY,
    CALENDAR,
    DOCUMENTS,
)
"""All of ours, in the order in which they are started. The worker may run more than once."""

GRANT = Job("admin", "synckit.kafka", ("grant",), KAFKA)
"""Where Kafka knows its users: as its administrator."""
TOPICS = Job("topics", "synckit.kafka", ("apply",), KAFKA)
MIGRATE = Job("migrate", "synckit.postgres.migrate", ("apply",), ("DATABASE_URL",))
INSTALL = Job(
    "install-espocrm",
    "kanzlei.espocrm",
    ("install", "--admin", ADMIN_USER_NAME, "--password-stdin", "--yes", "--json"),
    typed=f"{ADMIN_PASSWORD}\n",
)
REGISTER = Job("register-webhooks", "webhook_ingress.register", variables=ESPOCRM)


def kafka_user(line: Service | Job) -> str:
    """Copies of a worker are one user; a job has its own."""
    return line.module.replace("_", "-") if isinstance(line, Service) else line.name


@dataclass(frozen=True)
class Wiring:
    """Turns a line of the table into a command line and an environment, for the addresses of one stack."""

    addresses: Addresses
    secrets_file: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    def argv(self, line: Service | Job, port: int | None = None) -> list[str]:
        """Services learn their port from their variable, the sandboxes from their command line."""
        takes_option = port is not None and isinstance(line, Service) and line.port_variable is None
        option = ["--port", str(port)] if takes_option else []
        if line.module == "sandbox.google" and self.addresses.google_key_file:
            option += ["--write-service-account", self.addresses.google_key_file]
        if line.module == "sandbox.xai":
            option += ["--management-port", self.addresses.xai_management_url.rpartition(":")[2] or "0"]
        return [sys.executable, "-m", line.module, *option, *line.arguments]

    def environment(self, line: Service | Job, port: int | None = None) -> dict[str, str]:
        """Ours replaces whatever the shell has of the same kind: a stack never talks to a real office by accident."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        known = self._values()
        own = {name: known[name] for name in line.variables}
        if KAFKA[0] in own:
            own |= self.addresses.kafka_settings_of(kafka_user(line))
        if isinstance(line, Service) and line.port_variable and port is not None:
            own[line.port_variable] = str(port)
        shared = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "SYNCKIT_REVISION": revision()}
        return {**kept, **shared, **own, **self.extra}

    def _values(self) -> dict[str, str]:
        here = self.addresses
        return {
            "KAFKA_BOOTSTRAP_SERVERS": here.kafka,
            "DATABASE_URL": here.database_url,
            "REDIS_URL": here.redis_url,
            "WEBHOOK_INGRESS_SECRETS_FILE": str(self.secrets_file),
            "ESPOCRM_BASE_URL": here.espocrm_url,
            "ESPOCRM_API_KEY": here.espocrm_api_key,
            "ADVOWARE_AUTH_URL": f"{here.advoware_url}/api/v1/Token",
            "ADVOWARE_API_BASE_URL": here.advoware_url,
            "ADVOWARE_APP_ID": ADVOWARE.app_id,
            "ADVOWARE_PRODUCT_ID": ADVOWARE.product_id,
            "ADVOWARE_API_KEY": ADVOWARE.api_key,
            "ADVOWARE_KANZLEI": ADVOWARE.kanzlei,
            "ADVOWARE_DATABASE": ADVOWARE.database,
            "ADVOWARE_USER": ADVOWARE.user,
            "ADVOWARE_ROLE": ADVOWARE.role,
            "ADVOWARE_PASSWORD": ADVOWARE.password,
            "TICKER_CONSULTATIONS": "on",
            "TICKER_CONSULTATIONS_SECONDS": "5",
            # Whoever tries it on a Sunday evening shall see it work.
            "OFFICE_HOURS": "Mon-Sun 00:00-24:00",
            "OFFICE_LAND": "none",
            "XAI_API_BASE_URL": here.xai_url,
            "XAI_API_KEY": XAI_API_KEY,
            "XAI_MANAGEMENT_BASE_URL": here.xai_management_url,
            "XAI_MANAGEMENT_KEY": XAI_MANAGEMENT_KEY,
            "XAI_WRITES": "on",
            # A switch has no webhook: nobody who plays shall wait a minute for it.
            "DOCUMENT_SYNC_CHANGED_SECONDS": "5",
            **self._calendar(),
        }

    def _calendar(self) -> dict[str, str]:
        """To play with: everything is written, and a name is seen in the sandbox's Google."""
        here = self.addresses
        return {
            "GOOGLE_SERVICE_ACCOUNT_FILE": here.google_key_file,
            "GOOGLE_ROLE_ACCOUNT": here.google_role_account,
            "GOOGLE_API_ENDPOINT": here.google_url,
            "CALENDAR_MODE": "on",
            "CALENDAR_PROFILE": "full",
            "CALENDAR_PUSH_URL": f"{here.services.get(INGRESS.name, '')}/google/push",
            "CALENDAR_PUSH_SECRET": "sandbox-push-secret-of-no-value-elsewhere",
        }


__all__ = [
    "BARE_SANDBOXES",
    "CALENDAR",
    "DOCUMENTS",
    "ESPOCRM_API_KEY",
    "INGRESS",
    "INSTALL",
    "MIGRATE",
    "PARTS",
    "PROXY",
    "REGISTER",
    "SANDBOXES",
    "SERVICES",
    "TICKER",
    "TOPICS",
    "WORKER",
    "XAI_MANAGEMENT",
]
