"""The report of `recordsync.explain`: which words, from frozen findings alone."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from recordsync.explain.as_json import document
from recordsync.explain.commands import FORGET_LINK, RELEASE_BRAKE, SYNC_NOW, propose
from recordsync.explain.findings import Findings, Found, Remembered, Scan
from recordsync.explain.render import WIDTH, plain, show
from recordsync.explain.report import Report, explain, last_look, writes
from recordsync.explain.words import clean, span
from recordsync.mapping.codecs import DAY, choice
from recordsync.mapping.field import Attribute, EntityMapping, Field
from recordsync.memory.look import RELEASED
from synckit.events import Action, ChangeEvent, Origin, Record, encode
from synckit.ports import (
    BRAKED,
    Attempted,
    BrakeState,
    Intent,
    JournalEntry,
    Link,
    Parked,
    PendingNote,
    RecordState,
    Snapshot,
)
from synckit.reconcile.plan import Base, Direction, Side

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MAPPING = EntityMapping(
    entity="beteiligte",
    left_type="CBeteiligte",
    right_type="Beteiligte",
    fields=(
        Field("name", Attribute("lastName"), Attribute("name", 8), "Name", essential=True),
        Field("vorname", Attribute("firstName"), Attribute("vorname"), "Vorname"),
        Field("geboren", Attribute("born"), Attribute("geboren"), "Geburtsdatum", DAY),
        Field("titel", Attribute("titel"), Attribute("titel"), "Titel", direction=Direction.TO_RIGHT),
        Field("stand", Attribute("stand"), Attribute("stand"), "Familienstand", direction=Direction.TO_LEFT),
        Field("anrede", Attribute("anrede"), Attribute("anrede"), "Anrede", choice(frozenset({"Herr", "Frau"}))),
        Field("konto", Attribute("konto"), Attribute("konto"), "Konto", shown=lambda v: f"…{str(v)[-4:]}"),
    ),
    kind_of=lambda _: "",
    kind_fields=frozenset(),
    right_writable=("name", "vorname", "geboren", "titel", "anrede", "konto"),
    link_attribute="betnr",
    link_is_number=True,
)
ATTRIBUTES = ("lastName", "firstName", "born", "titel", "stand", "anrede", "konto")
RIGHT = ("name", "vorname", "geboren", "titel", "stand", "anrede", "konto")
LINK = Link("p1", "101")


def left(**values: Any) -> Snapshot:
    told = {"lastName": "Probe", "firstName": "Paula", "syncStatus": "clean", "betnr": 101, **values}
    return Snapshot("p1", {**dict.fromkeys(ATTRIBUTES), **told})


def right(**values: Any) -> Snapshot:
    return Snapshot("101", {**dict.fromkeys(RIGHT), "name": "Probe", "vorname": "Paula", **values}, version="r1")


def base() -> Base:
    return Base(MAPPING.read(Side.LEFT, left().payload), MAPPING.read(Side.RIGHT, right().payload))


def state(**parts: Any) -> RecordState:
    return RecordState(**{"fence": 7, "link": LINK, "base": base(), **parts})


def findings(
    on_left: Snapshot | None = None,
    on_right: Snapshot | None = None,
    memory: RecordState | None = None,
    journal: tuple[tuple[int, JournalEntry], ...] = (),
    **parts: Any,
) -> Findings:
    remembered = Found(Remembered(memory or state(), {"base": NOW - timedelta(days=2)}, journal))
    known = {"left": Found(on_left or left()), "right": Found(on_right or right()), "right_id": "101", **parts}
    return Findings("p1", NOW, **{"memory": remembered, **known})


def told(found: Findings) -> str:
    return plain(explain(found, MAPPING))


def words(found: Findings) -> Report:
    return explain(found, MAPPING)


def rule(found: Findings, label: str) -> str:
    return next(row.words for row in words(found).forecast.rows if row.label == label)


def test_two_sides_in_step_need_nothing_and_say_so() -> None:
    report = words(findings())
    assert report.summary == ("Beide Seiten sind im Einklang.",)
    assert report.forecast.kind == "nothing"
    assert report.forecast.lines == ("Nichts zu schreiben. 2 Aufrufe, beide lesend.",)


@pytest.mark.parametrize(
    ("on_left", "on_right", "label", "words_of_rule"),
    [
        ({"firstName": "Pauline"}, {}, "Vorname", "in EspoCRM geändert; geht nach Advoware"),
        ({}, {"vorname": "Pauline"}, "Vorname", "in Advoware geändert; geht nach EspoCRM"),
        ({"firstName": "A"}, {"vorname": "B"}, "Vorname", "auf beiden Seiten geändert; EspoCRM gilt"),
        ({"firstName": "A"}, {"vorname": "A"}, "Vorname", "beide stimmen überein"),
        ({}, {"titel": "Dr."}, "Titel", "in Advoware abgewichen; EspoCRM führt dieses Feld"),
        ({"stand": "ledig"}, {}, "Familienstand", "nur in EspoCRM geändert; von hier aus nicht änderbar"),
        ({"stand": "x"}, {"stand": "y"}, "Familienstand", "auf beiden Seiten geändert; Advoware führt dieses Feld"),
        ({"lastName": "Sehr lang!"}, {}, "Name", "ist länger als 8 Zeichen; wird nicht geschrieben"),
        ({}, {"anrede": "Divers"}, "Anrede", "ohne Entsprechung"),
    ],
)
def test_each_rule_has_its_words(
    on_left: dict[str, Any], on_right: dict[str, Any], label: str, words_of_rule: str
) -> None:
    assert words_of_rule in rule(findings(left(**on_left), right(**on_right)), label)


def test_what_would_be_written_is_said_with_both_values_and_the_number_of_calls() -> None:
    lines = words(findings(left(firstName="Pauline", born="1980-02-03"))).forecast.lines
    assert lines == (
        "Advoware: Vorname Paula → Pauline",
        "Advoware: Geburtsdatum (leer) → 03.02.1980",
        "4 Aufrufe, davon 2 lesend.",
    )


def test_a_base_is_shown_where_a_side_looks_otherwise_today() -> None:
    text = told(findings(left(firstName="Pauline")))
    assert "Pauline" in text
    assert "bisher Paula" in text


def test_a_side_that_did_not_show_a_field_is_not_called_empty() -> None:
    shorter = Snapshot("101", {k: v for k, v in right().payload.items() if k != "vorname"})
    found = findings(on_right=shorter)
    assert rule(found, "Vorname") == "eine Seite zeigt das Feld nicht; bleibt"
    assert "(nicht zu sehen)" in told(found)


def test_fields_without_a_base_say_which_side_wins() -> None:
    found = findings(left(firstName="A"), right(vorname="B"), memory=state(link=None, base=Base()))
    report = words(found)
    assert report.forecast.kind == "adopt"
    assert report.forecast.lines[0] == "Mit Advoware Nr. 101 verbinden."
    assert rule(found, "Vorname") == "ohne Basis verschieden; EspoCRM gilt"


def test_the_brake_holds_and_only_a_held_record_can_be_released() -> None:
    held = findings(on_right=right(name=""))
    report = words(held)
    assert report.forecast.kind == "held"
    assert "Name würde geleert (EspoCRM)" in report.summary[0]
    assert "release-brake" in told(held)
    proposal = propose(RELEASE_BRAKE, held, report)
    assert proposal.refusal == ""
    assert "EspoCRM: Name → (leer)" in proposal.lines
    quiet = findings()
    assert propose(RELEASE_BRAKE, quiet, words(quiet)).refusal.startswith("Nichts freizugeben")


def test_a_released_brake_lets_the_forecast_write() -> None:
    report = words(findings(on_right=right(name=""), memory=state(notes=frozenset({RELEASED}))))
    assert report.forecast.kind == "update"
    assert report.forecast.lines[0] == "Die Bremse ist für diesen einen Abgleich freigegeben."


def test_our_own_half_done_write_is_not_called_a_persons_edit() -> None:
    attempted = (Attempted("vorname", "right", "Pauline", "Pauline"),)
    found = findings(left(firstName="Pauline"), right(vorname="Pauline"), memory=state(attempted=attempted))
    assert rule(found, "Vorname") == "unverändert"


def test_a_parked_record_says_why_and_until_when() -> None:
    parked = Parked("p1", 3, NOW + timedelta(minutes=15), "remote_unavailable")
    report = words(findings(memory=state(parked=parked)))
    assert report.summary[0] == (
        "Der Datensatz ist zurückgestellt: ein System war nicht erreichbar. "
        "Nächster Versuch 01.06.2026 14:15:00 (in 15 Minuten); bisher 3 Anläufe."
    )


@pytest.mark.parametrize(
    ("parts", "kind", "piece"),
    [
        ({"memory": Found(trouble="x")}, "unknown", "PostgreSQL"),
        ({"left": Found(trouble="x")}, "unknown", "bis EspoCRM wieder antwortet"),
        ({"right": Found(trouble="x")}, "unknown", "bis Advoware wieder antwortet"),
        ({"left": Found()}, "left_gone", "BETEILIGTE_DELETE"),
        ({"right": Found()}, "right_gone", "deleted_in_advoware"),
        ({"rivals": ("p9",)}, "contested", "trägt auch p9"),
    ],
)
def test_what_is_missing_decides_what_a_sync_would_do(parts: dict[str, Any], kind: str, piece: str) -> None:
    forecast = words(replace(findings(), **parts)).forecast
    assert forecast.kind == kind
    assert piece in " ".join(forecast.lines)


@pytest.mark.parametrize(
    ("tombstone", "parts", "kind"),
    [
        ("right_gone", {}, "right_gone"),
        ("right_gone", {"right_id": "102", "left": Found(left(betnr=102))}, "decided"),
        ("right_gone", {"right_id": None, "left": Found(left(betnr=None, syncStatus="pending_sync"))}, "decided"),
        ("left_deleted", {"left": Found()}, "left_deleted"),
        ("duplicate", {"owner": "p9"}, "contested"),
        ("duplicate", {}, "decided"),
    ],
)
def test_a_tombstone_stays_until_a_person_decides(tombstone: str, parts: dict[str, Any], kind: str) -> None:
    found = findings(memory=state(link=replace(LINK, tombstone=tombstone)))
    assert words(replace(found, **parts)).forecast.kind == kind


def test_a_record_without_number_and_link_would_be_created_with_its_values() -> None:
    found = findings(left(betnr=None), memory=state(link=None, base=Base()), right=Found(), right_id=None)
    forecast = words(found).forecast
    assert forecast.kind == "create"
    assert "Name Probe; Vorname Paula" in forecast.lines[1]
    intent = Intent("p1", {}, NOW - timedelta(minutes=1))
    again = words(replace(found, memory=Found(Remembered(state(link=None, base=Base(), intent=intent)))))
    assert again.forecast.lines[0].startswith("Zuerst in Advoware nachsehen")
    assert "es kann angekommen sein" in plain(again)


def test_a_record_that_advoware_cannot_hold_names_the_field_and_not_the_value() -> None:
    bare = state(link=None, base=Base())
    found = findings(left(betnr=None, lastName="Quittenbaum"), memory=bare, right=Found(), right_id=None)
    lines = words(found).forecast.lines
    assert lines == ("Nicht anlegen: Name: ist länger als 8 Zeichen (Advoware). Bitte korrigieren.",)


def test_a_child_waits_for_its_parent() -> None:
    found = replace(findings(memory=state(link=None)), right_id=None, waits_for_parent=True)
    assert words(found).forecast.kind == "waits_for_parent"


def test_an_event_waits_and_a_message_that_is_none_is_named() -> None:
    event = ChangeEvent("beteiligte", "p1", Action.UPDATE, Origin.TICKER, NOW, ("lastName",))
    scan = Scan((encode(event), Record(b"p1", b"?", ())), 9, 4)
    text = told(replace(findings(), waiting=Found(scan)))
    assert "regelmäßige Prüfung, geändert: lastName." in text
    assert "kein Ereignis ist" in text
    assert "4 weitere Ereignisse der Warteschlange wurden nicht durchgesehen." in text


def test_dead_letters_say_when_why_and_how_far_was_looked() -> None:
    headers = (("dlq_at", NOW.isoformat().encode()), ("dlq_reason", b"invalid_event"), ("dlq_message", b"no id"))
    text = told(replace(findings(), buried=Found(Scan((Record(b"p1", b"", headers),), 500, 20))))
    assert "1 Nachricht ließ sich nicht verarbeiten" in text
    assert "die Nachricht war nicht so, wie sie sein muss" in text
    assert "Durchgesehen: 500 Nachrichten der letzten 90 Tage; 20 ältere nicht." in text


def test_a_held_lock_and_open_notes_are_told() -> None:
    pending = (PendingNote("conflict:vorname:ab12", "…", "Vorgang 1"),)
    found = findings(memory=state(notes=frozenset({"brake:ab12cd"}), pending=pending), lock=Found(11.6))
    text = told(found)
    assert "Gerade arbeitet jemand daran." in text
    assert "Sperre: belegt, läuft in 12 s ab" in text
    assert "von der Bremse angehalten." in text
    assert "Noch nicht zugestellt: Vorname: auf beiden Seiten geändert." in text
    assert "ab12" not in text


def entry(step: str, name: str = "", side: str = "", event_id: str = "e1") -> JournalEntry:
    return JournalEntry(NOW, step, name, side, event_id=event_id)


def test_fields_written_in_a_row_are_one_call_until_one_comes_again() -> None:
    rows = [entry("write", name, "right") for name in ("name", "vorname")] + [entry("write", "titel", "left")]
    assert writes(rows) == {"right": 1, "left": 1}
    assert writes([*rows, entry("write", "titel", "left")]) == {"right": 1, "left": 2}
    assert writes([entry("created", side="right"), entry("write", "titel", "right")]) == {"right": 2}
    assert writes([entry("held"), entry("failed")]) == {}


def test_the_last_look_is_the_newest_event_and_never_an_operators_line() -> None:
    journal = [
        (9, entry("operator_sync_now", event_id="e2")),
        (8, entry("write", "name", "right")),
        (7, entry("write", "vorname", "left")),
        (6, entry("created", side="right", event_id="e0")),
    ]
    assert [each.field for each in last_look(journal)] == ["vorname", "name"]
    without_id = [(8, entry("write", "name", "right", "")), (7, entry("write", "titel", "right", ""))]
    assert [each.field for each in last_look(without_id)] == ["name"]
    assert last_look([]) == ()


def test_a_look_of_an_operator_is_in_the_journal_with_who_did_it() -> None:
    line = JournalEntry(NOW, "operator_release_brake", rule="anna@desk-3")
    text = told(findings(journal=((9, line),)))
    assert "Bremse von Hand freigegeben" in text
    assert "anna@desk-3" in text


def test_no_value_can_play_with_the_terminal() -> None:
    assert clean("a\x1b[31mb\u202ec\nd") == "a‹1b›[31mb‹202e›c ⏎ d"
    text = told(findings(left(firstName="[bold]x\x1b[2J[/bold]")))
    assert "\x1b" not in text
    assert "[bold]x‹1b›[2J[/bold]" in text


def test_an_account_number_is_masked_everywhere() -> None:
    found = findings(left(konto="DE02120300000000202051"))
    report = words(found)
    shown = plain(report) + json.dumps(document(report, found, MAPPING)["fields"])
    assert "…2051" in shown
    assert "DE0212030000" not in shown


def test_no_line_is_wider_than_a_hundred_columns() -> None:
    found = findings(left(firstName="Wort " * 60, titel="x" * 300), right(vorname="y " * 90))
    assert max(len(line) for line in told(found).splitlines()) <= WIDTH


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_frames_and_a_pipe_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "180")
    report = words(findings(left(firstName="Pauline")))
    terminal, pipe = Terminal(), io.StringIO()
    show(report, terminal)
    show(report, pipe)
    assert "╭" in terminal.getvalue()
    assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()) <= WIDTH
    assert pipe.getvalue() == plain(report)
    assert "╭" not in pipe.getvalue()


def test_the_document_for_programs_is_json_and_complete() -> None:
    parked = Parked("p1", 1, NOW, "locked")
    rows = ((8, entry("write", "name", "right")),)
    found = findings(left(born=date(1980, 2, 3).isoformat()), memory=state(parked=parked), journal=rows)
    shown = json.loads(json.dumps(document(words(found), found, MAPPING)))
    assert shown["right_id"] == "101"
    assert shown["memory"]["parked"]["reason"] == "locked"
    assert shown["forecast"]["plan"]["right_writes"] == {"geboren": "1980-02-03"}
    assert shown["last_sync"] == {"journal_rows": 1, "writes": {"right": 1}}
    assert [row["name"] for row in shown["fields"]] == [f.name for f in MAPPING.fields]


def test_a_record_that_nobody_knows_is_unknown_and_one_in_doubt_is_not() -> None:
    nothing = Findings("p1", NOW, Found(Remembered(RecordState(3))), Found(), right_id=None)
    assert not nothing.is_known
    assert replace(nothing, left=Found(trouble="away")).is_known
    assert replace(nothing, buried=Found(Scan((Record(b"p1", b"", ()),), 1, 0))).is_known
    assert replace(nothing, memory=Found(Remembered(RecordState(3, parked=Parked("p1", 1, NOW, "x"))))).is_known


def test_forgetting_is_refused_while_a_creation_is_announced_unless_forced() -> None:
    intent = Intent("p1", {}, NOW)
    found = findings(memory=state(intent=intent))
    refused = propose(FORGET_LINK, found, words(found))
    assert "--force" in refused.refusal
    forced = propose(FORGET_LINK, found, words(found), force=True)
    assert forced.refusal == ""
    assert "sieht zuerst dort nach" in forced.lines[-1]


def test_forgetting_says_that_the_number_links_them_again() -> None:
    found = findings()
    assert "verbindet der nächste Abgleich die beiden wieder" in " ".join(
        propose(FORGET_LINK, found, words(found)).lines
    )
    bare = findings(memory=state(link=None))
    assert propose(FORGET_LINK, bare, words(bare)).refusal == "Es gibt keine Verknüpfung."


def test_without_our_memory_no_command_is_carried_out() -> None:
    found = replace(findings(), memory=Found(trouble="away"))
    assert all(propose(name, found, words(found)).refusal for name in (SYNC_NOW, RELEASE_BRAKE, FORGET_LINK))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 Sekunde"), (59, "59 Sekunden"), (60, "1 Minute"), (7200, "2 Stunden"), (1e6, "11 Tagen")],
)
def test_a_span_is_rough(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=-seconds)) == text


def test_a_source_that_is_not_believed_is_named_with_what_waits_for_it() -> None:
    parked = Parked("p1", 0, NOW + timedelta(minutes=5), BRAKED, "advoware")
    brakes = Found((BrakeState("advoware", NOW, counted=7, allowed=5, held=2), BrakeState("espocrm")))
    report = explain(findings(left(), right(name=None), state(parked=parked), brakes=brakes), MAPPING)
    text = " ".join(plain(report).split())
    assert "Advoware wird gerade nicht geglaubt" in text
    assert "7 Datensätze würden etwas verlieren, erlaubt sind 5. Es warten 2." in text
    assert "Die Bremse für EspoCRM" not in text


def test_a_party_that_is_gone_by_a_word_that_is_not_believed_is_held_and_can_be_released() -> None:
    parked = Parked("p1", 0, NOW + timedelta(minutes=5), BRAKED, "advoware")
    gone = replace(findings(left(), right(), state(parked=parked)), right=Found())
    report = explain(gone, MAPPING)
    assert report.forecast.kind == "held"
    proposal = propose(RELEASE_BRAKE, gone, report)
    assert not proposal.refusal
    assert any("deleted_in_advoware" in line for line in proposal.lines)
    meant = replace(gone, memory=Found(Remembered(state(parked=parked, notes=frozenset({RELEASED})))))
    assert explain(meant, MAPPING).forecast.kind == "right_gone"


def test_what_the_other_side_refused_is_no_note_to_anybody() -> None:
    told = plain(explain(findings(left(), right(), state(notes=frozenset({"refused:name"}))), MAPPING))
    assert "refused" not in told
