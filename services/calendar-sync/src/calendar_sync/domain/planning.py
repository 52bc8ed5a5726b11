"""memory × Advoware × Google × rules → the plan of one run. Pure and total.

`draft` also says what must be read by itself before the plan is whole: a run asks, and drafts again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from functools import partial

from calendar_sync.domain import budget
from calendar_sync.domain.creation import new_event, new_termin
from calendar_sync.domain.google_form import GoogleView
from calendar_sync.domain.memory import Diary, HeldList, Kind, Memory, Notice, Row, State
from calendar_sync.domain.pair_steps import back_at_desk, remember
from calendar_sync.domain.pairs import decide_pair
from calendar_sync.domain.plan_value import Action, Phase, Plan, Step
from calendar_sync.domain.scene import NOTHING, Ask, Part, Scene, joined
from calendar_sync.domain.series import ended_before, is_held_again, occurrences, skips_pair
from calendar_sync.domain.sides import DeskSide, GoogleSide
from calendar_sync.domain.values import Mode, Rules

PROTECTED = "wartet: Schreibschutz für Advoware"
LIMIT = "wartet: Höchstzahl der Schreibvorgänge in Advoware"


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan, and what is to be asked before it is whole (nothing: it is)."""

    plan: Plan
    ask: Ask


def plan(memory: Memory, advoware: DeskSide, google: GoogleSide, rules: Rules) -> Plan:
    """All that is to be done. What could not be decided without being asked for is left for the next run."""
    return draft(memory, advoware, google, rules).plan


def draft(memory: Memory, advoware: DeskSide, google: GoogleSide, rules: Rules) -> Draft:
    """As far as what was seen allows. Without a digest: a plan that is carried out at once needs none."""
    scene = Scene(memory, advoware, google, rules)
    part = joined(_parts(scene))
    steps, waiting = _allowed_by_mode(tuple(sorted(part.steps, key=partial(_turn, scene))), rules)
    steps, held = _within_budget(memory, steps)
    steps, left_over = _within_limit(steps, rules.max_advoware_writes)
    open_questions = len(part.ask.termine) + len(part.ask.events) + len(part.ask.days) + len(part.ask.holders)
    made = Plan(
        kuerzel=rules.kuerzel,
        made_at=memory.now,
        digest="",
        diary=memory.diary,
        mode=rules.mode.value,
        steps=tuple(sorted(steps, key=lambda step: step.phase)),
        removed=part.removed,
        waiting=(*part.waiting, *waiting),
        parked=part.parked,
        held=held,
        notices=(*part.notices, *_held_notices(scene, held)),
        left_over=left_over + open_questions,
        looked_at=len(memory.rows),
    )
    return Draft(replace(made, diary=_diary(memory, google, rules, made)), part.ask)


def _turn(scene: Scene, step: Step) -> tuple[Phase, bool, timedelta]:
    """Creates: what is to come first, the nearest of it first, so that a first load shows tomorrow before next year."""
    appointment = step.row.left or step.row.right if step.action.creates else None
    if appointment is None:
        return step.phase, False, timedelta(0)
    ahead = appointment.end - datetime.combine(scene.today, time())
    return step.phase, ahead < timedelta(0), abs(ahead)


def _parts(scene: Scene) -> Iterable[Part]:
    for row in scene.memory.rows:
        part = _of_pair(scene, row)
        yield part
        if row.event_id and not row.parent:
            known = next((step.row for step in part.steps if step.key == row.key), row)
            if _is_taken_up(row, known):
                yield from _taken_up(scene, known)
            else:
                yield from occurrences(scene, known, ends=known.state is State.GONE)
    for view in scene.desk.views.values():
        if view.termin.frnr not in scene.by_frnr:
            yield new_termin(scene, view)
    for event in scene.google.list.items:
        if not event.is_cancelled and event.id not in scene.by_event:
            yield new_event(scene, event)


def _is_taken_up(row: Row, known: Row) -> bool:
    """True for a series of whose occurrences no look decided while it was what it was."""
    is_expanded_now = known.kind is Kind.EXPANDED is not row.kind
    return known.state is not State.GONE and (row.state is State.GONE or is_expanded_now)


