"""The steps of one pair: what is written where, with what is remembered and journaled once it is done. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from calendar_sync.domain.block import Block
from calendar_sync.domain.desk_form import PRIVATE, DeskView, for_desk, new_at_desk
from calendar_sync.domain.google_form import (
    HIDDEN,
    UNTITLED,
    GoogleView,
    for_google,
    new_in_google,
    without_days,
    without_hidden,
)
from calendar_sync.domain.identity import MARK, Mark, mark_of, own_id, with_private
from calendar_sync.domain.local_time import on_the_clock
from calendar_sync.domain.memory import Born, JournalEntry, Kind, Notice, Row, State
from calendar_sync.domain.merge import ADVOWARE, GOOGLE, Merged, MergeRules, later_side, merge
from calendar_sync.domain.plan_value import Action, Phase, Step
from calendar_sync.domain.scene import CHILDREN, NOTHING, Ask, Part, Scene
from calendar_sync.domain.series_days import omitted_days, unknown_days
from calendar_sync.domain.sides import Absent
from calendar_sync.domain.values import FIELDS, LABELS, TEXTS, TIMES, Appointment, Profile, Strategy
from synckit.reconcile.plan import Side

MARGIN = timedelta(minutes=2)
SIDES = {ADVOWARE: "advoware", GOOGLE: "google"}
SHOWN = {ADVOWARE: "Advoware", GOOGLE: "Google"}


def merged(scene: Scene, row: Row, left: DeskView, right: GoogleView | None, was: Row) -> Part:
    """Both sides are there. Without `right` it is what it was: Google's list of changes does not name it."""
    in_google = _as_read(row, right) if right is not None else row.right
    if in_google is None:
        return Part(ask=Ask(events=(row.event_id,)))
    if right is not None and not right.is_held and row.kind not in CHILDREN:
        return remember(scene, replace(row, kind=Kind.EXPANDED), State.LINKED, was)
    if right is None and _is_as_it_was(scene, row, left):
        return remember(scene, row, State.LINKED, was)
    rules = merge_rules(scene, row, left, right)
    told = merge(row.base, left.appointment, in_google, rules)
    shown = _newly_shown(scene, row, left)
    to_google = told.to_google | shown
    other_profile = row.profile != scene.rules.profile.value
    if (to_google or other_profile) and (right is None or not right.event.etag):
        return Part(ask=Ask(events=(row.event_id,)))
    block = replace(left.block, omitted=omitted_days(scene, row, left, right), mark=row.mark or "")
    steps: list[Step] = []
    if told.to_desk or block.omitted != left.block.omitted:
        steps.append(_put(scene, row, left, told, block))
    if (to_google or other_profile) and right is not None:
        steps.append(_update(scene, row, left, right, told))
    settled = _settled(row, left, in_google, told)
    rewritten = [replace(step, row=replace(settled, profile=step.row.profile)) for step in steps]
    if not steps:
        rewritten = list(remember(scene, settled, State.LINKED, was).steps)
    return Part(steps=tuple(rewritten), notices=tuple(_notices(scene, row, left, told)))


def _is_as_it_was(scene: Scene, row: Row, left: DeskView) -> bool:
    """True where nobody touched anything: most pairs of most runs, for which a merge would be idle work."""
    return (
        row.profile == scene.rules.profile.value
        and dict(row.base_left) == left.appointment.as_fields()
        and (row.kind in CHILDREN or row.kind is _kind_of(left.appointment))
        and left.block.omitted == omitted_days(scene, row, left, None)
    )


def remember(scene: Scene, row: Row, state: State, was: Row) -> Part:
    """Nothing is written; the row is, if it says something new."""
    known = replace(row, state=state).unparked()
    if known == was:
        return NOTHING
    return Part(steps=(Step(Phase.REMEMBER, Action.REMEMBER, known),))


