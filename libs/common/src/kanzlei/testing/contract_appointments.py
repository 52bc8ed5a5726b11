"""What every `kanzlei.termine.Appointments` must do: the same suite over the fake and over HTTP against the sandbox."""

from __future__ import annotations

import dataclasses
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from kanzlei.termine import Appointments, Place, Termin, TerminValues
from synckit.errors import Implausible, Locked, RemoteRejected, StaleVersion

DAY = datetime(2026, 3, 2)  # noqa: DTZ001 - local times have no zone
START, END = DAY, DAY + timedelta(hours=23, minutes=59)
SINGLE = TerminValues(
    datum=DAY.replace(hour=9),
    sb="SB",
    anwalt="SB",
    uhrzeit_bis=time(10, 0),
    text="Besprechung",
    notiz="erste Zeile\n<wichtig> & mehr ",
    ort="Ulm",
    vorbereitung=timedelta(minutes=30),
)
SERIES = dataclasses.replace(
    SINGLE,
    dauertermin=True,
    turnus=2,
    turnus_art=2,
    datum_bis=datetime(2026, 12, 20),  # noqa: DTZ001
)
HOLIDAY = TerminValues(datum=DAY, sb="SB", anwalt="SB", datum_bis=DAY + timedelta(days=2), text="Urlaub")


