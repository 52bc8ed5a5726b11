"""What a person may do about a record: sync now, release the brake, forget the link.

Each leaves a line in the journal: who did it (`user@host`), nothing of the record. The lock is held meanwhile, so that
no running sync is cut off.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from recordsync.decide.deletion import KEPT
from recordsync.erased import is_erased
from recordsync.explain.findings import Findings
from recordsync.explain.forecast import WITHOUT
from recordsync.explain.report import Report
from recordsync.memory.look import RELEASED
from synckit.events import Action, ChangeEvent, Origin, encode
from synckit.ports import OPERATOR, Clock, Commit, JournalEntry, LinkStore, Locks, Publisher
from synckit.reconcile.plan import Base

SYNC_NOW, RELEASE_BRAKE, FORGET_LINK = "sync-now", "release-brake", "forget-link"
KEEP_ADVOWARE, CARRY_OVER = "keep-advoware", "carry-over"
"""What IT answers where personal data were erased in EspoCRM."""
COMMANDS = (SYNC_NOW, RELEASE_BRAKE, FORGET_LINK, KEEP_ADVOWARE, CARRY_OVER)
STEPS: Mapping[str, str] = {name: OPERATOR + name.replace("-", "_") for name in COMMANDS}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would be done, in words; `refusal` says why not, and then nothing is."""

    command: str
    lines: tuple[str, ...]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CommandPorts:
    """The ports that the commands write through. `topic` has the entity's events, `who` is `user@host`."""

    links: LinkStore
    locks: Locks
    publisher: Publisher
    clock: Clock
    topic: str
    who: str
    new_id: Callable[[], str] = lambda: str(uuid.uuid4())


def propose(command: str, findings: Findings, report: Report, *, force: bool = False) -> Proposal:
    """What the command would do to the record as it was just read. Pure."""
    if findings.memory.trouble:
        return Proposal(command, (), "Ohne unser Gedächtnis (PostgreSQL) geht das nicht.")
    if command == RELEASE_BRAKE:
        return _propose_release(report)
    if command == FORGET_LINK:
        return _propose_forget(findings, force=force)
    if command in (KEEP_ADVOWARE, CARRY_OVER):
        return _propose_erased(command, findings, report)
    return Proposal(command, ("Der Datensatz wird zum Abgleich eingereiht. Zu erwarten ist:", *report.forecast.lines))


def _propose_release(report: Report) -> Proposal:
    if not report.forecast.held:
        why = "; ".join(report.missing) or "der Datensatz wird gerade nicht von der Bremse angehalten"
        return Proposal(RELEASE_BRAKE, (), f"Nichts freizugeben: {why}.")
    blanked = [line.removeprefix(WITHOUT) for line in report.forecast.lines if line.startswith(WITHOUT)]
    return Proposal(
        RELEASE_BRAKE,
        ("Freigegeben wird für einen einzigen Abgleich. Danach ist geschrieben und nicht zurückzuholen:", *blanked),
    )


def _propose_erased(command: str, findings: Findings, report: Report) -> Proposal:
    left, link = findings.left.value, findings.state.link if findings.state else None
    if left is None or link is None or link.tombstone or not is_erased(left.payload):
        return Proposal(command, (), "In diesem Datensatz wurden keine personenbezogenen Daten gelöscht.")
    if command == KEEP_ADVOWARE:
        line = f"Advoware Nr. {link.right_id} behält alle Daten, EspoCRM bleibt gelöscht; die Verknüpfung endet."
        return Proposal(command, (line,))
    without = [line.removeprefix(WITHOUT) for line in report.forecast.lines if line.startswith(WITHOUT)]
    return Proposal(command, ("Auch in Advoware wird geleert, soweit es das zulässt. Nicht zurückzuholen:", *without))


def _propose_forget(findings: Findings, *, force: bool) -> Proposal:
    state = findings.state
    if state is None or state.link is None:
        return Proposal(FORGET_LINK, (), "Es gibt keine Verknüpfung.")
    lines = [
        f"Die Verknüpfung mit Advoware Nr. {state.link.right_id} und der gemeinsame Stand (Basis) werden vergessen.",
        "Kein Datensatz wird geändert oder gelöscht, und sonst geschieht nichts.",
        "Achtung: Steht in EspoCRM noch die Nummer, verbindet der nächste Abgleich die beiden wieder, ohne Basis:"
        " bei verschiedenen Werten gilt dann der neuere. Ohne Nummer wird in Advoware neu angelegt.",
    ]
    if state.intent is None:
        return Proposal(FORGET_LINK, tuple(lines))
    risk = "Ein Anlegen in Advoware ist angekündigt und nicht bestätigt; es kann noch ankommen"
    if not force:
        why = f"{risk}. Bitte erst abgleichen (sync-now). Mit --force trotzdem; die Ankündigung bleibt dann bestehen."
        return Proposal(FORGET_LINK, tuple(lines), why)
    return Proposal(
        FORGET_LINK, (*lines, f"{risk}. Die Ankündigung bleibt: der nächste Abgleich sieht zuerst dort nach.")
    )


async def carry_out(command: str, ports: CommandPorts, entity: str, left_id: str) -> str:
    """Does it, and says so. Locked where somebody works on the record, RemoteUnavailable where a system is away."""
    event_id = "" if command in (FORGET_LINK, KEEP_ADVOWARE) else ports.new_id()
    await _remember(command, ports, (entity, left_id), event_id)
    if command == FORGET_LINK:
        return "Die Verknüpfung ist vergessen."
    if command == KEEP_ADVOWARE:
        return "Advoware behält die Daten. Die Verknüpfung ist beendet."
    event = ChangeEvent(entity, left_id, Action.SYNC_CHECK, Origin.OPERATOR, ports.clock.now(), id=event_id)
    await ports.publisher.publish(ports.topic, [encode(event)])
    done = "Freigegeben und eingereiht" if command in (RELEASE_BRAKE, CARRY_OVER) else "Eingereiht"
    return f"{done} als Ereignis {event_id}. In ein paar Sekunden hier noch einmal nachsehen."


async def _remember(command: str, ports: CommandPorts, record: tuple[str, str], event_id: str) -> None:
    entity, left_id = record
    async with ports.locks.hold(f"{entity}:{left_id}") as lease:
        state = await ports.links.load(left_id)
        # The fence is only worth something if the lock was still ours when it was taken.
        lease.ensure()
        now = ports.clock.now()
        await ports.links.commit(
            Commit(
                left_id=left_id,
                fence=state.fence,
                at=now,
                link=replace(state.link, tombstone=KEPT) if command == KEEP_ADVOWARE and state.link else None,
                base=Base() if command == KEEP_ADVOWARE else None,
                raise_notes=(RELEASED,) if command in (RELEASE_BRAKE, CARRY_OVER) else (),
                journal=(JournalEntry(now, STEPS[command], rule=ports.who, event_id=event_id),),
                forget=command == FORGET_LINK,
            )
        )