def back_in_google(scene: Scene, row: Row, left: DeskView) -> Part:
    """An event for what stands in Advoware: new, or restored under the id that it had."""
    profile = scene.rules.profile
    shown = left.appointment if row.kind not in CHILDREN else replace(left.appointment, recurrence=None)
    event_id = row.event_id or row.key
    made = new_in_google(shown, profile)
    if shown.recurrence is not None:
        made = without_days(made, unknown_days(scene, row, left))
    body = with_private(made, {MARK: str(Mark(left.termin.frnr, event_id))})
    known = replace(
        row,
        state=State.LINKED,
        kind=row.kind if row.kind in CHILDREN else _kind_of(left.appointment),
        event_id=event_id,
        frnr=left.termin.frnr,
        row_id=left.termin.row_id,
        base_left=left.appointment.as_fields(),
        base_right=_expected(shown, profile).as_fields(),
        profile=profile.value,
    ).unparked()
    comes_back = row.state is State.LINKED and row.born is Born.ADVOWARE
    text = "Ein Termin aus Advoware wurde in Google gelöscht und steht dort wieder: er wird am Arbeitsplatz gelöscht."
    notices = [scene.notice("came_back", f"{row.key}:{row.etag}", text)] if comes_back else []
    notices += _time_notices(scene, row.key, left)
    entry = JournalEntry(row.key, "google", "insert", after=left.appointment.as_fields())
    step = Step(
        Phase.NEW_IN_ADVOWARE,
        Action.INSERT_EVENT,
        known,
        "neu in Advoware" if row.state is not State.LINKED else "in Google gelöscht, in Advoware nicht",
        body={**body, "id": event_id},
        fields=FIELDS,
        other=left.appointment.as_fields(),
        journal=(entry,),
    )
    return Part(steps=(step,), notices=tuple(notices))


def back_at_desk(scene: Scene, row: Row, right: GoogleView) -> Part:
    """A Termin for what stands in Google. Its mark is of a new generation where there was one before.

    A series that Advoware can't hold has no Termin as a whole: it is remembered as expanded.
    """
    if not right.is_held and row.kind not in CHILDREN:
        known = replace(row, kind=Kind.EXPANDED, frnr=None, profile=scene.rules.profile.value)
        return remember(scene, known, State.LINKED, row)
    had_one = row.frnr is not None or row.state in (State.GONE, State.LINKED)
    generation = row.generation + 1 if had_one and row.mark else row.generation
    mark = row.mark if row.mark and not had_one else own_id(scene.rules.tenant, scene.kuerzel, row.origin, generation)
    shown = _as_read(replace(row, born=Born.GOOGLE), right)
    block = Block(is_single=row.kind is Kind.OCCURRENCE, mark=mark)
    appointment = replace(shown, recurrence=None) if row.kind in CHILDREN else shown
    known = replace(
        row,
        state=State.LINKED,
        kind=row.kind if row.kind in CHILDREN else _kind_of(shown),
        frnr=None,
        mark=mark,
        generation=generation,
        base_left=appointment.as_fields(),
        base_right=right.appointment.as_fields(),
        etag=right.event.etag,
        profile=scene.rules.profile.value,
    ).unparked()
    is_copy = row.kind not in CHILDREN and _is_copy(right)
    entry = JournalEntry(row.key, "advoware", "post", after=appointment.as_fields())
    step = Step(
        Phase.NEW_IN_GOOGLE,
        Action.POST_TERMIN,
        known,
        "neu in Google" if row.frnr is None else "in Advoware gelöscht, in Google geändert",
        values=new_at_desk(appointment, block, scene.kuerzel),
        body=dict(right.event.body) if is_copy else {},
        etag=right.event.etag,
        fields=FIELDS,
        other=right.appointment.as_fields(),
        is_copy=is_copy,
        journal=(entry,),
    )
    return Part(steps=(step,))


def delete_event(scene: Scene, row: Row, right: GoogleView, reason: str, *, is_exempt: bool = False) -> Part:
    """Of an occurrence: it is cancelled."""
    stays = row.kind in CHILDREN
    known = replace(row, state=State.LINKED if stays else State.GONE, since=scene.now)
    if stays:
        known = replace(known, frnr=None, kind=Kind.EXCEPTION, mark="")
    entry = JournalEntry(row.key, "google", "delete", before=right.appointment.as_fields(), rule=reason)
    step = Step(
        Phase.DELETIONS,
        Action.DELETE_EVENT,
        known,
        reason,
        etag=right.event.etag,
        seen=None,
        decision=row.parent or row.key,
        is_exempt=is_exempt,
        journal=(entry,),
    )
    return Part(steps=(step,))


