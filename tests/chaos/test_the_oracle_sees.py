"""The oracle against small made-up histories: a good one is good, and each kind of wrong is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.chaos.fields import Side
from tests.chaos.history import History
from tests.chaos.looks import Looks
from tests.chaos.marked import Marks
from tests.chaos.notes import Notes
from tests.chaos.oracle import Evidence, Finding, Oracle, events_without_a_look
from tests.chaos.remains import EMPTY_TABLES, DeadLetter, Event, Remains
from tests.chaos.troubles import Loss, Shift, TimeLie, Troubles, Unlocked

ESPO, ADVO = Side.ESPO, Side.ADVO
ONE, TWO = "beteiligte-sync/host-1", "beteiligte-sync/host-2"
LEFT, RIGHT = "65a", "10001"
NAMES = {"lastName": "Ahorn R00001 1", "firstName": "Birke R00001 2"}


class Scene:
    """Writes both logs. A worker's write is a call first."""

    def __init__(self) -> None:
        self.rows: dict[Side, list[dict[str, Any]]] = {side: [] for side in Side}
        self.calls: dict[Side, list[dict[str, Any]]] = {side: [] for side in Side}
        self.notes: list[str] = []
        self.remains = Remains(rows={table: [] for table in EMPTY_TABLES})
        self.unheard: list[str] = []
        self.troubles = Troubles()

    def person(self, at: float, side: Side, action: str = "update", **values: Any) -> Scene:
        return self._row(at, side, action, "anna" if side is ESPO else "desk", None, values)

    def read(self, at: float, agent: str = ONE) -> Scene:
        for side in Side:
            self._call(at, side, "GET", agent)
        return self

    def worker(self, at: float, side: Side, agent: str = ONE, action: str = "update", **values: Any) -> Scene:
        call = self._call(at - 0.001, side, "PUT", agent)
        return self._row(at, side, action, "advoware_sync" if side is ESPO else "api", call, values)

    def linked(self) -> Scene:
        """A person on both sides, in step."""
        self.person(1, ESPO, "create", syncStatus="pending_sync", assignedUserId="u", **NAMES)
        self.read(2)
        self.worker(3, ADVO, action="create", name="Ahorn R00001 1", vorname="Birke R00001 2")
        return self.worker(3.1, ESPO, betnr=int(RIGHT), syncStatus="clean")

    def judge(self) -> list[Finding]:
        history, looks = self.history, self.looks = History(), Looks()
        rows = [(row["at"], side, row) for side in Side for row in self.rows[side]]
        for _, side, row in sorted(rows, key=lambda each: each[0]):
            history.take(side, [row])
        for side in Side:
            looks.take(side, self.calls[side])
        notes = Notes([{"post": post} for post in self.notes])
        self.oracle = Oracle(Evidence(history, looks, notes, self.remains, self.unheard, self.troubles))
        return self.oracle.judge()

    def marks(self, *active: str) -> set[tuple[str, str]]:
        """What is found, and by which known fault it is explained."""
        found = self.judge()
        marks = Marks(self.history, self.looks, self.troubles, active)
        return {(each.what, each.mark) for each in map(marks.marked, found)}

    def kinds(self) -> set[str]:
        return {finding.what for finding in self.judge()}

    def _call(self, at: float, side: Side, method: str, agent: str) -> int:
        path = f"/api/v1/CBeteiligte/{LEFT}" if side is ESPO else f"/api/v1/advonet/Beteiligte/{RIGHT}"
        record = LEFT if side is ESPO else RIGHT
        told: Mapping[str, Any] = {"method": method, "path": path, "record": record, "agent": agent}
        number = len(self.calls[side]) + 1
        times = {"started_at": at, "ended_at": at + 0.001, "status": 200, "effect": 200, "fault": None}
        self.calls[side].append({"seq": number, **told, **times})
        return number

    def _row(self, at: float, side: Side, action: str, by: str, call: int | None, values: Mapping[str, Any]) -> Scene:
        entity, record = ("CBeteiligte", LEFT) if side is ESPO else ("Beteiligte", RIGHT)
        row = {"at": at, "entity": entity, "record": record, "action": action, "by": by, "call": call}
        self.rows[side].append({**row, "values": dict(values)})
        return self


def test_a_record_in_step_is_good() -> None:
    scene = Scene().linked()
    scene.person(5, ADVO, titel="Dr.").read(6).worker(7, ESPO, titel="Dr.")
    assert scene.judge() == []


