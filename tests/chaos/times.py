"""Clocks that are apart and step, and remotes that tell wrong times of change."""

from __future__ import annotations

import asyncio
import time

from deploy.local.table import TICKER
from sandbox.clocks import TIME_LIES
from tests.chaos.aimed import Aimed, Struck
from tests.chaos.fields import Side
from tests.chaos.troubles import TimeLie

FURTHEST = 600.0
"""Seconds."""
FURTHEST_FOR_TOKENS = 140.0
"""Advoware gives no token to a clock that is five minutes off: what stays apart for long is nearer, on both sides."""


class Times(Aimed):
    """What is done to a record meanwhile is done to one of the blow's own, or to a new one."""

    async def clocks_apart(self, seconds: float) -> Struck:
        """Some clocks step; a create's answer is lost with its worker, or both sides are typed; then they step back.

        Half of them stay, nearer, until they step the next time.
        """
        everybody = (*(side.value for side in Side), *self._world.workers, TICKER.name)
        who = self._chance.sample(everybody, self._chance.randint(1, 3))
        stays = self._chance.random() < 0.5
        furthest = FURTHEST_FOR_TOKENS if stays else FURTHEST
        offsets = {name: round(self._chance.uniform(-furthest, furthest)) for name in who}
        for name, offset in offsets.items():
            await self._world.shift(name, offset)
        if self._chance.random() < 0.5:
            await self.kill_after_post()
        else:
            await self._type_on_both_sides(seconds)
        if not stays:
            for name in who:
                await self._world.shift(name, 0.0)
        told = ", ".join(f"{name} {offset:+d}" for name, offset in offsets.items())
        return f"{told}{', stays' if stays else ''}", time.time()

    async def times_lie(self, seconds: float) -> Struck:
        """One side tells nonsense about when its records were changed."""
        side, lie = self._chance.choice(list(Side)), self._chance.choice(TIME_LIES)
        began = time.time()
        await self._tell(side, lie)
        await self._type_on_both_sides(seconds)
        await self._tell(side, None)
        self._world.troubles.lies.append(TimeLie(side, began, time.time()))
        return f"{side}, {lie}, for {time.time() - began:.0f} s", time.time()

    async def _tell(self, side: Side, lie: str | None) -> None:
        path, name = {
            Side.ESPO: ("/_sandbox/lie", "times"),
            Side.ADVO: ("/_sandbox/switches", "geaendert_am_lie"),
        }[side]
        await self._world.ask(side, "POST", path, {name: lie})

    async def _type_on_both_sides(self, seconds: float) -> None:
        """One field each, then the same one."""
        known = await self._own_record()
        await self._people.try_to_save(Side.ESPO, known, titel=self._people.word(known))
        await self._people.try_to_save(Side.ADVO, known, zusatz=self._people.word(known))
        await asyncio.sleep(seconds)
        await self._people.try_to_save(Side.ADVO, known, bAnrede=self._people.word(known))
        await self._people.try_to_save(Side.ESPO, known, briefAnrede=self._people.word(known))