def delete_termin(
    scene: Scene, row: Row, left: DeskView, reason: str, *, is_exempt: bool = False, ends: bool = False
) -> Part:
    """At the desk. What stays of an occurrence is that it does not take place. `ends`: nothing stays of the pair."""
    if row.kind in CHILDREN and not ends:
        known = replace(row, frnr=None, kind=Kind.EXCEPTION, mark="", since=scene.now)
    elif row.kind is Kind.EXPANDED and is_exempt:
        known = replace(row, frnr=None)
    else:
        known = replace(row, state=State.GONE, since=scene.now)
    entry = JournalEntry(row.key, "advoware", "delete", before=left.appointment.as_fields(), rule=reason)
    step = Step(
        Phase.DELETIONS,
        Action.DELETE_TERMIN,
        known,
        reason,
        seen=left.termin,
        decision=row.parent or row.key,
        is_exempt=is_exempt,
        journal=(entry,),
    )
    return Part(steps=(step,))


def left_out(scene: Scene, row: Row, left: DeskView | Absent, right: object) -> frozenset[str]:
    """Fields that nobody carries over: hidden ones, another one's preparation, the rhythm of an occurrence."""
    hidden = set(HIDDEN[scene.rules.profile])
    if row.profile and row.profile != scene.rules.profile.value:
        hidden |= HIDDEN[Profile(row.profile)]
    if row.kind in CHILDREN:
        hidden |= {"recurrence", "preparation"}
    if isinstance(left, DeskView) and not left.is_mine:
        hidden.add("preparation")
    return frozenset(hidden)


def merge_rules(scene: Scene, row: Row, left: DeskView, right: GoogleView | None) -> MergeRules:
    """Who wins, and what goes one way alone."""
    is_private = right is not None and right.is_private and row.born is Born.GOOGLE
    to_google = set(TIMES) if left.is_reversed else set()
    to_google |= {"notes"} if (right is not None and right.is_cut) or left.termin.is_cut else set()
    to_desk = set(TEXTS) if is_private else ({"notes"} if left.block.is_cut else set())
    return MergeRules(
        _winner(scene, row, left, right),
        left_out(scene, row, left, right),
        frozenset(to_google),
        frozenset(to_desk - to_google),
    )


def _winner(scene: Scene, row: Row, left: DeskView, right: GoogleView | None) -> Side:
    source = GOOGLE if row.born is Born.GOOGLE else ADVOWARE
    if scene.rules.strategy is Strategy.SOURCE or right is None:
        return source
    updated, skew = right.event.updated, scene.google.list.skew
    return later_side(left.termin.geaendert_am, updated, skew, source, MARGIN)


def _put(scene: Scene, row: Row, left: DeskView, told: Merged, block: Block) -> Step:
    settles = _with_times(told.to_desk, told.to_google)
    before, after = left.appointment.as_fields(), told.left.as_fields()
    return Step(
        Phase.CHANGES,
        Action.PUT_TERMIN,
        row,
        "in Google geändert" if told.to_desk else "Ausnahmen der Serie",
        values=for_desk(told.left, block, told.to_desk, left.termin),
        seen=left.termin,
        fields=tuple(name for name in FIELDS if name in settles),
        other=told.right.as_fields(),
        decision=row.key,
        empties=_emptied(before, after, told.to_desk),
        journal=tuple(_entries(row, ADVOWARE, told, before, after)),
    )


def _update(scene: Scene, row: Row, left: DeskView, right: GoogleView, told: Merged) -> Step:
    profile = scene.rules.profile
    shown = _newly_shown(scene, row, left)
    wanted = told.right
    if shown:
        texts = {name: getattr(left.appointment, name) for name in shown}
        wanted = replace(wanted, **texts)
    changed = told.to_google | shown
    body = for_google(wanted, changed, profile, right.event.body)
    if row.profile != profile.value:
        body = without_hidden(body, profile)
    body = with_private(body, {MARK: str(Mark(left.termin.frnr, right.event.id))})
    settles = _with_times(told.to_google, told.to_desk) | shown
    before, after = right.appointment.as_fields(), wanted.as_fields()
    return Step(
        Phase.CHANGES,
        Action.UPDATE_EVENT,
        replace(row, profile=profile.value),
        "in Advoware geändert" if told.to_google else "andere Sichtbarkeit",
        body=body,
        etag=right.event.etag,
        fields=tuple(name for name in FIELDS if name in settles),
        other={**told.left.as_fields(), **{name: getattr(left.appointment, name) for name in shown}},
        decision=row.key,
        empties=_emptied(before, after, told.to_google),
        journal=tuple(_entries(row, GOOGLE, told, before, after)),
    )


