"""`python -m tests.upgrade [--folder FOLDER] [--revision c59d009]`: an office of before goes on with the code of now.

An office of before is filled: records in step, one parked, one held, one half made. Its database is migrated while its
services run; those of now start beside them; then those of before end. After each step: nothing is written that was not
due, each change arrives, nobody is there twice, and keys of either side open both proxies. Prints JSON.

Exit status: 0 all as it should be, or skipped because the history is shallow; 1 not; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from demo.people import CROWD
from demo.remotes import Advoware, EspoCrm, Linked
from demo.wait import StepFailedError, expect, until
from synckit.command import run_command
from tests.upgrade.before import REVISION, Before, NoHistory
from tests.upgrade.now import KEYS, Now

GRANT = ("--grant", "GET /Beteiligte/:id", "--json")
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PARK = "INSERT INTO parked VALUES ('beteiligte', $1, 2, now() + interval '1 day', $2, $3, now())"
HALF_MADE = "INSERT INTO intent VALUES ('beteiligte', $1, '{}', now() - interval '1 minute', 1)"


class Office:
    """The two remotes, the people in them, and what was written to them."""

    def __init__(self, session: aiohttp.ClientSession, before: Before) -> None:
        self.before = before
        self.addresses = before.up()
        self.espo = EspoCrm(session, self.addresses.espocrm_url)
        self.advo = Advoware(session, self.addresses.advoware_url)
        self.people: list[Linked] = []
        self.keys: list[str] = []
        self._session = session

    async def fill(self) -> None:
        """Everybody is entered and in step; then one is parked, one held, one half made."""
        made = [await self.espo.create_person(person) for person in CROWD]
        self.people = [await self.espo.until_linked(each) for each in made]
        await self.espo.job(enabled=False)
        half_made = await self.espo.create(firstName="Halbert", lastName="Halbgemacht", salutationName="Herr")
        connection = await asyncpg.connect(self.addresses.database_url)
        await connection.execute(PARK, self.people[0].left, "remote_unavailable", "advoware: 503")
        await connection.execute(PARK, self.people[1].left, "brake", "espocrm")
        await connection.execute(HALF_MADE, half_made)
        await connection.close()
        await self.espo.job(enabled=True)
        self.people.append(await self.espo.until_linked(half_made))
        expect(len(await self.advo.named("Halbgemacht")) == 1, "the half made one is there once")

    async def position(self) -> tuple[int, int]:
        """The newest call of either side, once it is quiet."""
        return await self.espo.quiet(), await self.advo.quiet()

    async def written(self, since: tuple[int, int]) -> list[str]:
        """Calls that may have changed something, but for logins."""
        calls = [*await self.espo.calls(since=since[0]), *await self.advo.calls(since=since[1])]
        told = [f"{call['method']} {call['path']}" for call in calls if call["method"] in WRITES]
        return [one for one in told if not one.endswith("/Token")]

    async def nothing_is_written(self, since: tuple[int, int]) -> dict[str, Any]:
        await self.position()
        written = await self.written(since)
        expect(not written, f"written without being due: {written[:5]}")
        return {"writes": 0}

    async def changes_arrive(self, mark: str) -> dict[str, Any]:
        """Both ways, and nobody twice; who is parked stays so."""
        since = await self.position()
        for number, one in enumerate(self.people[2:]):
            if number % 2:
                await self.espo.change(one.left, firstName=mark)
                await self.advo.until_shows(one.right, f"{mark} from EspoCRM", vorname=mark)
            else:
                await self.advo.change(one.right, vorname=mark)
                await self.espo.change(one.left, description=mark)  # a desk's change alone waits for the ticker
                await self.espo.until_shows(one.left, f"{mark} from a desk", firstName=mark)
        for person in CROWD:
            expect(len(await self.advo.named(person.last)) == 1, f"{person.last} is there once")
        writes = len(await self.written(since))
        expect(writes >= len(self.people) - 2, "writes are seen here")
        expect(await self.parked() == {one.left for one in self.people[:2]}, "what is parked and held stays so")
        return {"changes": len(self.people) - 2, "writes": writes}

    async def parked(self) -> set[str]:
        """Left ids."""
        connection = await asyncpg.connect(self.addresses.database_url)
        rows = await connection.fetch("SELECT left_id FROM parked")
        await connection.close()
        return {row["left_id"] for row in rows}

    def make_key(self) -> None:
        """By the command of before, which does not run on a newer schema."""
        database = self.addresses.database_url
        made = self.before.run("advoware_proxy.keys", "create", "--name", "before", *GRANT, DATABASE_URL=database)
        self.keys.append(json.loads(made)["key"])

    async def keys_open(self, proxies: Sequence[str]) -> dict[str, Any]:
        """Each key each proxy, within the seconds that a proxy keeps what it has read."""
        for proxy in proxies:
            for key in self.keys:
                await until(partial(self._opens, proxy, key), f"a key opens {proxy}")
        return {"keys": len(self.keys), "proxies": len(proxies)}

    async def _opens(self, proxy: str, key: str) -> bool | None:
        url = f"{proxy}/advoware/proxy?path=/Beteiligte/{self.people[0].right}"
        async with self._session.get(url, headers={"Authorization": f"Bearer {key}"}) as answer:
            return True if answer.status == 200 else None


async def story(before: Before, folder: Path) -> dict[str, Any]:
    """What came of each step."""
    told: dict[str, Any] = {}
    async with aiohttp.ClientSession() as session:
        office = Office(session, before)
        await office.fill()
        office.make_key()
        now = Now(folder, office.addresses)
        try:
            since = await office.position()
            now.migrate()
            told["migrated"] = await office.nothing_is_written(since)
            now.start()
            told["side by side"] = await office.nothing_is_written(since)
            told["changes side by side"] = await office.changes_arrive("Nebeneinander")
            office.keys.append(json.loads(now.run(KEYS, "create", "--name", "now", *GRANT))["key"])
            of_before = office.addresses.services["advoware-proxy"]
            told["keys"] = await office.keys_open([of_before, now.urls["advoware-proxy"]])
            since = await office.position()
            before.end("beteiligte-sync", "ticker", "advoware-proxy")
            told["before has ended"] = await office.nothing_is_written(since)
            told["changes with now alone"] = await office.changes_arrive("Allein")
        finally:
            now.stop()
    return told


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.upgrade", description=__doc__)
    parser.add_argument("--folder", type=Path, help="kept for the next run; else one that is removed")
    parser.add_argument("--revision", default=REVISION, help=f"of the version of before ({REVISION})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="upgrade-") as made:
        folder = (options.folder or Path(made)).resolve()
        before = Before(folder, options.revision)
        try:
            before.build()
        except NoHistory as error:
            sys.stdout.write(json.dumps({"skipped": str(error)}) + "\n")
            return 0
        try:
            told = asyncio.run(story(before, folder))
        except StepFailedError as error:
            sys.stdout.write(json.dumps({"ok": False, "error": str(error)}) + "\n")
            return 1
        finally:
            before.down()
    sys.stdout.write(json.dumps({"ok": True, "from": options.revision, **told}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    run_command(main)