def _taken_up(scene: Scene, row: Row) -> Iterable[Part]:
    """Its occurrences are looked at in the same run: Google's list of changes names it once."""
    ask, ended = ended_before(scene, scene.rows[row.key])
    if ask:
        yield Part(ask=ask)
        return
    later = scene.with_rows([row, *ended])
    yield from (remember(scene, child, State.GONE, scene.rows[child.key]) for child in ended)
    yield from occurrences(later, row, ends=False)
    undecided = (child for child in later.children.get(row.key, ()) if skips_pair(scene, child))
    yield from (_of_pair(later, child) for child in undecided)


def _of_pair(scene: Scene, row: Row) -> Part:
    if skips_pair(scene, row):
        return NOTHING
    if is_held_again(scene, row) and isinstance(view := scene.right(row), GoogleView):
        return back_at_desk(scene, row, view)
    return decide_pair(scene, row)


def _allowed_by_mode(steps: tuple[Step, ...], rules: Rules) -> tuple[tuple[Step, ...], tuple[tuple[str, str], ...]]:
    """In `protect` nothing goes to Advoware; in `dry` the plan shows what `on` would do."""
    if rules.mode is not Mode.PROTECT:
        return steps, ()
    kept = tuple(step for step in steps if not step.action.writes_advoware)
    waiting = tuple((step.key, PROTECTED) for step in steps if step.action.writes_advoware)
    return kept, waiting


def _within_budget(memory: Memory, steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], HeldList | None]:
    lost = budget.losses(steps)
    if not budget.exceeds(memory, lost):
        return steps, None
    held = budget.held(memory, lost, memory.now)
    keys = frozenset(held.keys)
    return tuple(step for step in steps if not budget.is_held(step, keys)), held


def _within_limit(steps: tuple[Step, ...], most: int) -> tuple[tuple[Step, ...], int]:
    """The rest of the writes to Advoware is the next run's."""
    ordered = sorted((step for step in steps if step.action.writes_advoware), key=lambda step: step.phase)
    beyond = {id(step) for step in ordered[most:]}
    return tuple(step for step in steps if id(step) not in beyond), len(beyond)


def _held_notices(scene: Scene, held: HeldList | None) -> tuple[Notice, ...]:
    if held is None:
        return ()
    text = (
        f"{len(held.keys)} Löschungen im Kalender von {scene.kuerzel} warten auf eine Entscheidung: "
        f"python -m calendar_sync quarantine show {scene.kuerzel}"
    )
    return (scene.notice("held", held.digest, text),)


def _diary(memory: Memory, google: GoogleSide, rules: Rules, made: Plan) -> Diary:
    """What is remembered once all of it is done: the token only where nothing is left to be seen again."""
    before = memory.diary
    return replace(
        answered(before, made.steps, waits=made.held is not None),
        token=google.list.token if made.is_settled else "",
        listed_at=memory.now if google.list.full else before.listed_at,
        days=(rules.past_days, rules.future_days),
        profile=rules.profile.value,
        held=made.held,
        synced_at=memory.now,
    )


def answered(diary: Diary, steps: Iterable[Step], *, waits: bool) -> Diary:
    """What a person has decided is forgotten once it is done. `waits`: another list waits, and may hold the same."""
    done = {name for step in steps for name in (step.decision, step.key)}
    return replace(
        diary,
        released=tuple(each for each in diary.released if waits or each.split(":")[0] not in done),
        rejected=tuple(each for each in diary.rejected if each not in done),
    )


def counted(steps: Iterable[Step]) -> dict[str, int]:
    """Writes by kind, for reports and metrics."""
    found = {action.value: 0 for action in Action if action is not Action.REMEMBER}
    for step in steps:
        if step.action is not Action.REMEMBER:
            found[step.action.value] += 1
    return found


def in_order(made: Plan) -> Iterable[tuple[Phase, tuple[Step, ...]]]:
    """Its phases."""
    return ((phase, made.of_phase(phase)) for phase in Phase)
