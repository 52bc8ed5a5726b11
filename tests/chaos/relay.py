"""The address of a server that may move: `python -m tests.chaos.relay STATE_DIR NAME`.

New connections go to wherever that server listens now (the port kept for its name), old ones stay where they are.
While nobody listens there, nobody does here: a client is refused as by the server itself.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from deploy.local.ports import LOOPBACK, Ports

AGAIN = 0.05
PIECE = 65536


def address_of(name: str) -> str:
    """The name under which the relay's own port is kept, and its process known."""
    return f"{name}-address"


class Relay:
    """One address."""

    def __init__(self, ports: Ports, name: str) -> None:
        self._ports = ports
        self._name = name
        self._away = asyncio.Event()

    async def run(self) -> None:
        """For ever."""
        while True:
            if not await self._answers():
                await asyncio.sleep(AGAIN)
                continue
            self._away.clear()
            server = await asyncio.start_server(self._pass_on, LOOPBACK, self._ports.of(address_of(self._name)))
            await self._away.wait()
            server.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(LOOPBACK, self._ports.of(self._name))

    async def _answers(self) -> bool:
        try:
            _, writer = await self._open()
        except OSError:
            return False
        writer.close()
        return True

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self._open()
        except OSError:
            self._away.set()
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        if not await self._answers():
            self._away.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either end is gone; then both are."""
    with suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(Relay(Ports(Path(sys.argv[1])), sys.argv[2]).run())
