"""By hand: `python -m document_sync transfers|withdraw|audit`. What is shown is German."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from document_sync.adapters.whole import COLUMNS, Wanted, transfers
from document_sync.adapters.wiring import Opened, opened
from document_sync.domain.audit import WORDS, Finding
from document_sync.domain.values import Phase, RecordKey
from document_sync.handlers.auditing import tally
from document_sync.handlers.record_look import RecordLooked
from document_sync.settings import Settings
from synckit.errors import Locked, StaleVersion, SyncError, TooEarly, TransientError
from synckit.events import ENTITY_ID
from synckit.log.logging import configure
from synckit.service.service import version_of
from synckit.service.settings import load

DONE, NOT_DONE, AWAY = 0, 1, 3
STATUS = """exit status: 0 done, or nothing found; 1 not done: refused, a dry run, or findings; 2 wrong call or
variable; 3 a server is away: broker, database, Redis, EspoCRM or xAI; 70 a bug of ours."""
BERLIN = ZoneInfo("Europe/Berlin")
LONGEST_WAIT = 600.0
BUSY_SECONDS = 1.0
Told = tuple[int, Any, str]
"""Exit status, JSON, text."""


def run_by_hand(arguments: Sequence[str]) -> int:
    """The exit status."""
    chosen = parser().parse_args(arguments)
    settings = load(Settings)
    configure(settings.service, level="error", style=settings.log.format, stream=sys.stderr)
    try:
        status, report, text = asyncio.run(_connected(settings, chosen))
    except SyncError as error:
        sys.stderr.write(f"{error}\n")
        return AWAY if isinstance(error, TransientError) else NOT_DONE
    told = json.dumps(report, indent=2, ensure_ascii=False) if chosen.json else text
    sys.stdout.write(f"{told}\n" if told else "")
    return status


async def _connected(settings: Settings, chosen: argparse.Namespace) -> Told:
    parts = opened(settings)
    try:
        await parts.schema_there()
        return await COMMANDS[chosen.command](parts, settings, chosen)
    finally:
        for step in parts.closing():
            await step()


async def _transfers(parts: Opened, _: Settings, chosen: argparse.Namespace) -> Told:
    found = await transfers(parts.pool, Wanted(chosen.record or "", chosen.since))
    return DONE, {"transfers": list(found)}, as_csv(found) if chosen.csv else as_table(found)


async def _withdraw(parts: Opened, _: Settings, chosen: argparse.Namespace) -> Told:
    key = RecordKey(chosen.type, chosen.id)
    known = await parts.parts.store.collections([key])
    if key not in known and not await parts.parts.store.out_for(key):
        return NOT_DONE, {"record": str(key), "withdrawn": False}, f"{key}: dazu ist nichts bei xAI."
    await parts.publisher.start()
    looked = await _withdrawn(parts, key)
    done = looked.phase in (Phase.CLOSED, Phase.NONE)
    told = {"record": str(key), "withdrawn": done, "steps": list(looked.steps), "dry": looked.result == "dry"}
    if looked.result == "dry":
        plan = ", ".join(looked.steps)
        return NOT_DONE, told, f"{key}: XAI_WRITES=dry, nichts getan. Geplant: {plan}."
    at = parts.time.now().astimezone(BERLIN)
    text = f"{key}: alles zurückgenommen, {at:%d.%m.%Y %H:%M:%S}. Die Sammlung ist gelöscht, der Schalter ist aus."
    return (DONE, told, text) if done else (NOT_DONE, told, f"{key}: nicht zu Ende gebracht, bitte wiederholen.")


async def _withdrawn(parts: Opened, key: RecordKey) -> RecordLooked:
    """Waits for whoever works on the record, and until nothing can arrive at xAI any more."""
    until = parts.clock.monotonic() + LONGEST_WAIT
    while True:
        try:
            return await parts.records.withdraw(key)
        except (Locked, StaleVersion, TooEarly) as error:
            if parts.clock.monotonic() >= until:
                raise
            await parts.clock.sleep(min(error.retry_after or BUSY_SECONDS, LONGEST_WAIT))


async def _audit(parts: Opened, _: Settings, chosen: argparse.Namespace) -> Told:
    auditor = parts.auditor
    found = await auditor.find()
    if chosen.repair and found:
        await parts.publisher.start()
        await auditor.repair(found)
        found = await auditor.find()
    told = {
        "findings": [one.as_json() for one in found],
        "counts": dict(tally(found)),
        "repaired": chosen.repair and not parts.parts.dry,
    }
    return NOT_DONE if found else DONE, told, as_lines(found)


def as_table(found: Sequence[Mapping[str, Any]]) -> str:
    """For a terminal."""
    if not found:
        return "Keine Übertragungen."
    head = f"{'Zeit':<25} {'Dokument':<17} {'Datensatz':<36} {'Bytes':>10} {'SHA-256':<16} zurückgenommen"
    lines = [
        f"{one['at']:<25} {one['document']:<17} {one['record']:<36} {one['bytes']:>10} {one['sha256'][:16]} "
        f"{one['taken_back'] or '–'}"
        for one in found
    ]
    return "\n".join([head, *lines])


def as_csv(found: Sequence[Mapping[str, Any]]) -> str:
    """With a head; empty where something is still out."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue().rstrip("\n")