def test_a_conflict_with_its_note_is_good_and_without_it_is_not() -> None:
    scene = Scene().linked()
    scene.person(5, ADVO, titel="Esche R00001 8").person(5.1, ESPO, titel="Eibe R00001 9")
    scene.read(6).worker(7, ADVO, titel="Eibe R00001 9")
    assert scene.kinds() == {"silently overwritten"}
    text = "Titel wurde auf beiden Seiten geändert. EspoCRM: „Eibe R00001 9“, Advoware: „Esche R00001 8“. Es gilt"
    scene.notes.append(f"{text} der erste.\n\n(Vorgang 65a-1f)")
    assert scene.judge() == []
    scene.notes.append(f"{text} der erste.\n\n(Vorgang 65a-20)")
    assert scene.kinds() == {"note twice"}


def test_a_note_about_a_value_that_nobody_typed_is_seen() -> None:
    scene = Scene().linked()
    scene.notes.append("auf beiden Seiten geändert. EspoCRM: „Ahorn R00001 1“, Advoware: „Ulme R00001 7“. Es gilt")
    assert scene.kinds() == {"untrue note"}


def test_a_twin_is_seen() -> None:
    scene = Scene().linked()
    scene.worker(4, ADVO, TWO, "create", name="Ahorn R00001 1", vorname="Birke R00001 2")
    assert "twin" in scene.kinds()


def test_a_record_that_never_came_over_is_seen() -> None:
    scene = Scene().person(1, ESPO, "create", syncStatus="pending_sync", **NAMES)
    assert scene.kinds() == {"lost", "stuck"}


def test_a_value_that_no_placement_of_syncs_explains_is_seen() -> None:
    scene = Scene().linked().person(5, ESPO, titel="Dr.")
    assert scene.kinds() == {"value"}


def test_a_worker_that_writes_what_it_read_before_another_wrote_is_seen() -> None:
    scene = Scene().linked().person(5, ESPO, titel="Dr.")
    scene.read(6, ONE).read(7, TWO).worker(8, ADVO, TWO, titel="Dr.").worker(9, ADVO, ONE, zusatz="c/o")
    assert "overlap" in scene.kinds()


def test_a_put_whose_lock_was_forgotten_may_land_late() -> None:
    """Its value is judged as ever."""
    scene = Scene().linked().person(5, ESPO, titel="Dr.")
    scene.read(6, ONE).read(7, TWO).worker(8, ADVO, TWO, titel="Dr.").worker(9, ADVO, ONE, titel="Dr.")
    assert "overlap" in scene.kinds()
    scene.troubles.unlocked.append(Unlocked("R00001", 6.5, 8.9))
    assert "overlap" not in scene.kinds()
    scene.troubles.unlocked[:] = [Unlocked("R00002", 6.5, 8.9)]
    assert "overlap" in scene.kinds()


def test_looks_one_after_another_are_no_overlap() -> None:
    scene = Scene().linked().person(5, ESPO, titel="Dr.")
    scene.read(6, TWO).worker(8, ADVO, TWO, titel="Dr.").person(9, ESPO, titel="Prof.").read(10, ONE)
    assert scene.worker(11, ADVO, ONE, titel="Prof.").judge() == []


def test_a_save_between_our_read_and_our_write_is_counted_and_long_ones_are_wrong() -> None:
    scene = Scene().linked().person(5, ESPO, zusatz="c/o R00001 4").read(6)
    scene.person(6.1, ADVO, titel="Esche R00001 8").worker(6.2, ADVO, titel="", zusatz="c/o R00001 4")
    assert scene.judge() == []
    assert [round(each.window, 1) for each in scene.oracle.vanished] == [0.2]

    scene = Scene().linked().person(5, ESPO, zusatz="c/o R00001 4").read(6)
    scene.person(6.1, ADVO, titel="Esche R00001 8").worker(26.2, ADVO, titel="", zusatz="c/o R00001 4")
    assert scene.kinds() == {"silently overwritten"}


def test_two_saves_in_one_window_are_one_loss() -> None:
    scene = Scene().linked().person(5, ADVO, titel="Esche R00001 4").read(6)
    scene.person(6.1, ESPO, titel="Eibe R00001 5").person(6.15, ESPO, titel="Ulme R00001 6")
    assert scene.worker(6.2, ESPO, titel="Esche R00001 4").judge() == []


def test_a_deletion_that_nobody_was_told_of_is_seen() -> None:
    scene = Scene().linked().person(5, ADVO, "delete").worker(7, ESPO, syncStatus="deleted_in_advoware")
    assert scene.kinds() == {"note missing"}
    scene.notes.append(f"Der Beteiligte wurde in Advoware gelöscht (Nr. {RIGHT}). (Vorgang 65a-1f)")
    assert scene.judge() == []


