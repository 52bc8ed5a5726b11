"""The two remote systems as people see them: a user of EspoCRM, a desk in Advoware; and the sandboxes' controls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from demo.people import Person
from demo.wait import LIMIT, StepFailedError, until
from kanzlei.espocrm.target import USER as OUR_API_USER

ENTITY = "CBeteiligte"
USER_ID = "5a0000000000000b1"
USER = {"Authorization": aiohttp.encode_basic_auth("anna", "anna")}
CALLS = "/_sandbox/calls"
QUIET_LOOKS = 12
"""As many looks in a row that see no new call are a quiet system."""


class Remote:
    """JSON over HTTP to one sandbox."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    @classmethod
    @asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator[Self]:
        """With a session of its own."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            yield cls(session, url)

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The parsed answer; fails the step for anything but success."""
        async with self._session.request(method, self.url + path, json=body, **options) as answer:
            if answer.status >= 400:
                raise StepFailedError(f"{method} {path} was answered with {answer.status}")
            return await answer.json()

    async def last_call(self) -> int:
        """The number of the newest call: `since` for what comes after."""
        return int((await self.ask("GET", "/_sandbox/health"))["last_seq"])

    async def quiet(self) -> int:
        """The number of the newest call, once there has been no other for a while."""
        seen = [await self.last_call()]

        async def still() -> int | None:
            seen.append(await self.last_call())
            return seen[-1] if seen[-QUIET_LOOKS:].count(seen[-1]) == QUIET_LOOKS else None

        return await until(still, "no more calls")

    async def calls(self, **wanted: str | int) -> list[dict[str, Any]]:
        """The calls that it has seen: record, method, path (regex), caller, since."""
        params = {name: str(value) for name, value in wanted.items()}
        answer = await self.ask("GET", CALLS, params=params)
        rows: list[dict[str, Any]] = answer["calls"]
        return rows

    async def fault(self, fault: dict[str, Any], **rule: Any) -> int:
        """Let something go wrong from now on; the number of the rule."""
        return int((await self.ask("POST", "/_sandbox/faults", {"fault": fault, **rule}))["id"])

    async def fired(self, rule: int) -> int:
        """How often the rule has hit."""
        rules = (await self.ask("GET", "/_sandbox/faults"))["faults"]
        return next((int(each["fired"]) for each in rules if each["id"] == rule), 0)

    async def mend(self, rule: int) -> None:
        """No longer."""
        await self.ask("DELETE", f"/_sandbox/faults/{rule}")


@dataclass(frozen=True)
class Linked:
    """One party in both systems."""

    left: str
    right: int


