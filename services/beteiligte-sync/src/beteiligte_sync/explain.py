"""`python -m beteiligte_sync.explain CBeteiligte ID [--json]`: why a record is as it is, in the words of the office.

`… sync-now|release-brake|forget-link [--yes] [--dry-run]` does something about it.

Exit status: 0 shown or done; 1 no such record; 2 wrong usage or settings; 3 a system is away (what could be seen is
shown); 4 not done: refused, declined, or somebody works on the record; 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

import structlog

from beteiligte_sync.commands.entities import Entity, UnknownEntity, find
from beteiligte_sync.commands.wire import Desk, Settings, desk
from recordsync.explain.as_json import document
from recordsync.explain.commands import FORGET_LINK, RELEASE_BRAKE, STEPS, CommandPorts, Proposal, carry_out, propose
from recordsync.explain.findings import Findings
from recordsync.explain.gather import gather
from recordsync.explain.render import show
from recordsync.explain.report import Report, explain
from synckit.clock import SystemClock
from synckit.command import run_command
from synckit.errors import Locked, RemoteUnavailable, SyncError
from synckit.events import ENTITY_ID
from synckit.service.settings import load

SHOWN, UNKNOWN, USAGE, AWAY, NOT_DONE = 0, 1, 2, 3, 4
CONNECT_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    if not ENTITY_ID.match(options.id):
        return _say("Das ist keine ID: 1 bis 36 Buchstaben, Ziffern, Bindestriche.", USAGE)
    if options.command and not (options.yes or options.dry_run or sys.stdin.isatty()):
        return _say("Ohne Terminal bitte mit --yes (oder --dry-run).", USAGE)
    try:
        entity = find(options.type)
    except UnknownEntity as error:
        return _say(str(error), USAGE)
    _silence()
    return asyncio.run(_run(options, entity, load(Settings)))


async def _run(options: argparse.Namespace, entity: Entity, settings: Settings) -> int:
    async with desk(settings, entity, SystemClock()) as at:
        findings = await gather(at.sources, entity.mapping, options.id)
        if not findings.is_known:
            return _say(f"{entity.mapping.left_type} {options.id}: nirgends bekannt.", UNKNOWN)
        report = explain(findings, entity.mapping)
        if options.command:
            return await _do(options, entity, at, (findings, report))
        if options.json:
            print(json.dumps(document(report, findings, entity.mapping), ensure_ascii=False, indent=2))  # noqa: T201
        else:
            show(report, sys.stdout)
        return AWAY if report.missing else SHOWN


async def _do(options: argparse.Namespace, entity: Entity, at: Desk, known: tuple[Findings, Report]) -> int:
    proposal = propose(options.command, *known, force=options.force)
    print("\n".join(proposal.lines), flush=True)  # noqa: T201
    if proposal.refusal:
        is_blind = known[0].memory.trouble or (options.command == RELEASE_BRAKE and known[1].missing)
        return _say(proposal.refusal, AWAY if is_blind else NOT_DONE)
    if options.dry_run:
        return _say("Probelauf: nichts getan.", SHOWN)
    if not (options.yes or _agreed(proposal)):
        return _say("Nichts getan.", NOT_DONE)
    if options.command != FORGET_LINK and not await _connected(at):
        return _say("Kafka ist nicht erreichbar: nichts getan.", AWAY)
    return await _carried_out(options, entity, at.ports)


async def _carried_out(options: argparse.Namespace, entity: Entity, ports: CommandPorts) -> int:
    try:
        print(await carry_out(options.command, ports, entity.mapping.entity, options.id))  # noqa: T201
    except Locked:
        return _say("Gerade arbeitet jemand an dem Datensatz: nichts getan. Bitte gleich noch einmal.", NOT_DONE)
    except RemoteUnavailable as error:
        return _say(f"Nicht oder nicht ganz getan, {error}. Bitte ansehen und wiederholen.", AWAY)
    except SyncError as error:
        return _say(f"Nicht getan: {error}", NOT_DONE)
    return SHOWN


async def _connected(at: Desk) -> bool:
    """Before anything is written down: a release that nobody hears of would wait for the next chance."""
    starting = asyncio.ensure_future(at.opened.publisher.start())
    await asyncio.wait({starting}, timeout=CONNECT_SECONDS)
    if not starting.done():
        starting.cancel()
        return False
    return starting.exception() is None


def _agreed(proposal: Proposal) -> bool:
    try:
        return input(f"{proposal.command}: fortfahren? [j/N] ").strip().lower() in ("j", "ja", "y", "yes")
    except EOFError:
        return False


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)  # noqa: T201
    return code


def _silence() -> None:
    """Nothing of this command goes to any log: what it reads is for the person who asked."""
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])


def _drop(*_: object) -> NoReturn:
    raise structlog.DropEvent


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m beteiligte_sync.explain",
        description="Why a record is as it is.",
        epilog=__doc__.partition("\n\n")[2],
    )
    parser.add_argument("type", help="its type in EspoCRM, e.g. CBeteiligte")
    parser.add_argument("id", help="its id in EspoCRM")
    parser.add_argument("command", nargs="?", choices=tuple(STEPS), help="what to do about it; without: show it")
    parser.add_argument("--json", action="store_true", help="for programs; holds client data, like the report")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--force", action="store_true", help="forget-link: also while a creation is under way")
    return parser


if __name__ == "__main__":
    run_command(main)
