"""A plan, carried out phase by phase: creates are announced first, one bad record never stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from calendar_sync.domain.memory import CalendarState, Diary, JournalEntry, Memory, Notice, Outcome, Report, Row
from calendar_sync.domain.plan_value import Action, Phase, Plan, Step
from calendar_sync.domain.planning import answered, counted, in_order
from calendar_sync.domain.settling import announced, parked
from calendar_sync.domain.words import reason_of
from calendar_sync.handlers.pace import Pace
from calendar_sync.handlers.writing import Writing
from calendar_sync.ports import StateStore
from kanzlei.termine import Place
from synckit.errors import (
    AuthenticationRefused,
    Locked,
    MappingError,
    RemoteRejected,
    StaleVersion,
    SyncError,
    TransientError,
)
from synckit.ports import Lease

CONTROLS = 3
AT_A_TIME = 50


@dataclass(slots=True)
class Done:
    """What was done so far. `stopped`: why nothing more is."""

    rows: dict[str, Row] = field(default_factory=dict)
    journal: list[JournalEntry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    parked: list[tuple[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    left_over: int = 0
    stopped: SyncError | None = None


class CarryingOut:
    """Carries out one plan."""

    def __init__(
        self, store: StateStore, memory: Memory, writing: Writing, lease: Lease, pace: Pace, at_once: int = 1
    ) -> None:
        self._store = store
        self._pace = pace
        self._memory = memory
        self._writing = writing
        self._lease = lease
        self._places = asyncio.Semaphore(max(at_once, 1))
        self._known = {row.key: row for row in memory.rows}
        self._deleted: frozenset[str] = frozenset()

    async def outcome(self, plan: Plan, diary: Diary) -> Outcome:
        """What is to be saved, of all that could be done."""
        self._deleted = frozenset(step.key for step in plan.steps if step.action.deletes)
        done = Done()
        for phase, steps in in_order(plan):
            for some in _some_at_a_time(phase, steps):
                await self._some(some, diary, done)
                await self._pace.tell(len(done.steps), plan.writes - len(done.steps))
        return self._outcome(plan, diary, done)

    async def _some(self, steps: Sequence[Step], diary: Diary, done: Done) -> None:
        if steps[0].action is not Action.REMEMBER and (done.stopped is not None or self._pace.is_over()):
            done.left_over += len(steps)
            return
        now = self._memory.now
        creates = [announced(step, self._known.get(step.key), now) for step in steps if step.action.creates]
        if creates:
            self._lease.ensure()
            # A series that is expanded has no write of its own: it is remembered with what is made of it.
            series = {row.parent: done.rows[row.parent] for row in creates if row.parent in done.rows}
            await self._store.intend(self._memory, diary, [*series.values(), *creates])
            for row in creates:
                # What was remembered of it before would take the place of its announcement.
                self._known[row.key] = row
                done.rows.pop(row.key, None)
        if steps[0].phase in (Phase.NEW_IN_ADVOWARE, Phase.NEW_IN_GOOGLE):
            await asyncio.gather(*(self._in_turn(step, done) for step in steps))
            return
        for step in steps:
            await self._in_turn(step, done)

    async def _in_turn(self, step: Step, done: Done) -> None:
        async with self._places:
            is_over = step.action is not Action.REMEMBER and self._pace.is_over()
            if is_over or done.stopped is not None or step.decision in done.refused:
                done.left_over += 1
                return
            try:
                await self._step(step, done)
            except (RemoteRejected, MappingError, ValueError) as error:
                self._park(step, error, done)
            except StaleVersion:
                done.left_over += 1
                done.refused.add(step.decision or step.key)
            except Locked as error:
                self._lease.ensure()
                done.left_over += 1
                done.refused.add(step.decision or step.key)
                if error.maybe_applied:
                    raise
            except (TransientError, AuthenticationRefused) as error:
                done.stopped = error
                done.left_over += 1

    async def _step(self, step: Step, done: Done) -> None:
        if step.action is Action.REMEMBER:
            done.rows[step.key] = step.row
            return
        self._lease.ensure()
        before = done.rows.get(step.key, step.row)
        row = await self._writing.carry_out(step, self._asked(step, before), self._controls(step))
        done.rows[step.key] = row.unparked()
        done.journal += step.journal
        done.steps.append(step)

    def _asked(self, step: Step, before: Row) -> Row:
        """Of a deletion or a create, the row as it is remembered: the step's own says already that it is done."""
        is_said = step.action.deletes or step.action.creates
        return self._known.get(step.key, before) if is_said else before

    def _controls(self, step: Step) -> tuple[Place, ...]:
        """Termine that must be there, if anything is."""
        if not step.action.deletes:
            return ()
        kuerzel = self._memory.diary.kuerzel
        live = (
            row for row in self._memory.rows if row.is_live and row.frnr and row.key not in self._deleted and row.left
        )
        found = [Place(row.frnr or 0, kuerzel, row.left.start.date()) for row in live if row.left is not None]
        return tuple(found[:CONTROLS])

    def _park(self, step: Step, error: Exception, done: Done) -> None:
        reason = _reason(error)
        row = self._known.get(step.key, step.row)
        done.rows[step.key] = parked(done.rows.get(step.key, row), reason, self._memory.now)
        done.parked.append((step.key, reason))
        done.refused.add(step.decision or step.key)

    def _outcome(self, plan: Plan, diary: Diary, done: Done) -> Outcome:
        left_over = plan.left_over + done.left_over
        is_whole = not (left_over or done.parked or done.stopped)
        remembered = plan.of_phase(Phase.REMEMBER)
        decided = answered(self._memory.diary, (*remembered, *done.steps), waits=plan.held is not None)
        saved = replace(
            plan.diary,
            released=plan.diary.released if is_whole else decided.released,
            rejected=plan.diary.rejected if is_whole else decided.rejected,
            calendar=diary.calendar,
            email=diary.email,
            state=diary.state if diary.state is not CalendarState.CREATING else CalendarState.READY,
            token=plan.diary.token if is_whole else "",
        )
        deletions = sum(1 for step in done.steps if step.action.deletes and not step.is_exempt)
        return Outcome(
            saved,
            tuple(done.rows.values()),
            plan.removed,
            tuple(done.journal),
            (*plan.notices, *done.notices),
            self._report(plan, done, left_over),
            deletions,
        )

    def _report(self, plan: Plan, done: Done, left_over: int) -> Report:
        state = "failed" if done.stopped is not None else "waiting" if plan.held else "done"
        reason = reason_of(done.stopped) if done.stopped is not None else ""
        if plan.held is not None and not reason:
            reason = f"{len(plan.held.keys)} Löschungen warten auf eine Entscheidung ({plan.held.digest})."
        if not reason and self._pace.is_over() and left_over:
            reason = f"Noch {left_over} Schreibvorgänge: der nächste Lauf macht weiter."
        return Report(
            plan.kuerzel,
            state,
            reason,
            counted(done.steps),
            plan.waiting,
            (*plan.parked, *done.parked),
            plan.held.digest if plan.held else "",
            left_over,
        )


def _some_at_a_time(phase: Phase, steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Creates are announced some at a time: an end in between leaves few that may be made or not."""
    most = AT_A_TIME if phase in (Phase.NEW_IN_ADVOWARE, Phase.NEW_IN_GOOGLE) else max(len(steps), 1)
    return (steps[start : start + most] for start in range(0, len(steps), most))


def _reason(error: Exception) -> str:
    """For people, without values."""
    if isinstance(error, RemoteRejected):
        field_name = f", Feld {error.field}" if error.field else ""
        return f"abgelehnt von {error.upstream} ({error.status}{field_name})"
    if isinstance(error, MappingError):
        return f"{error.field}: {error.reason}"
    return "kann dort nicht gespeichert werden"