class AppointmentsContract:
    """The life of Termine. The `desk_` methods are what a person does; employees are SB and KMO, AH has left."""

    async def make(self) -> Appointments:
        raise NotImplementedError

    async def desk_enters(self, values: TerminValues) -> int:
        raise NotImplementedError

    async def desk_changes(self, frnr: int, **changes: Any) -> None:
        """Fields of TerminValues."""
        raise NotImplementedError

    async def desk_removes(self, frnr: int) -> None:
        raise NotImplementedError

    async def desk_opens(self, frnr: int) -> None:
        raise NotImplementedError

    async def outage(self) -> None:
        """From now on every list is empty, with 200."""
        raise NotImplementedError

    async def read(self, port: Appointments, frnr: int) -> Termin:
        found = await port.appointment(Place(frnr, "SB", DAY.date()))
        assert found is not None
        return found

    @pytest.mark.parametrize("values", [SINGLE, SERIES, HOLIDAY], ids=["single", "series", "days"])
    async def test_what_was_created_is_read_back(self, values: TerminValues) -> None:
        port = await self.make()
        made = await port.create(values)
        assert made.not_taken == ()
        found = await self.read(port, made.termin.frnr)
        assert found == made.termin
        assert found.values.differing(values) == ()
        assert found.geaendert_am is not None
        assert found.geaendert_am.utcoffset() == timedelta(0)

    async def test_every_create_makes_one_more(self) -> None:
        port = await self.make()
        numbers = {(await port.create(SINGLE)).termin.frnr for _ in range(3)}
        assert {each.frnr for each in (await port.appointments("SB", START, END)).termine} == numbers

    async def test_a_list_has_sb_and_anwalt(self) -> None:
        port = await self.make()
        shared = (await port.create(dataclasses.replace(SINGLE, anwalt="KMO"))).termin
        for kuerzel in ("SB", "KMO"):
            assert (await port.appointments(kuerzel, START, END)).termine == (shared,)

    @pytest.mark.parametrize(
        ("values", "days", "is_in"),
        [
            (SINGLE, 0, True),
            (SINGLE, 1, False),
            (SERIES, 200, True),
            (SERIES, 300, False),
            (dataclasses.replace(SERIES, datum_bis=None), 3000, True),
            (HOLIDAY, 2, True),
            (HOLIDAY, 3, False),
            (HOLIDAY, -1, False),
        ],
    )
    async def test_a_window_has_what_touches_it(self, values: TerminValues, days: int, is_in: bool) -> None:
        port = await self.make()
        made = (await port.create(values)).termin
        shift = timedelta(days=days)
        found = await port.appointments("SB", START + shift, END + shift)
        assert found.termine == ((made,) if is_in else ())

    async def test_a_change_keeps_all_else(self) -> None:
        """The desk's own edit between two changes of ours is kept as well: only what differs is written."""
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        moved = await port.replace(made, dataclasses.replace(made.values, datum=DAY.replace(hour=11)))
        assert moved.not_taken == ()
        assert moved.termin.row_id != made.row_id
        assert moved.termin.values == dataclasses.replace(made.values, datum=DAY.replace(hour=11))
        assert await self.read(port, made.frnr) == moved.termin

    async def test_a_change_empties_what_is_emptied(self) -> None:
        port = await self.make()
        made = (await port.create(SERIES)).termin
        bare = TerminValues(datum=SERIES.datum, sb="SB", anwalt="SB")
        assert (await port.replace(made, bare)).termin.values == bare

    async def test_whole_days_stay_whole_days(self) -> None:
        port = await self.make()
        made = (await port.create(dataclasses.replace(HOLIDAY, uhrzeit_bis=time(23, 59, 59)))).termin
        assert made.values.has_whole_days
        renamed = await port.replace(made, dataclasses.replace(made.values, text="Urlaub und mehr"))
        assert renamed.not_taken == ()
        assert renamed.termin.values.has_whole_days

    async def test_seconds_are_cut(self) -> None:
        port = await self.make()
        odd = dataclasses.replace(SINGLE, datum=SINGLE.datum.replace(second=59), uhrzeit_bis=time(10, 0, 31))
        made = (await port.create(odd)).termin
        assert (made.values.datum, made.values.uhrzeit_bis) == (SINGLE.datum, time(10, 0))

    async def test_what_a_desk_changed_is_not_overwritten(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        await self.desk_changes(made.frnr, ort="Neu-Ulm")
        with pytest.raises(StaleVersion):
            await port.replace(made, dataclasses.replace(made.values, ort="Stuttgart"))
        with pytest.raises(StaleVersion):
            await port.delete(made)
        assert (await self.read(port, made.frnr)).values.ort == "Neu-Ulm"

    async def test_what_is_open_at_a_desk_is_locked(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        await self.desk_opens(made.frnr)
        with pytest.raises(Locked):
            await port.replace(made, dataclasses.replace(made.values, ort="Stuttgart"))
        with pytest.raises(Locked):
            await port.delete(made)
        assert await self.read(port, made.frnr) == made

    async def test_a_refused_field_is_named(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        with pytest.raises(RemoteRejected) as refused:
            await port.replace(made, dataclasses.replace(made.values, notiz="n" * 4001))
        assert (refused.value.status, refused.value.field) == (400, "notiz")

    async def test_deleting_is_safe_to_repeat(self) -> None:
        port = await self.make()
        made, other = (await port.create(SINGLE)).termin, (await port.create(SINGLE)).termin
        await port.delete(made)
        await port.delete(made)
        assert await port.appointment(made.place, control=[other.place]) is None
        assert (await port.appointments("SB", START, END)).termine == (other,)

    async def test_what_is_gone_can_not_be_changed(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        await self.desk_removes(made.frnr)
        with pytest.raises(StaleVersion):
            await port.replace(made, dataclasses.replace(made.values, ort="Stuttgart"))

    async def test_moved_and_reassigned_it_is_not_gone(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        await self.desk_changes(made.frnr, datum=DAY + timedelta(days=400), sb="KMO", anwalt="KMO")
        found = await port.appointment(made.place)
        assert found is not None
        assert (found.frnr, found.values.sb) == (made.frnr, "KMO")

    async def test_gone_needs_a_control(self) -> None:
        port = await self.make()
        first, second = await self.desk_enters(SINGLE), await self.desk_enters(SINGLE)
        place, control = Place(first, "SB", DAY.date()), Place(second, "SB", DAY.date())
        await self.desk_removes(first)
        assert await port.appointment(place, control=[control]) is None
        assert await port.appointment(place) is None
        await self.desk_removes(second)
        with pytest.raises(Implausible):
            await port.appointment(place, control=[control])

    async def test_in_an_outage_nothing_is_gone(self) -> None:
        port = await self.make()
        numbers = [await self.desk_enters(SINGLE) for _ in range(4)]
        await self.outage()
        places = [Place(frnr, "SB", DAY.date()) for frnr in numbers]
        with pytest.raises(Implausible):
            await port.appointments("SB", START, END, known=4)
        for control in ((), places):
            with pytest.raises(Implausible):
                await port.appointment(places[0], control=control)
        with pytest.raises(Implausible):
            await port.employees()

    async def test_few_may_be_gone_at_once(self) -> None:
        port = await self.make()
        assert (await port.appointments("SB", START, END, known=3)).termine == ()

    async def test_employees_are_listed_by_being_active(self) -> None:
        port = await self.make()
        assert [each.kuerzel for each in await port.employees()] == ["KMO", "SB"]
        everybody = await port.employees(active=False)
        assert [(each.kuerzel, each.aktiv) for each in everybody] == [("AH", False), ("KMO", True), ("SB", True)]
        assert everybody[2].email == "sb@kanzlei.example"

    async def test_no_repr_shows_a_client(self) -> None:
        port = await self.make()
        made = (await port.create(SINGLE)).termin
        for word in ("Besprechung", "wichtig", "Ulm"):
            assert word not in repr(made)
