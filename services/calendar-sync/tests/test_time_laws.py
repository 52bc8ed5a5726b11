"""Every Termin through Google's form and back is the same Termin: over both clock changes, days, nights and series."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr
from hypothesis import assume, example, given

from calendar_sync.domain.block import Block
from calendar_sync.domain.desk_form import DeskView, for_desk, seen_at_desk
from calendar_sync.domain.google_form import GoogleView, new_in_google, seen_in_google
from calendar_sync.domain.local_time import as_moment, on_the_clock
from calendar_sync.domain.recurrence import Rule, held
from calendar_sync.domain.values import FIELDS, Appointment, Event, Every, Profile, Recurrence
from kanzlei.termine import Termin, TerminValues

from calendar_strategies import series, singles  # isort: skip

BERLIN = ZoneInfo("Europe/Berlin")


def at_desk(values: TerminValues) -> DeskView:
    return seen_at_desk(Termin(70001, "row-1", values, None, len(values.notiz)), "SB")


def in_google(appointment: Appointment, profile: Profile = Profile.FULL) -> GoogleView:
    return seen_in_google(Event("a" * 40, "1", new_in_google(appointment, profile)))


def through_google(values: TerminValues) -> tuple[Appointment, Appointment]:
    seen = at_desk(values)
    return seen.appointment, in_google(seen.appointment).appointment


@given(singles())
@example(TerminValues(datum=datetime(2026, 3, 29, 22), sb="SB", text="Nacht", uhrzeit_bis=datetime(1, 1, 1, 6).time()))
def test_single_termin_survives_google(values: TerminValues) -> None:
    """But for the hour that is left out, which is an hour later there, and an end that is not after its start."""
    seen = at_desk(values)
    told, back = through_google(values)
    assert (back.title, back.notes, back.place) == (told.title or "Termin", told.notes, told.place)
    assert (back.all_day, back.preparation) == (told.all_day, told.preparation)
    if seen.is_left_out or told.start == told.end:
        return
    if told.preparation == 0:
        assert (back.start, back.end) == (told.start, told.end)
    else:
        assert as_moment(back.start) == as_moment(told.start)
    written = for_desk(back, seen.block, {"start", "end", "all_day"}, seen.termin)
    assert at_desk(written).appointment.start == told.start


@given(singles())
def test_fifty_round_trips_change_nothing(values: TerminValues) -> None:
    """What Google holds after the first write is a fixed point."""
    once = in_google(at_desk(values).appointment).appointment
    again = once
    for _ in range(50):
        again = in_google(again).appointment
    assert again == once


@given(series())
def test_series_survive_google(values: TerminValues) -> None:
    """Rhythm and last day included."""
    told, back = through_google(values)
    assert back.recurrence == told.recurrence
    assert back.all_day == told.all_day
    assert on_the_clock(told.start) != told.start or told.start == back.start


@given(series())
def test_occurrences_as_independent_judges_see_them(values: TerminValues) -> None:
    """Advoware's days by plain arithmetic, Google's by an iCalendar library: the same days, at the same wall time."""
    appointment = at_desk(values).appointment
    assume(appointment.recurrence is not None and on_the_clock(appointment.start) == appointment.start)
    body = new_in_google(appointment, Profile.FULL)
    last = appointment.start + timedelta(days=800)
    assert set(judged(body, appointment, last)) == set(days_at_desk(values, last.date()))


def judged(body: dict[str, object], appointment: Appointment, last: datetime) -> list[date]:
    calendar, event = icalendar.Calendar(), icalendar.Event()
    start = appointment.start - timedelta(minutes=appointment.preparation)
    event.add("uid", "one")
    event.add("dtstart", start.date() if appointment.all_day else start.replace(tzinfo=BERLIN))
    event.add("rrule", icalendar.vRecur.from_ical(str(body["recurrence"][0]).removeprefix("RRULE:")))  # type: ignore[index]
    calendar.add_component(event)
    found = recurring_ical_events.of(calendar).between(start.date(), last.date() + timedelta(days=1))
    days = []
    for each in found:
        begins = each["DTSTART"].dt
        if isinstance(begins, datetime):
            assert begins.astimezone(BERLIN).time() == start.time() or begins.date() in LONG_NIGHTS
            begins = begins.astimezone(BERLIN).date()
        days.append(begins)
    return [day for day in days if day <= last.date()]


LONG_NIGHTS = {date(year, month, day) for year in range(2025, 2032) for month in (3, 10) for day in range(25, 32)}


def days_at_desk(values: TerminValues, last: date) -> list[date]:
    start, step, days = values.datum.date(), max(values.turnus, 1), []
    for number in range(2000):
        day = nth(start, Every(values.turnus_art), step * number)
        if day > last or (values.datum_bis and day > max(values.datum_bis.date(), start)):
            break
        days.append(day)
    return days


def nth(start: date, every: Every, distance: int) -> date:
    if every in (Every.DAY, Every.WEEK):
        return start + timedelta(days=distance * (7 if every is Every.WEEK else 1))
    months = start.month - 1 + distance * (12 if every is Every.YEAR else 1)
    year, month = start.year + months // 12, months % 12 + 1
    for day in range(start.day, 0, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise AssertionError("a month without days")


def test_until_is_the_last_local_day() -> None:
    """23:59:59 in Berlin as UTC, in winter and in summer; dateutil sees no occurrence too many."""
    winter = Recurrence(Every.DAY, 1, date(2026, 10, 30))
    told = Appointment(datetime(2026, 10, 1, 0, 30), datetime(2026, 10, 1, 1), recurrence=winter)
    line = str(new_in_google(told, Profile.FULL)["recurrence"][0])
    assert line == "RRULE:FREQ=DAILY;UNTIL=20261030T225959Z"
    walked = list(rrulestr(line, dtstart=told.start.replace(tzinfo=BERLIN)))
    assert walked[-1].astimezone(BERLIN).date() == date(2026, 10, 30)
    assert walked[0].astimezone(UTC).hour == 22
    assert walked[-1].astimezone(UTC).hour == 23
    summer = Appointment(told.start, told.end, recurrence=Recurrence(Every.DAY, 1, date(2026, 9, 30)))
    assert "UNTIL=20260930T215959Z" in new_in_google(summer, Profile.FULL)["recurrence"][0]


def rule(line: str, start: datetime = datetime(2026, 9, 1, 9), zone: str = "Europe/Berlin") -> Recurrence | None:
    told = Appointment(start, start + timedelta(hours=1))
    return held(Rule(tuple(line.split("|")), start, False, BERLIN if zone == "Europe/Berlin" else ZoneInfo(zone)), told)


def test_what_advoware_can_hold() -> None:
    assert rule("RRULE:FREQ=WEEKLY;BYDAY=TU") == Recurrence(Every.WEEK)
    assert rule("RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU") == Recurrence(Every.WEEK, 2)
    assert rule("RRULE:FREQ=WEEKLY;COUNT=3") == Recurrence(Every.WEEK, 1, date(2026, 9, 15))
    assert rule("RRULE:FREQ=DAILY;UNTIL=20260905T070000Z") == Recurrence(Every.DAY, 1, date(2026, 9, 5))
    assert rule("RRULE:FREQ=DAILY;UNTIL=20260905T065959Z") == Recurrence(Every.DAY, 1, date(2026, 9, 4))
    assert rule("RRULE:FREQ=MONTHLY;BYMONTHDAY=1") == Recurrence(Every.MONTH)
    assert rule("RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", datetime(2026, 8, 31, 9)) == Recurrence(Every.MONTH)
    assert rule("RRULE:FREQ=YEARLY") == Recurrence(Every.YEAR)
    assert rule("RRULE:FREQ=WEEKLY|EXDATE:20260908T070000Z") == Recurrence(Every.WEEK)
    assert rule("RRULE:FREQ=DAILY", zone="Europe/Paris") == Recurrence(Every.DAY)


def test_what_advoware_cannot_hold() -> None:
    weekdays = "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
    for line in (
        weekdays,
        "RRULE:FREQ=MONTHLY;BYDAY=1TU",
        "RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
        "RRULE:FREQ=HOURLY",
        "RDATE:20260908T070000Z",
        "RRULE:FREQ=WEEKLY|RDATE:20260909T070000Z",
        "RRULE:FREQ=WEEKLY;BYDAY=WE",
        "RRULE:nonsense",
        "RRULE:FREQ=WEEKLY;COUNT=zwei",
    ):
        assert rule(line) is None, line
    assert rule("RRULE:FREQ=MONTHLY", datetime(2026, 8, 31, 9)) is None
    assert rule("RRULE:FREQ=DAILY", zone="America/New_York") is None


def test_night_hours_are_stable() -> None:
    """The gap is an hour later in Google; the hour that comes twice is its first; ten runs change nothing."""
    gap = through_google(
        TerminValues(datum=datetime(2026, 3, 29, 2, 30), sb="SB", uhrzeit_bis=datetime(1, 1, 1, 5).time())
    )
    assert gap[1].start == datetime(2026, 3, 29, 3, 30)
    twice = Appointment(datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 4))
    body = new_in_google(twice, Profile.FULL)
    for _ in range(10):
        seen = seen_in_google(Event("a", "1", body)).appointment
        assert seen == Appointment(twice.start, twice.end, title="Termin")
        body = new_in_google(seen, Profile.FULL)


def test_every_field_has_a_form() -> None:
    assert set(Appointment(datetime(2026, 1, 1), datetime(2026, 1, 1)).as_fields()) == set(FIELDS)
    assert str(Block(mark="a" + "0" * 39)) == "[g:a" + "0" * 39 + "]"
