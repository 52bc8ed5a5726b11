"""How far a remote's clock is off: what is measured, what it widens, and what proves nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanzlei.espocrm.client import EspoAuth, EspoClient, EspoStore
from synckit.http.remote_clocks import MOST_BEHIND, RemoteClocks
from synckit.skew import Skew, credible, measured, narrowed
from synckit.testing.patience import PATIENT
from synckit.testing.scripted_http import ScriptedServer

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
seconds = st.floats(-86400, 86400, allow_nan=False)
waits = st.floats(0, 20, allow_nan=False)


@given(seconds, waits, waits)
def test_a_measure_holds_what_is_true(off: float, there: float, back: float) -> None:
    """Whatever the way took, and with the fraction of the remote's second cut off."""
    told = (NOON + timedelta(seconds=there + off)).replace(microsecond=0)
    skew = measured(told, NOON, NOON + timedelta(seconds=there + back))
    assert skew.low - 1e-5 <= off <= skew.high + 1e-5
    assert skew.high - skew.low == pytest.approx(1 + there + back)


@given(seconds, st.lists(st.tuples(waits, waits), min_size=2, max_size=9))
def test_more_measures_of_one_clock_are_never_worse(off: float, ways: list[tuple[float, float]]) -> None:
    known = None
    widths = []
    for there, back in ways:
        told = (NOON + timedelta(seconds=there + off)).replace(microsecond=0)
        known = narrowed(known, measured(told, NOON, NOON + timedelta(seconds=there + back)))
        widths.append(known.high - known.low)
        assert known.low - 1e-5 <= off <= known.high + 1e-5
    assert widths == sorted(widths, reverse=True)


@given(seconds, seconds)
def test_a_clock_that_is_set_is_known_at_once(before: float, after: float) -> None:
    known = narrowed(Skew(before, before + 1), Skew(after, after + 1))
    assert known.low >= after
    assert known.high <= after + 1


class Measured:
    """A database's clock at noon, and what was shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float]] = []
        self.clocks = RemoteClocks(lambda: NOON, lambda remote, off: self.shown.append((remote, off)))

    def date(self, off: float, remote: str = "advoware") -> None:
        self.clocks.dated(remote, format_datetime(NOON + timedelta(seconds=off), usegmt=True), 0.2)

    @property
    def behind(self) -> float:
        return self.clocks.behind("advoware").total_seconds()


@given(seconds, st.floats(-(10**7), 10**7, allow_nan=False))
def test_a_time_that_its_clock_cannot_show_is_none(off: float, ahead: float) -> None:
    """No true time is thrown away, whatever the clock; what lies more than an hour ahead of it is."""
    told, skew = NOON + timedelta(seconds=off + ahead), Skew(off, off + 1)
    if ahead <= 0:
        assert credible(told, NOON, skew) == told
    elif ahead > 3602 - min(off, 0):
        assert credible(told, NOON, skew) is None
    assert credible(None, NOON, skew) is None
    assert (credible(told, NOON, None) is None) is (off + ahead > 3600)


def test_its_date_counts_before_what_its_answers_say() -> None:
    """A time of change may be a lie; a `Date` is by the clock itself. What is off by a year is no measure."""
    seen = Measured()
    assert seen.clocks.skew("advoware") is None
    seen.clocks.wrote("advoware", NOON + timedelta(hours=5), 0.2, is_new=True)
    told = seen.clocks.skew("advoware")
    assert told is not None
    assert told.high > 3600
    seen.date(-60)
    told = seen.clocks.skew("advoware")
    assert told is not None
    assert told.high < 0
    seen.date(3e7, "espocrm")
    assert seen.clocks.skew("espocrm") is None


@pytest.mark.parametrize(("off", "behind"), [(-360.0, 360.0), (0.0, 0.0), (360.0, 0.0), (-1e7, 86400.0)])
def test_a_clock_that_is_behind_is_asked_further_back(off: float, behind: float) -> None:
    """By no more than a day: the first list would be all that there is."""
    told = Measured()
    told.date(off)
    assert told.behind == behind
    assert told.behind <= MOST_BEHIND.total_seconds()
    ((remote, shown),) = told.shown
    assert remote == "advoware"
    assert shown == pytest.approx(off, abs=0.7)


def test_remotes_are_measured_apart() -> None:
    told = Measured()
    told.date(-360, "espocrm")
    assert (told.behind, told.clocks.behind("espocrm").total_seconds()) == (0, 360)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Jun 99999 99:99:99 GMT"])
def test_a_date_that_is_nonsense_is_none(date: str | None) -> None:
    told = Measured()
    told.clocks.dated("advoware", date, 0.1)
    assert told.shown == []


def test_our_own_writes_tell_of_a_clock_behind_the_servers() -> None:
    """The web server's `Date` is right, the application's clock is not."""
    told = Measured()
    told.date(0)
    told.clocks.wrote("advoware", NOON - timedelta(seconds=360), 0.2, is_new=True)
    assert told.behind == 360
    assert told.shown[-1][1] == pytest.approx(-359.4, abs=0.1)


def test_an_update_that_changed_nothing_proves_nothing() -> None:
    """It shows when the record was changed last; a time that is ahead is one of a clock that is ahead."""
    told = Measured()
    told.clocks.wrote("advoware", NOON - timedelta(days=1), 0.2, is_new=False)
    told.clocks.wrote("advoware", None, 0.2, is_new=True)
    assert told.shown == []
    told.clocks.wrote("advoware", NOON + timedelta(seconds=360), 0.2, is_new=False)
    ((remote, shown),) = told.shown
    assert remote == "advoware"
    assert shown == pytest.approx(360.6, abs=0.1)


async def test_a_list_reaches_back_to_a_slow_remotes_time() -> None:
    """An answer tells that it is six minutes behind; from then on its list is asked for that much more."""
    asked = []
    async with ScriptedServer() as remote:
        client = EspoClient(remote.url, EspoAuth("key"), replace(PATIENT, clocks=RemoteClocks(lambda: NOON)))
        date = format_datetime(NOON - timedelta(minutes=6), usegmt=True)
        for _ in range(2):
            remote.says(200, {"list": []}, headers={"Date": date})
            assert [row async for row in EspoStore(client, "CBeteiligte").changed_since(NOON)] == []
        for each in remote.asked:
            (search,) = parse_qs(urlsplit(each.target).query)["searchParams"]
            asked.append(json.loads(search)["where"][0]["value"])
        await client.close()
    assert asked[0] == "2026-06-01 12:00:00"
    assert "2026-06-01 11:53:30" <= asked[1] <= "2026-06-01 11:54:00"
