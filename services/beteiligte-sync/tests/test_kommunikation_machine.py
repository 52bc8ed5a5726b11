"""A party's communication at random: people on both sides, cut markers, hidden kommKz, crashes between any two writes,
POSTs that land late.

The oracle knows what people entered and what they took away again, and shares no code with the diff but for what a
number is.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from kommunikation_desk import MAIL, PHONE, Crash, Desk

from beteiligte_sync.entities.kommunikation.entry import PREFIX, key_of
from beteiligte_sync.entities.kommunikation.kinds import Kind

EXAMPLES = int(os.environ.get("KOMM_EXAMPLES", "200"))
ENTRIES = {MAIL: ["a@x.de", "b@x.de", "c@xn--mller-kva.de"], PHONE: ["+49711111", "+49711222", "+49711333"]}
TYPED = {
    MAIL: ["a@x.de", "A@X.de", "b@x.de", "c@müller.de", "keine"],
    PHONE: ["0711 111", "+49711111", "0711/222", "+49 (0)711 333", "nur vormittags"],
}
KZ = {MAIL: [4, 9], PHONE: [1, 2, 3, 6, 7, 8, 10]}
TYPES = ["Office", "Mobile", "Home", "Fax", "Other"]
TEXTS = ["", "Sekretariat", "  eingerückt", "x" * 240]
KINDS = st.sampled_from([MAIL, PHONE])
NUMBER = st.integers(0, 6)


class Communication(RuleBasedStateMachine):
    """`alive`: what people entered and nobody took away, as (kind, key), or (kind, text) for mere words."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.alive: set[tuple[Kind, str]] = set()
        self.texts: dict[str, str] = {}
        self.entered_left = 0
        self.seen_left: set[tuple[Kind, str]] = set()
        self.seen_rows: set[tuple[str, str]] = set()

    # -- people in EspoCRM

    @rule(kind=KINDS, which=NUMBER, phone_type=st.sampled_from(TYPES), primary=st.booleans(), opt_out=st.booleans())
    def adds_in_espocrm(self, kind: Kind, which: int, phone_type: str, primary: bool, opt_out: bool) -> None:
        value = ENTRIES[kind][which % 3]
        if value not in self.desk.values(kind):
            self.desk.types(kind, value, phone_type, primary=primary, opt_out=opt_out)
            self._claim(kind, value)

    @rule(kind=KINDS, which=NUMBER, other=NUMBER)
    def changes_in_espocrm(self, kind: Kind, which: int, other: int) -> None:
        entries, value = self.desk.left[kind], ENTRIES[kind][other % 3]
        if not entries or value in {e.key for e in entries}:
            return
        old = entries[which % len(entries)]
        self.desk.store_left(kind, [replace(e, value=value) if e is old else e for e in entries])
        self.alive.discard((kind, old.key))
        self._claim(kind, value)

    @rule(kind=KINDS, which=NUMBER)
    def removes_in_espocrm(self, kind: Kind, which: int) -> None:
        entries = self.desk.left[kind]
        if entries:
            old = entries[which % len(entries)]
            self.desk.store_left(kind, [e for e in entries if e is not old])
            self.alive.discard((kind, old.key))

    @rule(kind=KINDS, which=NUMBER, phone_type=st.sampled_from(TYPES), opt_out=st.booleans(), invalid=st.booleans())
    def flags_in_espocrm(self, kind: Kind, which: int, phone_type: str, opt_out: bool, invalid: bool) -> None:
        entries = self.desk.left[kind]
        if entries:
            old = entries[which % len(entries)]
            new = replace(old, type=phone_type if kind is PHONE else "", opt_out=opt_out, invalid=invalid)
            self.desk.store_left(kind, [new if e is old else e for e in entries])

    # -- people at a desk

    @rule(kind=KINDS, which=NUMBER, kz=NUMBER, text=st.sampled_from(TEXTS))
    def adds_at_a_desk(self, kind: Kind, which: int, kz: int, text: str) -> None:
        typed = TYPED[kind][which % 5]
        row = self.desk.enters(KZ[kind][kz % len(KZ[kind])], typed, text)
        self.texts[row] = text
        self._entered(kind, row, typed)

    @rule(which=NUMBER, other=NUMBER)
    def changes_at_a_desk(self, which: int, other: int) -> None:
        row = self._row(which)
        if row is None:
            return
        kind = self._kind(row)
        typed = TYPED[kind][other % 5]
        if _key(kind, typed) == _key(kind, self.desk.rows[row]["tlf"]):
            self.desk.edits(row, tlf=typed)
            return
        self._leaves(row)
        self.desk.edits(row, tlf=typed)
        self._entered(kind, row, typed)

    @rule(which=NUMBER)
    def empties_at_a_desk(self, which: int) -> None:
        row = self._row(which)
        if row is not None:
            self._leaves(row)
            self.desk.edits(row, tlf="")

    @rule(which=NUMBER)
    def deletes_at_a_desk(self, which: int) -> None:
        row = self._row(which)
        if row is not None:
            self._leaves(row)
            del self.desk.rows[row]
            self.texts.pop(row, None)

    @rule(which=NUMBER, text=st.sampled_from(TEXTS), cut=st.integers(0, 40), keep=st.booleans())
    def writes_or_cuts_a_bemerkung(self, which: int, text: str, cut: int, keep: bool) -> None:
        """The user's own text anew, behind our marker, instead of it, or behind what a cut left of it."""
        row = self._row(which)
        if row is None or (row in self.texts and not self.desk.rows[row]["bemerkung"].startswith("[ESPOCRM")):
            return
        self.entered_left += row not in self.desk.known
        marked = self.desk.rows[row]["bemerkung"].partition("]")[0] + "]"
        if keep and len(marked) + 1 + len(text) <= 255:
            self.desk.edits(row, bemerkung=f"{marked} {text}" if text else marked)
        elif cut > 8:
            text = ""
            self.desk.edits(row, bemerkung=marked[:cut])
        else:
            self.desk.edits(row, bemerkung=text)
        self.texts[row] = text

    @rule(which=NUMBER, kz=NUMBER)
    def says_at_a_desk_what_kind_of_number_it_is(self, which: int, kz: int) -> None:
        row = self._row(which)
        if row is not None and self._kind(row) is PHONE:
            self.desk.edits(row, kommKz=KZ[PHONE][kz % 6])

    # -- us

    @rule()
    def looks(self) -> None:
        self._look()

    @rule(point=st.integers(0, 9))
    def is_killed(self, point: int) -> None:
        left = [point]

        def step() -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        self._look(step)

    @rule()
    def a_post_has_no_answer(self) -> None:
        self.desk.is_slow = True
        self._look()
        self.desk.is_slow = False

    @rule()
    def what_had_no_answer_lands(self) -> None:
        self.desk.arrive()

    @rule()
    def what_had_no_answer_never_lands(self) -> None:
        """That is certain once Advoware's time-out is over: then it is posted once more."""
        self.entered_left += len(self.desk.under_way)
        self.desk.under_way.clear()

    @rule()
    def our_table_is_lost(self) -> None:
        """Then the markers and the values themselves must do."""
        self._rests()
        if any(self._without_a_row(kind) for kind in (MAIL, PHONE)):
            return
        self.desk.known.clear()
        self.desk.attempted = ()
        self._look()

    @invariant()
    def no_row_too_many(self) -> None:
        assert self.desk.posts <= self.entered_left

    @invariant()
    def a_users_text_is_as_he_wrote_it(self) -> None:
        for row, text in self.texts.items():
            bemerkung = self.desk.rows[row]["bemerkung"]
            assert bemerkung.endswith(text)
            before = bemerkung[: len(bemerkung) - len(text)]
            assert before == "" or before.startswith("[ESPOCRM")

    def teardown(self) -> None:
        self._rests()

    # -- the oracle

    def _look(self, step: Callable[[], None] = lambda: None) -> None:
        self.desk.step = step
        whole = False
        with suppress(Crash):
            if self.desk.look().held:
                self.desk.look(confirmed=True)
            whole = True
        self.desk.step = lambda: None
        self._remember(whole=whole)

    def _rests(self) -> None:
        self.desk.arrive()
        self._look()
        before = (self.desk.puts, self.desk.posts, self.desk.left_writes)
        self._look()
        assert (self.desk.puts, self.desk.posts, self.desk.left_writes) == before, "the second run wrote something"
        told = self._told()
        for kind, value in self.alive:
            if (kind, value) in told:
                continue
            assert value in self._on_the_right(kind), f"lost in Advoware: {value}"
            if key_of(kind, value) is not None:
                assert value in {e.key for e in self.desk.left[kind]}, f"lost in EspoCRM: {value}"
        for kind in (MAIL, PHONE):
            left = {e.key for e in self.desk.left[kind]}
            right = {v for v in self._on_the_right(kind) if key_of(kind, v) is not None}
            assert right <= left
            assert left - right <= self._without_a_row(kind)
            assert [e.primary for e in self.desk.left[kind]].count(True) == min(1, len(left))
        # What was told is told: from here on only what both sides hold counts.
        self.alive = {
            (kind, value) for kind, value in self.alive if (kind, value) not in told or self._is_there(kind, value)
        }
        self.desk.told.clear()

    def _is_there(self, kind: Kind, value: str) -> bool:
        left = {e.key for e in self.desk.left[kind]}
        return value in self._on_the_right(kind) and (key_of(kind, value) is None or value in left)

    def _told(self) -> set[tuple[Kind, str]]:
        return {(t.kind, _key(t.kind, v)) for t in self.desk.told for v in (t.left, t.right) if v}

    def _without_a_row(self, kind: Kind) -> set[str]:
        """Entries whose number a desk turned into words, or whose rows are gone all at once: told."""
        rows = self.desk.rows
        return {
            k.key
            for row, k in self.desk.known.items()
            if k.key and k.kind is kind and (row not in rows or key_of(kind, rows[row]["tlf"]) is None)
        }

    def _on_the_right(self, kind: Kind) -> set[str]:
        return {
            _key(kind, stored["tlf"])
            for row, stored in self.desk.rows.items()
            if stored["tlf"] and self._kind(row) is kind
        }

    def _kind(self, row: str) -> Kind:
        return MAIL if self.desk.rows[row]["kommKz"] in (4, 9) else PHONE

    def _row(self, which: int) -> str | None:
        rows = list(self.desk.rows)
        return rows[which % len(rows)] if rows else None

    def _entered(self, kind: Kind, row: str, typed: str) -> None:
        if (row, _key(kind, typed)) not in self.seen_rows:
            self.alive.add((kind, _key(kind, typed)))

    def _claim(self, kind: Kind, value: str) -> None:
        """Entered in EspoCRM. What was there at the last look and is there again never changed, for one who looks."""
        self.entered_left += 1
        if (kind, value) not in self.seen_left:
            self.alive.add((kind, value))

    def _remember(self, *, whole: bool) -> None:
        left = {(kind, e.key) for kind in (MAIL, PHONE) for e in self.desk.left[kind]}
        rows = {(row, _key(self._kind(row), stored["tlf"])) for row, stored in self.desk.rows.items()}
        self.seen_left = left if whole else self.seen_left | left
        self.seen_rows = rows if whole else self.seen_rows | rows

    def _leaves(self, row: str) -> None:
        """What stood there was taken away by a person."""
        kind, tlf = self._kind(row), self.desk.rows[row]["tlf"]
        if row not in self.desk.known or any(a.field == PREFIX + row for a in self.desk.attempted):
            # Written by a look that was killed, and gone before anybody knew of it: that is posted once more.
            self.entered_left += 1
        if tlf:
            self.alive.discard((kind, _key(kind, tlf)))


def _key(kind: Kind, value: str) -> str:
    return key_of(kind, value) or value


Communication.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    derandomize="KOMM_EXAMPLES" not in os.environ,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestCommunication = Communication.TestCase