def _settled(row: Row, left: DeskView, right: Appointment, told: Merged) -> Row:
    """With all on which both agree without a write."""
    now_left, now_right = left.appointment.as_fields(), right.as_fields()
    return replace(
        row,
        kind=row.kind if row.kind in CHILDREN else _kind_of(told.left),
        state=State.LINKED,
        base_left={**row.base_left, **{name: now_left[name] for name in told.agreed}},
        base_right={**row.base_right, **{name: now_right[name] for name in told.agreed}},
    ).unparked()


def _newly_shown(scene: Scene, row: Row, left: DeskView) -> frozenset[str]:
    """Fields that Google did not hold until now: they are written, whatever stands there."""
    if not row.profile or row.profile == scene.rules.profile.value:
        return frozenset()
    return HIDDEN[Profile(row.profile)] - HIDDEN[scene.rules.profile]


def _as_read(row: Row, right: GoogleView) -> Appointment:
    """Of an event that a person made private, a desk sees the time alone."""
    if right.is_private and row.born is Born.GOOGLE:
        return replace(right.appointment, title=PRIVATE, notes=None, place=None)
    return right.appointment


def _with_times(fields: frozenset[str], elsewhere: frozenset[str]) -> frozenset[str]:
    """All of the times are settled with one of them, unless the other side is written in one as well."""
    times = frozenset(TIMES)
    return fields | times if fields & times and not elsewhere & times else fields


def _emptied(before: dict[str, object], after: dict[str, object], written: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in TEXTS if name in written and before[name] and not after[name])


def _entries(
    row: Row, side: Side, told: Merged, before: dict[str, object], after: dict[str, object]
) -> Iterable[JournalEntry]:
    lost = {each.field: each.lost for each in told.conflicts if each.loser is side}
    written = told.to_desk if side is ADVOWARE else told.to_google
    for name in FIELDS:
        if name in written:
            rule = told.rules.get(name, "")
            yield JournalEntry(row.key, SIDES[side], "write", name, before[name], after[name], lost.get(name), rule)


def _notices(scene: Scene, row: Row, left: DeskView, told: Merged) -> Iterable[Notice]:
    for each in told.conflicts:
        text = (
            f"{LABELS[each.field]} wurde auf beiden Seiten geändert (Termin {left.termin.frnr}). "
            f"Es gilt: {_shown(each.kept)}. In {SHOWN[each.loser]} stand: {_shown(each.lost)}."
        )
        yield scene.notice("conflict", f"{row.key}:{each.field}:{left.termin.row_id}", text)
    if told.to_google & set(TIMES):
        yield from _time_notices(scene, row.key, left)


def _time_notices(scene: Scene, key: str, left: DeskView) -> Iterable[Notice]:
    frnr = left.termin.frnr
    if left.is_reversed:
        text = f"Termin {frnr} endet in Advoware vor seinem Beginn. In Google: 30 Minuten; bitte berichtigen."
        yield scene.notice("reversed", f"{key}:{left.appointment.start.isoformat()}", text)
    if left.is_left_out:
        at = on_the_clock(left.appointment.start)
        text = f"Termin {frnr} liegt in der Stunde, die bei der Zeitumstellung fehlt. In Google: {at:%d.%m.%Y %H:%M}."
        yield scene.notice("left_out_hour", f"{key}:{left.appointment.start.isoformat()}", text)


def _shown(value: object) -> str:
    return "(leer)" if value in (None, "") else str(value)


def _kind_of(appointment: Appointment) -> Kind:
    return Kind.SERIES if appointment.recurrence is not None else Kind.SINGLE


def _expected(appointment: Appointment, profile: Profile) -> Appointment:
    """What Google will hold, as far as it takes what it is sent."""
    hidden = HIDDEN[profile]
    title = UNTITLED if "title" in hidden else appointment.title or UNTITLED
    notes = None if "notes" in hidden else appointment.notes
    return replace(appointment, title=title, notes=notes, place=None if "place" in hidden else appointment.place)


def _is_copy(right: GoogleView) -> bool:
    mark = mark_of(right.event.body)
    return mark is not None and mark.event_id != right.event.id
