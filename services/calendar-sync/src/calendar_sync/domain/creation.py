"""What stands on one side alone: new there, a copy, or ours with a row that was lost. Pure."""

from __future__ import annotations

from dataclasses import replace

from calendar_sync.domain.desk_form import DeskView
from calendar_sync.domain.google_form import GoogleView
from calendar_sync.domain.identity import mark_of, of_event, own_id
from calendar_sync.domain.memory import Born, Kind, Row, State
from calendar_sync.domain.pair_steps import back_at_desk, back_in_google
from calendar_sync.domain.pairs import linked
from calendar_sync.domain.scene import NOTHING, Ask, Part, Scene, joined
from calendar_sync.domain.series import expanded
from calendar_sync.domain.sides import GONE, UNSEEN
from calendar_sync.domain.values import Event, Profile


def new_termin(scene: Scene, left: DeskView) -> Part:
    """A Termin without a row."""
    frnr, mark = left.termin.frnr, left.block.mark
    if not scene.is_mine(left.termin) or frnr in scene.claimed:
        return NOTHING
    announced = scene.by_mark.get(mark) if mark else None
    if announced is not None and announced.state is State.CREATING and announced.frnr is None:
        return NOTHING
    if mark and announced is None and (event := scene.lost_marks.get(mark)) is not None:
        return _taken_over(scene, event, left, mark)
    origin = str(frnr)
    key = own_id(scene.rules.tenant, scene.kuerzel, origin)
    row = Row(key, Born.ADVOWARE, State.CREATING, frnr=frnr, event_id=key, origin=origin)
    return back_in_google(scene, row, left)


def new_event(scene: Scene, event: Event) -> Part:
    """A living event without a row."""
    right = scene.google.view(event.id)
    key = own_id(scene.rules.tenant, scene.kuerzel, of_event(event.id))
    if not isinstance(right, GoogleView):
        return Part(parked=((key, "ist in Google nicht lesbar"),))
    if event.master_id:
        return _stray(scene, event, key)
    if not right.appointment.touches(scene.window) or scene.lost_marks_of.get(event.id) in scene.desk.marked:
        return NOTHING
    mark = mark_of(event.body)
    if mark is not None and mark.event_id == event.id:
        return _ours(scene, event, right, mark.frnr)
    row = Row(key, Born.GOOGLE, State.CREATING, event_id=event.id, origin=of_event(event.id))
    return _entered(scene, row, right)


def _entered(scene: Scene, row: Row, right: GoogleView) -> Part:
    """At the desk: as one Termin, or as those of the days ahead."""
    part = back_at_desk(scene, row, right)
    if right.is_held:
        return part
    return joined([part, *(occurrence for step in part.steps for occurrence in expanded(scene, step.row, right))])


def _ours(scene: Scene, event: Event, right: GoogleView, frnr: int) -> Part:
    """We made it for this Termin, and have no row of it."""
    left = scene.desk.view(frnr)
    if left is UNSEEN and frnr not in scene.by_frnr:
        return Part(ask=Ask(termine=(frnr,)))
    if isinstance(left, DeskView) and frnr not in scene.by_frnr and scene.is_mine(left.termin):
        origin = str(frnr)
        key = own_id(scene.rules.tenant, scene.kuerzel, origin)
        row = Row(key, Born.ADVOWARE, State.LINKED, frnr=frnr, event_id=event.id, origin=origin)
        known = replace(row, profile=_profile(scene))
        return linked(scene, known, left, right, replace(row, state=State.CREATING))
    if left is GONE or frnr in scene.by_frnr:
        origin = of_event(event.id)
        key = own_id(scene.rules.tenant, scene.kuerzel, origin)
        return _entered(scene, Row(key, Born.GOOGLE, State.CREATING, event_id=event.id, origin=origin), right)
    return NOTHING


def _taken_over(scene: Scene, event: Event, left: DeskView, mark: str) -> Part:
    """Born in Google; its mark says so, the row is lost."""
    right = scene.google.view(event.id)
    origin = of_event(event.id)
    key = own_id(scene.rules.tenant, scene.kuerzel, origin)
    row = Row(key, Born.GOOGLE, State.LINKED, frnr=left.termin.frnr, event_id=event.id, origin=origin, mark=mark)
    known = replace(row, profile=_profile(scene))
    return linked(scene, known, left, right, replace(row, state=State.CREATING))


def _stray(scene: Scene, event: Event, key: str) -> Part:
    """An exception: its series decides, once it is known."""
    master = scene.by_event.get(event.master_id)
    if master is not None and master.kind in (Kind.SERIES, Kind.EXPANDED):
        return NOTHING
    return Part(waiting=((key, "die Serie ist noch nicht bekannt"),))


def _profile(scene: Scene) -> str:
    return Profile(scene.rules.profile).value
