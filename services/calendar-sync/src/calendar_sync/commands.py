"""By hand: `python -m calendar_sync sync|plan|apply|audit|undo|quarantine|rename`. What is shown is German."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from calendar_sync.adapters.audit import Auditor
from calendar_sync.adapters.quarantine import Quarantines
from calendar_sync.adapters.runner import EmployeeRunner
from calendar_sync.adapters.undo import Undo
from calendar_sync.adapters.wiring import Opened, opened
from calendar_sync.by_hand import ByHand, Queued
from calendar_sync.domain import shown
from calendar_sync.domain.identity import calendar_mark
from calendar_sync.domain.local_time import as_moment, as_wall
from calendar_sync.domain.plan_value import Plan
from calendar_sync.routes import as_json
from calendar_sync.settings import Settings
from kanzlei.topics import CALENDAR_SYNC
from synckit.errors import StaleVersion, SyncError, TransientError
from synckit.events import key_of
from synckit.kafka.publisher import require_topics
from synckit.log.logging import configure
from synckit.service.service import version_of
from synckit.service.settings import load

DONE, NOT_DONE, AWAY = 0, 1, 3
STATUS = """exit status: 0 done, or nothing found; 1 not done: failed, refused, or findings; 2 wrong call or variable;
3 a server is away: broker, database, Redis, Advoware or Google; 70 a bug of ours."""
LONGEST_WAIT = 1800.0
POLL_SECONDS = 0.5
ENDED = frozenset({"done", "skipped", "failed"})
Told = tuple[int, Any, str]
"""Exit status, JSON, text."""


def run_by_hand(arguments: Sequence[str]) -> int:
    """The exit status."""
    made = parser()
    chosen = made.parse_args(arguments)
    if chosen.command == "quarantine" and chosen.action != "list" and chosen.kuerzel is None:
        made.error(f"quarantine {chosen.action} wants a Kürzel")
    settings = load(Settings)
    configure(settings.service, level="error", style=settings.log.format, stream=sys.stderr)
    try:
        status, report, text = asyncio.run(_connected(settings, chosen))
    except StaleVersion as error:
        sys.stderr.write(f"abgelehnt: seither hat sich etwas geändert ({error})\n")
        return NOT_DONE
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


async def _sync(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    """As over HTTP: by the broker, so that the service does it."""
    await require_topics(settings.kafka.access, [CALENDAR_SYNC])
    await parts.publisher.start()
    queued = await ByHand(parts.office, parts.runs, parts.publisher, parts.time).ask(chosen.kuerzel)
    if not chosen.wait:
        told = [{"kuerzel": one.kuerzel, "run_id": one.run_id, "state": "queued"} for one in queued]
        return DONE, {"runs": told}, "\n".join(f"{one.kuerzel:<8} {one.run_id}" for one in queued)
    runs = await _ended(parts, queued)
    failed = any(run["state"] not in ("done", "skipped") for run in runs)
    return NOT_DONE if failed else DONE, {"runs": runs}, shown.runs(runs)


async def _ended(parts: Opened, queued: Sequence[Queued]) -> list[dict[str, Any]]:
    """Each as it ended, or as it stands after the longest wait."""
    until = parts.clock.monotonic() + LONGEST_WAIT
    while True:
        found = [as_json(run) for one in queued if (run := await parts.runs.run(one.run_id)) is not None]
        if all(run["state"] in ENDED for run in found) or parts.clock.monotonic() >= until:
            return found
        await parts.clock.sleep(POLL_SECONDS)


async def _plan(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    made = await EmployeeRunner(parts, settings.calendar).plan(chosen.kuerzel)
    told = made.to_json()
    if chosen.out:
        # Client data: nobody else's business.
        chosen.out.touch(mode=0o600)
        chosen.out.chmod(0o600)
        chosen.out.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return DONE, told, shown.plan(made)


async def _apply(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    kept: Plan = chosen.file
    async with parts.locks.hold(f"calendar:{kept.kuerzel}") as lease:
        report = await EmployeeRunner(parts, settings.calendar).apply(kept, lease)
    await parts.notices.tell(kept.kuerzel)
    return DONE if report.state in ("done", "waiting") else NOT_DONE, report.to_json(), shown.report(report)


async def _audit(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    auditor = Auditor(parts, settings.calendar)
    found = await auditor.find(chosen.kuerzel)
    if chosen.repair:
        for kuerzel in sorted({one.kuerzel for one in found}):
            await auditor.repair(kuerzel)
        found = await auditor.find(chosen.kuerzel)
    told = {"findings": [one.as_json() for one in found], "repaired": chosen.repair}
    return NOT_DONE if found else DONE, told, shown.findings(found)


async def _undo(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    undo = Undo(parts, settings.calendar, chosen.kuerzel)
    since = _moment(chosen.since, parts.time.now())
    standing = await undo.look(since)
    lines, done = undo.lines(standing), 0
    if chosen.yes and settings.calendar.mode == "on":
        runner = EmployeeRunner(parts, settings.calendar)
        async with parts.locks.hold(f"calendar:{chosen.kuerzel}") as lease:
            done = await undo.carry_out(standing, lease)
            await runner.run(chosen.kuerzel, lease)
    refused = any(line.refused for line in lines) or (chosen.yes and settings.calendar.mode != "on")
    told = {"since": since.isoformat(), "lines": [line.as_json() for line in lines], "written": done}
    return NOT_DONE if refused else DONE, told, shown.undo(lines, done, is_done=bool(chosen.yes))


async def _quarantine(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    quarantines = Quarantines(parts)
    if chosen.action == "list":
        lists = await quarantines.all()
        return DONE, {"lists": [one.as_json() for one in lists]}, shown.quarantines(lists)
    if chosen.action == "show":
        one = await quarantines.of(chosen.kuerzel)
        return DONE, one.as_json(), shown.quarantine(one)
    one = await quarantines.decide(chosen.kuerzel, chosen.list, released=chosen.action == "release")
    return DONE, one.as_json(), shown.decided(one, released=chosen.action == "release")


async def _rename(parts: Opened, settings: Settings, chosen: argparse.Namespace) -> Told:
    tenant, old, new = settings.calendar.tenant, chosen.kuerzel, chosen.new
    async with parts.locks.hold(f"calendar:{old}"), parts.locks.hold(f"calendar:{new}"):
        calendar = (await parts.store.peek(old)).diary.calendar
        done = await parts.store.rename(old, new)
        if done and calendar is not None:
            await parts.calendars.mark(calendar, calendar_mark(tenant, new), calendar_mark(tenant, old))
    text = f"{old} heißt jetzt {new}" if done else f"{old} ist unbekannt, oder {new} hat schon einen Kalender"
    return DONE if done else NOT_DONE, {"renamed": done, "from": old, "to": new}, text


COMMANDS: dict[str, Callable[[Opened, Settings, argparse.Namespace], Awaitable[Told]]] = {
    "sync": _sync,
    "plan": _plan,
    "apply": _apply,
    "audit": _audit,
    "undo": _undo,
    "quarantine": _quarantine,
    "rename": _rename,
}


def parser() -> argparse.ArgumentParser:
    """Without a command `python -m calendar_sync` is the service."""
    made = argparse.ArgumentParser(
        prog="python -m calendar_sync",
        description="Calendars: the service without a command, or one of these.",
        epilog=STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=version_of("calendar-sync"))
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="the report as JSON")
    commands = made.add_subparsers(dest="command", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            parents=[shared],
            help=text,
            description=text,
            epilog=STATUS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    sync = add("sync", "a run now, done by the service")
    sync.add_argument("kuerzel", type=_kuerzel, metavar="KÜRZEL", help="an employee, or ALL")
    sync.add_argument("--wait", action="store_true", help="until it has ended, half an hour at most")
    planned = add("plan", "what a run would do; writes nothing")
    planned.add_argument("kuerzel", type=_kuerzel, metavar="KÜRZEL")
    planned.add_argument("--out", type=Path, metavar="FILE", help="keep it for `apply`; holds client data, mode 600")
    applied = add("apply", "carries out a plan that was kept; refused when a row has moved since")
    applied.add_argument("file", type=_plan_file, metavar="FILE")
    audited = add("audit", "both sides whole against the state table")
    audited.add_argument("kuerzel", type=_kuerzel, metavar="KÜRZEL", nargs="?")
    audited.add_argument("--repair", action="store_true", help="by a run with a whole list, within its budget")
    undone = add("undo", "what this service wrote, put back field by field")
    undone.add_argument("kuerzel", type=_kuerzel, metavar="KÜRZEL")
    undone.add_argument("--since", required=True, type=_time, metavar="TIME", help="14:00, or 2026-01-31T14:00")
    undone.add_argument("--yes", action="store_true", help="do it; without it is only shown")
    held = add("quarantine", "deletions and calendars that wait for a person")
    held.add_argument("action", choices=["list", "show", "release", "reject"])
    held.add_argument("kuerzel", type=_kuerzel, metavar="KÜRZEL", nargs="?")
    held.add_argument("--list", metavar="HASH", help="exactly this list; else the one that waits")
    renamed = add("rename", "an employee has a new Kürzel: everything is carried over")
    renamed.add_argument("kuerzel", type=_kuerzel, metavar="OLD")
    renamed.add_argument("new", type=_kuerzel, metavar="NEW")
    return made


def _kuerzel(text: str) -> str:
    try:
        key_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a Kürzel is wanted: {error}") from None
    return text


def _plan_file(text: str) -> Plan:
    """Read before anything is connected to."""
    try:
        return Plan.from_json(json.loads(Path(text).read_text(encoding="utf-8")))
    except OSError:
        raise argparse.ArgumentTypeError("a file that can be read is wanted") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise argparse.ArgumentTypeError("no plan that `plan --out` has written") from None


def _time(text: str) -> str:
    try:
        datetime.fromisoformat(text if "-" in text else f"2026-01-01T{text}")
    except ValueError:
        raise argparse.ArgumentTypeError("a time like 14:00 or 2026-01-31T14:00 is wanted") from None
    return text


def _moment(text: str, now: datetime) -> datetime:
    """Local time of the office; an offset that is given counts."""
    told = datetime.fromisoformat(text if "-" in text else f"{as_wall(now).date().isoformat()}T{text}")
    return told if told.tzinfo else as_moment(told)