def as_lines(found: Sequence[Finding]) -> str:
    """One a finding, by its kind."""
    if not found:
        return "Nichts gefunden: xAI, EspoCRM und unsere Tabellen stimmen überein."
    return "\n".join(
        f"{one.kind:<18} {one.about:<40} {one.file_id or one.collection_id}  {WORDS[one.kind]}" for one in found
    )


COMMANDS: Mapping[str, Callable[[Opened, Settings, argparse.Namespace], Awaitable[Told]]] = {
    "transfers": _transfers,
    "withdraw": _withdraw,
    "audit": _audit,
}


def parser() -> argparse.ArgumentParser:
    """Without a command `python -m document_sync` is the service."""
    made = argparse.ArgumentParser(
        prog="python -m document_sync",
        description="Documents: the service without a command, or one of these.",
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=version_of("document-sync"))
    commands = made.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    listed = add("transfers", "what left the house: when, of which document, for which record, and when it came back")
    listed.add_argument("--record", type=_record, metavar="TYPE/ID", help="of one record; its id alone will do")
    listed.add_argument("--since", type=_since, metavar="TIME", help="2026-01-31, or 2026-01-31T14:00 (Berlin)")
    forms = listed.add_mutually_exclusive_group()
    forms.add_argument("--json", action="store_true", help="the list as JSON")
    forms.add_argument("--csv", action="store_true", help="the list as CSV")
    taken = add("withdraw", "takes everything of a record back, at once, and says when it is done")
    taken.add_argument("type", metavar="TYPE", help="its type in EspoCRM, e.g. CVmhRumungsklage")
    taken.add_argument("id", type=_id, metavar="ID")
    taken.add_argument("--json", action="store_true", help="the report as JSON")
    audited = add("audit", "xAI and EspoCRM against our tables, in both directions")
    audited.add_argument("--repair", action="store_true", help="strays are deleted, what is missing is looked at again")
    audited.add_argument("--json", action="store_true", help="the findings as JSON")
    return made


def _id(text: str) -> str:
    if not ENTITY_ID.match(text):
        raise argparse.ArgumentTypeError("an id is 1 to 36 letters, digits, dashes")
    return text


def _record(text: str) -> str:
    kind, slash, one = text.rpartition("/")
    if slash and not kind:
        raise argparse.ArgumentTypeError("a record is TYPE/ID, or ID")
    _id(one)
    return text


def _since(text: str) -> datetime:
    """Local time of the office; an offset that is given counts."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a time like 2026-01-31 or 2026-01-31T14:00 is wanted") from None
    return told if told.tzinfo else told.replace(tzinfo=BERLIN)
