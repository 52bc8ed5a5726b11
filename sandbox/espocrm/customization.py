"""What administrators keep beside the metadata: labels, layouts, the configuration, scheduled jobs."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.espocrm.definitions import load_json
from sandbox.espocrm.metadata import EntityDef
from sandbox.espocrm.store import Record, Store

WEBHOOK_JOB = "ProcessWebhookQueue"
JOBS = (
    ("5a0000000000000e1", "Process Webhook Queue", WEBHOOK_JOB, "*/2 * * * *"),
    ("5a0000000000000e2", "Cleanup", "Cleanup", "1 1 * * 0"),
    ("5a0000000000000e3", "Send Email Notifications", "SendEmailNotifications", "*/2 * * * *"),
)


class Customization:
    """Labels by (scope, field), layouts by (scope, name), and the configuration that the settings page shows."""

    def __init__(self) -> None:
        self.labels: dict[tuple[str, str], str] = {}
        self.layouts: dict[tuple[str, str], Any] = {}
        self.config: dict[str, Any] = load_json("config")
        self._core_labels: dict[str, str] = load_json("labels")
        self._layouts: dict[str, dict[str, Any]] = load_json("layouts")

    def label(self, scope: str, field: str) -> str:
        """What people read beside the field."""
        return self.labels.get((scope, field)) or self._core_labels.get(field, field)

    def layout(self, entity: EntityDef, name: str) -> Any:
        """The layout as it is, else the template's; None where there is none."""
        kept = self.layouts.get((entity.name, name))
        template = "Person" if entity.is_person else "Base"
        return copy.deepcopy(kept if kept is not None else self._layouts[template].get(name))

    def forget(self, scope: str) -> None:
        """A record type is removed."""
        for table in (self.labels, self.layouts):
            for key in [key for key in table if key[0] == scope]:
                table.pop(key)


def install_jobs(store: Store, stamp: str) -> None:
    """The scheduled jobs of a fresh installation."""
    for job_id, name, job, scheduling in JOBS:
        values = {"name": name, "job": job, "status": "Active", "scheduling": scheduling}
        store.add(Record("ScheduledJob", job_id, {**values, "createdAt": stamp, "modifiedAt": stamp}))


def webhook_job_is_on(store: Store) -> bool:
    """False once an administrator has set the job to Inactive, or deleted it."""
    return any(
        each.values.get("job") == WEBHOOK_JOB and each.values.get("status") == "Active"
        for each in store.live("ScheduledJob")
    )
