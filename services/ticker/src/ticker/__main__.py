"""`python -m ticker` is the service, `python -m ticker run-once beteiligte` one look at everything."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from synckit.errors import SyncError
from synckit.runtime.logging import configure
from synckit.runtime.settings import load
from ticker.app import Ticker, build
from ticker.commands import FAILED, in_order, parser, run_once
from ticker.settings import Settings


def main(arguments: Sequence[str]) -> int:
    chosen = parser().parse_args(arguments)
    settings = load(Settings)
    if chosen.command is None:
        configure(settings.service, level=settings.log.level, style=settings.log.format)
        return asyncio.run(build(settings).run())
    configure(settings.service, level="warning", style=settings.log.format, stream=sys.stderr)
    try:
        return asyncio.run(_by_hand(build(settings), chosen))
    except SyncError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


async def _by_hand(ticker: Ticker, chosen: argparse.Namespace) -> int:
    try:
        await in_order(ticker.starting)
        looks = [look for look in ticker.looks if look.entity == chosen.entity]
        return await run_once(looks, ticker.emitter, dry_run=chosen.dry_run, as_json=chosen.json)
    finally:
        for step in ticker.closing:
            await step()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