class EspoCrm(Remote):
    """EspoCRM as its user Anna sees it. `api_user`: the name that our services have there."""

    def __init__(self, session: aiohttp.ClientSession, url: str, api_user: str = OUR_API_USER) -> None:
        super().__init__(session, url)
        self.api_user = api_user

    async def rest(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the REST API with Anna's password."""
        return await self.ask(method, f"/api/v1/{path}", body, headers=USER)

    async def create(self, **fields: Any) -> str:
        """Anna enters a new record, assigned to herself; its id."""
        made = await self.rest("POST", ENTITY, {"assignedUserId": USER_ID, **fields})
        return str(made["id"])

    async def create_person(self, person: Person) -> str:
        """Anna enters a natural person."""
        return await self.create(
            firstName=person.first,
            lastName=person.last,
            dateOfBirth=person.born,
            salutationName=person.salutation,
        )

    async def change(self, record_id: str, **fields: Any) -> None:
        """Anna changes some fields."""
        await self.rest("PUT", f"{ENTITY}/{record_id}", fields)

    async def record(self, record_id: str) -> dict[str, Any]:
        """The record as Anna sees it."""
        found: dict[str, Any] = await self.rest("GET", f"{ENTITY}/{record_id}")
        return found

    async def until_shows(self, record_id: str, what: str, limit: float = LIMIT, **wanted: Any) -> dict[str, Any]:
        """Wait until the record has all of these values; `...` stands for any that is not empty."""

        async def probe() -> dict[str, Any] | None:
            seen = await self.record(record_id)
            return seen if not differing(seen, wanted) else None

        async def instead() -> str:
            seen = await self.record(record_id)
            state = f"syncStatus {seen['syncStatus']}, {seen['syncErrorMessage'] or 'no error'}"
            return f"{state}; differing: {', '.join(differing(seen, wanted))}"

        return await until(probe, f"EspoCRM {record_id}: {what}", limit, instead=instead)

    async def until_linked(self, record_id: str, limit: float = LIMIT) -> Linked:
        """Wait until the record is clean and knows its number in Advoware."""
        wanted = {"syncStatus": "clean", "betnr": ..., "advowareRowId": ...}
        seen = await self.until_shows(record_id, "linked and clean", limit, **wanted)
        return Linked(record_id, int(seen["betnr"]))

    async def lie(self, lie: str | None) -> None:
        """Tell API users one of the sandbox's lies from now on; None ends it. People see the truth."""
        await self.ask("POST", "/_sandbox/lie", {"lie": lie})

    async def notes(self) -> list[dict[str, Any]]:
        """All posts to Anna, whoever wrote them."""
        found = (await self.ask("GET", "/_sandbox/notes"))["notes"]
        return [note for note in found if USER_ID in (note.get("usersIds") or [])]

    async def job(self, *, enabled: bool, clear: bool = False) -> dict[str, Any]:
        """Switch EspoCRM's webhook job on or off; `clear` throws away what waits."""
        seen: dict[str, Any] = await self.ask("POST", "/_sandbox/webhooks", {"enabled": enabled, "clear": clear})
        return seen

    async def nothing_waits(self) -> bool | None:
        """True once no event waits for the webhook job any more."""
        seen = await self.ask("GET", "/_sandbox/webhooks")
        return True if seen["events_pending"] == seen["queue_pending"] == 0 else None

    async def run_job(self) -> dict[str, Any]:
        """Run the webhook job once, now; what it shows afterwards."""
        seen: dict[str, Any] = await self.ask("POST", "/_sandbox/webhooks/run")
        return seen

    async def our_calls(self, since: int, **wanted: str) -> list[dict[str, Any]]:
        """What our services have asked of EspoCRM."""
        return await self.calls(caller=self.api_user, since=since, **wanted)


class Advoware(Remote):
    """Advoware as people at its desks see it. Desks are not among the calls that are counted."""

    async def party(self, bet_nr: int) -> dict[str, Any]:
        """The party on the screen of a desk."""
        found: dict[str, Any] = await self.ask("GET", f"/_sandbox/desk/beteiligte/{bet_nr}")
        return found

    async def named(self, name: str) -> list[int]:
        """The numbers of all parties with this in their name."""
        found = await self.ask("GET", "/_sandbox/desk/beteiligte", params={"name": name})
        return [int(party["betNr"]) for party in found["list"]]

    async def change(self, bet_nr: int, **fields: Any) -> None:
        """Somebody at a desk changes some fields and saves."""
        await self.ask("POST", f"/_sandbox/desk/beteiligte/{bet_nr}", fields)

    async def delete(self, bet_nr: int) -> None:
        """Somebody at a desk deletes the party."""
        await self.ask("DELETE", f"/_sandbox/desk/beteiligte/{bet_nr}")

    async def lie(self, lie: str | None) -> None:
        """Tell the API one of the sandbox's lies from now on; None ends it. Desks see the truth."""
        await self.ask("POST", "/_sandbox/switches", {"lie": lie})

    async def until_shows(self, bet_nr: int, what: str, limit: float = LIMIT, **wanted: Any) -> dict[str, Any]:
        """Wait until the party has all of these values."""

        async def probe() -> dict[str, Any] | None:
            seen = await self.party(bet_nr)
            return seen if not differing(seen, wanted) else None

        async def instead() -> str:
            return f"differing: {', '.join(differing(await self.party(bet_nr), wanted))}"

        return await until(probe, f"Advoware {bet_nr}: {what}", limit, instead=instead)


def differing(seen: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """The names of the fields that are not as wanted."""
    return [
        name
        for name, value in wanted.items()
        if (not seen.get(name) if value is ... else (seen.get(name) or None) != (value or None))
    ]
