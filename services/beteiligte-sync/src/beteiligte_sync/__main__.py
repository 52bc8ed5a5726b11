"""`python -m beteiligte_sync`: settings, wiring, run."""

from __future__ import annotations

import asyncio

from beteiligte_sync.app import build
from beteiligte_sync.settings import Settings
from synckit.runtime.logging import configure
from synckit.runtime.settings import load


async def _run(settings: Settings) -> int:
    return await build(settings).run()


def main() -> int:
    settings = load(Settings)
    configure(settings.service, level=settings.log.level, style=settings.log.format)
    return asyncio.run(_run(settings))


if __name__ == "__main__":
    raise SystemExit(main())
