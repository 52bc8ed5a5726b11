"""`python -m ticker` is the service; `… run-once all` looks at all, `… prune` removes what has had its time."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from kanzlei.consultations import PART as CONSULTATIONS
from synckit.command import run_command
from synckit.errors import SyncError
from synckit.log.logging import configure
from synckit.service.service import Service
from synckit.service.service import main as service
from synckit.service.settings import load
from ticker.app import build
from ticker.commands import (
    PRUNE,
    USAGE,
    ask_by_hand,
    chosen_of,
    in_order,
    look_back,
    parsed,
    prune,
    run_once,
    status_of,
)
from ticker.settings import Settings


def main(arguments: Sequence[str]) -> int:
    chosen = parsed(arguments)
    if chosen.command is None:
        return service(Settings, _service, ())
    settings = load(Settings)
    configure(settings.service, level="warning", style=settings.log.format, stream=sys.stderr)
    try:
        return asyncio.run(_by_hand(settings, chosen))
    except SyncError as error:
        sys.stderr.write(f"{error}\n")
        return status_of(error)


def _service(settings: Settings) -> Service:
    return build(settings).service


async def _by_hand(settings: Settings, chosen: argparse.Namespace) -> int:
    ticker = build(settings)
    try:
        if chosen.command == PRUNE:
            await ticker.schema_there()
            if chosen.after_leap:
                ticker.retention.believe_the_time()
            return await prune(ticker.retention, dry_run=chosen.dry_run, as_json=chosen.json)
        await in_order(ticker.service.starting)
        if chosen.entity == CONSULTATIONS and settings.ticker.consultations == "off":
            sys.stderr.write("Erstgespräche are switched off: set TICKER_CONSULTATIONS=on\n")
            return USAGE
        looks = ask_by_hand(chosen_of(ticker.looks, chosen.entity), chosen.employee)
        look_back(looks, chosen.since)
        return await run_once(looks, ticker.emitter, dry_run=chosen.dry_run, as_json=chosen.json)
    finally:
        for step in ticker.service.closing:
            await step()


if __name__ == "__main__":
    run_command(lambda: main(sys.argv[1:]))