def test_what_is_left_over_is_seen() -> None:
    scene = Scene().linked()
    scene.remains.rows["intent"] = [LEFT]
    scene.remains.locks, scene.remains.lag = ["lock:beteiligte:65a"], 3
    scene.unheard = [LEFT]
    assert [finding.what for finding in scene.judge()] == ["left over", "left over", "left over", "event lost"]


def test_an_event_without_a_look_after_it_is_seen() -> None:
    scene = Scene().linked()
    looks = Looks()
    looks.take(ESPO, scene.calls[ESPO])
    assert events_without_a_look(Remains(events=[Event(LEFT, 1.5)]), looks) == []
    assert events_without_a_look(Remains(events=[Event(LEFT, 1.5), Event(LEFT, 2.5)]), looks) == [LEFT]


def overtaken() -> Scene:
    """The PUT of the older value is sent first and stored last, and then taken for a desk's edit."""
    scene = Scene().linked().person(5, ESPO, titel="Ahorn R00001 4").read(6)
    older = scene._call(6.1, ADVO, "PUT", ONE)
    scene.person(7, ESPO, titel="Birke R00001 5").read(8).worker(8.1, ADVO, titel="Birke R00001 5")
    scene._row(9, ADVO, "update", "api", older, {"titel": "Ahorn R00001 4"})
    return scene.read(10).worker(10.1, ESPO, titel="Ahorn R00001 4")


def test_an_overtaken_write_is_counted_apart_as_long_as_it_is_known() -> None:
    assert overtaken().marks("A2") == {("value", "A2")}
    assert overtaken().marks() == {("value", "")}


def test_a_value_that_is_wrong_for_no_known_reason_is_never_counted_apart() -> None:
    scene = Scene().linked().person(5, ESPO, titel="Dr.")
    assert scene.marks("A2", "B8") == {("value", "")}


def test_a_change_that_is_dated_back_is_counted_apart() -> None:
    scene = Scene().linked().person(500, ESPO, titel="Dr.")
    scene.troubles.shifts = [Shift(400, ESPO, -600)]
    assert scene.marks("B8") == {("value", "B8")}
    scene.troubles.shifts = [Shift(400, ESPO, 600)]
    assert scene.marks("B8") == {("value", "")}


def test_a_change_while_wrong_times_are_told_is_counted_apart() -> None:
    scene = Scene().linked().person(500, ESPO, titel="Dr.")
    scene.troubles.lies = [TimeLie(ADVO, 499, 501)]
    assert scene.marks("B8") == {("value", "B8")}
    scene.troubles.lies = [TimeLie(ADVO, 600, 601)]
    assert scene.marks("B8") == {("value", "")}


def test_a_note_may_come_twice_where_the_database_fell_back() -> None:
    scene = Scene().linked()
    scene.notes = 2 * ["Etwas über R00001.\n\n(Vorgang 65a-1f)"]
    assert scene.kinds() == {"note twice"}
    scene.troubles.losses = [Loss(1, 2)]
    assert scene.judge() == []


def test_poison_is_buried_and_nothing_else_is() -> None:
    scene = Scene().linked()
    scene.troubles.poison = {(3, 7): "huge"}
    assert scene.kinds() == {"swallowed"}
    scene.remains.dead = [DeadLetter("vmh.beteiligte.dlq", "", "invalid_event", "", (3, 7))]
    assert scene.judge() == []
    scene.remains.dead.append(DeadLetter("vmh.beteiligte.dlq", "", "bug", "", (3, 8)))
    assert scene.kinds() == {"dead letter"}


def test_a_purged_event_is_an_event_and_poison_is_none() -> None:
    scene, troubles = Scene().linked(), Troubles()
    looks = Looks()
    looks.take(ESPO, scene.calls[ESPO])
    troubles.purged = [Event(LEFT, 2.5, (0, 0))]
    assert events_without_a_look(Remains(), looks, troubles) == [LEFT]
    troubles.poison = {(0, 0): "huge"}
    assert events_without_a_look(Remains(), looks, troubles) == []


def test_a_note_that_nobody_can_be_given_is_kept() -> None:
    scene = Scene().linked()
    scene.person(4, ESPO, "update", assignedUserId=None).person(5, ESPO, "delete")
    scene.remains.rows["pending_note"] = scene.remains.rows["parked"] = [LEFT]
    assert scene.judge() == []
    scene.remains.rows["intent"] = [LEFT]
    assert scene.kinds() == {"left over"}
