"""The secrets as they are now: the variable's and the file's, which is read again when it has changed.

A file that can't be read, or is not what it should be, changes nothing: the old secrets stand, log and metric say so.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from kanzlei.espocrm.webhook_secrets import Secrets, parse_secrets
from synckit.ports import Clock
from webhook_ingress import metrics

log = structlog.get_logger(__name__)
LOOK_SECONDS = 1.0
_Stamp = tuple[int, int, int]


class SecretsSource:
    """Call it for the secrets. Looks at the file at most once a second; a look is one `stat`."""

    def __init__(self, fixed: Secrets, path: Path | None, clock: Clock) -> None:
        self._fixed = fixed
        self._path = path
        self._clock = clock
        self._stamp: _Stamp | None = None
        self._complaint = ""
        self._looked_at = float("-inf")
        self._secrets: Secrets = fixed
        self._show()

    def __call__(self) -> Secrets:
        now = self._clock.monotonic()
        if self._path is not None and now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._look(self._path)
        return self._secrets

    async def check(self) -> None:
        """Readiness: at least one secret."""
        if not self():
            raise LookupError("no secrets")

    def _look(self, path: Path) -> None:
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp == self._stamp and not self._complaint:
                return
            self._secrets = {**self._fixed, **parse_secrets(path.read_bytes())}
        except OSError as error:
            self._complain(type(error).__name__)
        except ValueError as error:
            self._complain(str(error))
        else:
            self._stamp = stamp
            self._complaint = ""
            self._show()
            log.info("secrets_read", count=len(self._secrets))

    def _complain(self, problem: str) -> None:
        metrics.WEBHOOK_SECRETS_STALE.set(1)
        if problem != self._complaint:
            log.error("secrets_file_unusable", error=problem, count=len(self._secrets), hint="the old ones stand")
        self._complaint = problem

    def _show(self) -> None:
        metrics.WEBHOOK_SECRETS.set(len(self._secrets))
        metrics.WEBHOOK_SECRETS_STALE.set(0)
