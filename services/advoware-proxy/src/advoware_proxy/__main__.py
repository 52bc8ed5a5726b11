"""`python -m advoware_proxy`: settings, wiring, run."""

from __future__ import annotations

import asyncio

from advoware_proxy.app import build
from advoware_proxy.settings import Settings
from synckit.runtime.logging import configure
from synckit.runtime.settings import load


def main() -> int:
    settings = load(Settings)
    configure(settings.service, level=settings.log.level, style=settings.log.format)
    return asyncio.run(run(settings))


async def run(settings: Settings) -> int:
    return await build(settings).run()


if __name__ == "__main__":
    raise SystemExit(main())
