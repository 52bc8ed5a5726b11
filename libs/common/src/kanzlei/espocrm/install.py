"""Observe, plan, act, observe again: what `python -m kanzlei.espocrm install` does, step by step.

Every run begins by looking, so that one that was broken off is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kanzlei.espocrm.api import Api, Refused
from kanzlei.espocrm.by_hand import ByHand, by_hand
from kanzlei.espocrm.layout import detail_with, filters_with
from kanzlei.espocrm.look import administration
from kanzlei.espocrm.plan import ROLE_ID, Administration, Blocked, Plan, Step, plan
from kanzlei.espocrm.schema import Target
from synckit.errors import AuthenticationRefused, RemoteUnavailable

CONFLICT = 409
Tell = Callable[[str], None]


class NotAnAdministrator(Exception):
    """The credentials are right, and belong to somebody who may not do this."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that EspoCRM refused, with its reason."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """`done` of `planned` steps; `left` is what a second look still found to do."""

    version: str
    planned: tuple[Step, ...]
    blocked: tuple[Blocked, ...]
    by_hand: tuple[ByHand, ...]
    dry_run: bool = False
    done: int = 0
    failed: tuple[Failed, ...] = ()
    left: tuple[Step, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def status(self) -> int:
        return 1 if self.failed or self.blocked or self.left else 0

    def as_json(self) -> dict[str, Any]:
        """Without the key."""
        return {
            "version": self.version,
            "dry_run": self.dry_run,
            "planned": [step.as_json() for step in self.planned],
            "done": self.done,
            "failed": [{**each.step.as_json(), "reason": each.reason} for each in self.failed],
            "left": [step.as_json() for step in self.left],
            "blocked": [{"what": each.what, "why": each.why, "mend": each.mend} for each in self.blocked],
            "by_hand": [each.as_json() for each in self.by_hand],
        }


@dataclass(frozen=True, slots=True)
class Installer:
    """One EspoCRM and what it shall have. `auth`: of a new API user. `ingress_url`: for the lines to paste, only."""

    api: Api
    target: Target
    auth: str = "ApiKey"
    ingress_url: str = ""

    async def look(self) -> tuple[Administration, Plan]:
        """NotAnAdministrator where these credentials can't install anything."""
        try:
            seen = await administration(self.api, self.target, self.target.user_name)
        except Refused as error:
            if error.status == 403:
                raise NotAnAdministrator from None
            raise
        if not seen.installation.is_admin:
            raise NotAnAdministrator
        return seen, plan(seen, self.target, auth=self.auth)

    def foreseen(self, seen: Administration, planned: Plan) -> Report:
        """What a dry run reports."""
        return Report(
            version=seen.installation.version,
            planned=planned.steps,
            blocked=planned.blocked,
            by_hand=tuple(by_hand(seen.installation.settings, self.ingress_url)),
            dry_run=True,
        )

    async def carry_out(self, planned: Plan, tell: Tell) -> Report:
        """All steps in turn; one that is refused does not stop the others. Trouble of EspoCRM's goes through."""
        failed: list[Failed] = []
        role_id = ""
        for number, step in enumerate(planned.steps, start=1):
            tell(f"[{number}/{len(planned.steps)}] {step.kind:<7} {step.what}: {step.why}")
            try:
                answer = await self._act(step, role_id)
            except Refused as error:
                failed.append(Failed(step, str(error)))
                tell(f"        refused: {error}")
                continue
            if step.kind == "role" and isinstance(answer, Mapping):
                role_id = str(answer.get("id") or "")
        return await self._after(planned, failed)

    async def _act(self, step: Step, role_id: str) -> Any:
        if step.layout:
            before = await self.api.read(step.path)
            merge = detail_with if step.path.endswith("/detail") else filters_with
            body: Any = merge(before if isinstance(before, list) else [], step.layout)
        else:
            body = _with_role(step.body, role_id)
        try:
            return await self.api.call(step.method, step.path, body=body)
        except Refused as error:
            # Another installer, or an answer that was lost: the second look tells whether it is there.
            if step.method == "POST" and error.status == CONFLICT:
                return None
            raise

    async def _after(self, planned: Plan, failed: list[Failed]) -> Report:
        seen, rest = await self.look()
        foreseen = self.foreseen(seen, rest)
        refused = {each.step.what for each in failed}
        return Report(
            version=foreseen.version,
            planned=planned.steps,
            blocked=rest.blocked,
            by_hand=foreseen.by_hand,
            done=len(planned.steps) - len(failed),
            failed=tuple(failed),
            left=tuple(step for step in rest.steps if step.what not in refused),
            credentials=credentials(seen.user),
        )


def credentials(user: Mapping[str, Any] | None) -> dict[str, str]:
    """The variables that our services need, of the API user as an administrator sees it."""
    user = user or {}
    found = {"ESPOCRM_API_KEY": str(user.get("apiKey") or "")}
    if user.get("authMethod") == "Hmac":
        found["ESPOCRM_HMAC_SECRET_KEY"] = str(user.get("secretKey") or "")
    return {name: value for name, value in found.items() if value}


def _with_role(body: Mapping[str, Any], role_id: str) -> dict[str, Any]:
    if ROLE_ID not in (body.get("rolesIds") or []):
        return dict(body)
    roles = [role_id if each == ROLE_ID else each for each in body["rolesIds"]]
    return {**body, "rolesIds": [each for each in roles if each]}


def words(error: Exception, url: str) -> str:
    """What went wrong, and what to do."""
    if isinstance(error, AuthenticationRefused):
        return "EspoCRM refuses the name or the password. After ten wrong ones it locks this address out for a minute."
    if isinstance(error, NotAnAdministrator):
        return "this user is no administrator: only one may change entities, roles and users."
    if isinstance(error, RemoteUnavailable):
        return f"{error}. What was done stays; when {url} answers again, run the same command again."
    return f"{error}."
