"""`python -m beteiligte_sync.brake`: the brake for sweeps; `… release advoware|espocrm [--yes] [--dry-run]`.

Exit status: 0 shown or done; 2 wrong usage or settings; 3 PostgreSQL is away; 4 not done: refused, declined, or the
tables are of another version; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta

from recordsync.explain.report import brake_lines
from recordsync.explain.words import SYSTEMS, count
from recordsync.postgres.brake import PostgresBrakes
from recordsync.systems import CODES
from synckit.clock import SystemClock
from synckit.command import run_command
from synckit.errors import RemoteUnavailable, SyncError
from synckit.operator import whoami
from synckit.ports import BrakeState
from synckit.postgres.pool import PoolLimits, PostgresPool
from synckit.postgres.schema import ensure_schema
from synckit.reconcile.plan import Side
from synckit.service.settings import BrakeSection, DatabaseSection, ServiceSettings, load

SHOWN, USAGE, AWAY, NOT_DONE = 0, 2, 3, 4
LISTED = 20
MAYBE_DONE = "PostgreSQL hat nicht geantwortet: vielleicht getan, bitte ansehen (derselbe Befehl ohne release)."


class Settings(ServiceSettings):
    """The same variables as the services'."""

    service = "why"
    database: DatabaseSection
    brake: BrakeSection = BrakeSection()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    if options.command and not options.source:
        return _say("Welche Quelle? advoware oder espocrm.", USAGE)
    if options.command and not (options.yes or options.dry_run or sys.stdin.isatty()):
        return _say("Ohne Terminal bitte mit --yes (oder --dry-run).", USAGE)
    settings = load(Settings)
    try:
        return asyncio.run(_run(options, settings))
    except RemoteUnavailable as error:
        return _say(MAYBE_DONE if error.maybe_applied else "PostgreSQL ist nicht erreichbar: nichts getan.", AWAY)
    except SyncError as error:
        return _say(f"Nichts getan: {error}", NOT_DONE)


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    limits = PoolLimits(size=1, statement=settings.database.statement_seconds)
    pool = PostgresPool(settings.database.url.get_secret_value(), limits=limits, application_name="why")
    try:
        await ensure_schema(pool)
        brakes = PostgresBrakes(pool)
        return await (_release(options, brakes, settings) if options.command else _show(brakes))
    finally:
        await pool.close()


async def _show(brakes: PostgresBrakes) -> int:
    for state in await brakes.states():
        lines = list(brake_lines([state], SystemClock().now()))
        print(*(lines or [f"{SYSTEMS[state.source]}: nichts angehalten."]), sep="\n")  # noqa: T201
        await _list(brakes, state)
    return SHOWN


async def _list(brakes: PostgresBrakes, state: BrakeState) -> None:
    for entity, left_id in await brakes.held(state.source, LISTED):
        print(f"  {entity} {left_id}")  # noqa: T201
    if state.held > LISTED:
        print(f"  und {state.held - LISTED} weitere")  # noqa: T201


async def _release(options: argparse.Namespace, brakes: PostgresBrakes, settings: Settings) -> int:
    state = next(each for each in await brakes.states() if each.source == options.source)
    window = timedelta(seconds=settings.brake.window_seconds)
    minutes = f"{window.total_seconds() / 60:g} Minuten"
    print(f"Freigegeben wird {SYSTEMS[state.source]} für {minutes}: alles, was es meldet, wird geglaubt.")  # noqa: T201
    print("Auch was sich widerspricht. Was danach geleert, umbenannt oder gelöscht ist, holt niemand zurück.")  # noqa: T201
    print(f"{count(state.held, 'Datensatz wird', 'Datensätze werden')} sofort wieder angesehen:")  # noqa: T201
    await _list(brakes, state)
    if not state.held:
        return _say("Nichts freizugeben: kein Datensatz wartet auf diese Quelle.", NOT_DONE)
    if options.dry_run:
        return _say("Probelauf: nichts getan.", SHOWN)
    if not (options.yes or _agreed()):
        return _say("Nichts getan.", NOT_DONE)
    freed = await brakes.release(state.source, whoami(), SystemClock().now(), window)
    print(f"Freigegeben. {count(freed, 'Datensatz geht', 'Datensätze gehen')} in ein paar Sekunden weiter.")  # noqa: T201
    return SHOWN


def _agreed() -> bool:
    try:
        return input("release: fortfahren? [j/N] ").strip().lower() in ("j", "ja", "y", "yes")
    except EOFError:
        return False


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m beteiligte_sync.brake",
        description="The brake for sweeps.",
        epilog=__doc__.partition("\n\n")[2],
    )
    parser.add_argument("command", nargs="?", choices=("release",), help="let a source go on; without: show both")
    sources = sorted(CODES[side] for side in Side)
    parser.add_argument("source", nargs="?", choices=sources, help="whose answers are believed again")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    return parser


if __name__ == "__main__":
    run_command(main)
