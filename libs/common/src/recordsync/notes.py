"""Notices as notes to a user: German, with what happened, both values, what was done, and what to do. Pure.

The texts hold client data: they go to EspoCRM, and until then into the same store as the base, nowhere else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from recordsync.mapping.field import EntityMapping
from recordsync.quoting import quoted, shown
from synckit.ports import PendingNote
from synckit.reconcile.plan import EMPTY, Canonical, Decision, Notice, NoticeKind, Plan, Side

FAILED_FOR_GOOD = NoticeKind.PERMANENTLY_FAILED.value
"""The cause of the one note of a record that is tried once a day only, whatever its errors were."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the notes of a look say of its record: the entity's own words, its number in Advoware, and what it holds."""

    mapping: EntityMapping
    right_id: str = ""
    record: Canonical = field(default_factory=lambda: EMPTY)

    def text_of(self, notice: Notice) -> str:
        """What the user reads."""
        mapping = self.mapping
        party, _, row = self.right_id.partition("/")
        return {**_TEXTS, **mapping.texts}[notice.kind].format(
            label=mapping.label(notice.field),
            left=shown(mapping.shown(notice.field, notice.left)),
            right=shown(mapping.shown(notice.field, notice.right)),
            detail=notice.detail,
            party=party,
            row=row,
            what=quoted(mapping.describe(self.record)),
        )


def cause_of(notice: Notice) -> str:
    """Tells two causes apart without holding a value."""
    told = "\x1f".join(repr(v) for v in (notice.left, notice.right, notice.detail))
    digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    return ":".join(part for part in (notice.kind.value, notice.field, digest) if part)


def marker_of(left_id: str, fence: int) -> str:
    """Stands in the text and finds the note again, e.g. `(Vorgang 6633f1a2b4c5d6e7f-1f3)`. Part of no other marker."""
    return f"(Vorgang {left_id}-{fence:x})"


def announce(plan: Plan, wording: Wording, owner_id: str | None, marker: str) -> tuple[PendingNote, ...]:
    """The notes of a plan, each with the write by which one can tell that it came true."""
    decisions = {d.field: d for d in plan.decisions}
    return tuple(_pending(n, wording, owner_id, marker, decisions.get(n.field)) for n in plan.notices)


def single(notice: Notice, wording: Wording, owner_id: str | None, marker: str) -> PendingNote:
    """A note that waits for no write."""
    return PendingNote(cause_of(notice), wording.text_of(notice), marker, owner_id)


def is_due(note: PendingNote, left: Canonical, right: Canonical, reached: Collection[str] = ()) -> bool:
    """Whether a note is due: the write that it tells of has happened, or may have, judged by what the side shows now.

    `reached`: the sides at which that write is known to have arrived, though a person may have typed over its field.
    Where a person did and nothing says whether it arrived, he is told: once too often is better than never.
    """
    if not note.field or note.side in reached:
        return True
    shown = left if note.side == Side.LEFT.value else right
    if note.field not in shown:
        return False
    return shown[note.field] == note.expected or (note.lost is not None and shown[note.field] != note.lost)


def compose(notes: Sequence[PendingNote]) -> str:
    """One post for all notes of a look."""
    markers: Iterable[str] = dict.fromkeys(n.marker for n in notes)
    return "\n\n".join(n.text for n in notes) + f"\n\n{' '.join(markers)}"


def _pending(
    notice: Notice, wording: Wording, owner_id: str | None, marker: str, decision: Decision | None
) -> PendingNote:
    text = wording.text_of(notice)
    if decision is None or decision.write is None:
        return PendingNote(cause_of(notice), text, marker, owner_id)
    lost = notice.left if decision.write is Side.LEFT else notice.right
    side, written = decision.write.value, decision.written
    return PendingNote(cause_of(notice), text, marker, owner_id, decision.field, side, written, lost)


_TEXTS = {
    NoticeKind.CONFLICT: (
        "Abgleich mit Advoware: {label} wurde auf beiden Seiten geändert. EspoCRM: {left}, Advoware: {right}. "
        "Es gilt der Wert aus EspoCRM, er steht jetzt auf beiden Seiten. "
        "Ist der andere richtig, tragen Sie ihn bitte hier in EspoCRM ein."
    ),
    NoticeKind.READ_ONLY: (
        "Abgleich mit Advoware: {label} kann von EspoCRM aus nicht geändert werden. EspoCRM: {left}, "
        "Advoware: {right}. In Advoware wurde nichts geschrieben. "
        "Bitte ändern Sie das Feld am Arbeitsplatz in Advoware."
    ),
    NoticeKind.ADOPTED: (
        "Abgleich mit Advoware: {label} war verschieden, als die Datensätze verbunden wurden. EspoCRM: {left}, "
        "Advoware: {right}. Übernommen wurde der neuere Wert, im Zweifel der aus EspoCRM. "
        "Ist der andere richtig, tragen Sie ihn bitte hier in EspoCRM ein."
    ),
    NoticeKind.UNMAPPABLE: (
        "Abgleich mit Advoware: {label} steht in Advoware auf {right}; {detail}. EspoCRM behält {left}, "
        "in Advoware bleibt der Wert stehen. Sie müssen nichts tun."
    ),
    NoticeKind.OWN_TEXT: (
        "Abgleich mit Advoware: {label} wurde von Hand geschrieben und bleibt, obwohl sich die Angaben dazu geändert "
        "haben. Es steht dort: {left}. Aus den Angaben ergäbe sich: {right}. Ist der eigene Text überholt, ändern oder "
        "leeren Sie ihn bitte hier in EspoCRM."
    ),
    NoticeKind.DELETED_RIGHT: (
        "Abgleich mit Advoware: Der Beteiligte wurde in Advoware gelöscht ({detail}). In EspoCRM bleibt er erhalten "
        "und wird nicht neu angelegt. Soll er wieder nach Advoware, leeren Sie hier das Feld betnr und setzen den "
        "Status auf pending_sync; sonst löschen Sie ihn auch hier."
    ),
    NoticeKind.DELETED_LEFT: (
        "Abgleich mit Advoware: Ein Beteiligter wurde in EspoCRM gelöscht ({detail}). In Advoware bleibt er erhalten. "
        "Soll er auch dort weg, löschen Sie ihn bitte am Arbeitsplatz."
    ),
    NoticeKind.IN_USE: (
        "Abgleich mit Advoware: Ein Beteiligter wurde in EspoCRM gelöscht, in Advoware wird er aber in einer Akte "
        "verwendet und bleibt ({detail})."
    ),
    NoticeKind.BRAKE: (
        "Abgleich mit Advoware angehalten: {detail}. Auf beiden Seiten wurde nichts geschrieben. Ist das so gewollt, "
        "lassen Sie es bitte von der IT freigeben; sonst stellen Sie die Angaben wieder her."
    ),
    NoticeKind.DUPLICATE_LINK: (
        "Abgleich mit Advoware angehalten: Zwei Datensätze in EspoCRM tragen dieselbe betnr ({detail}). "
        "Bitte führen Sie die beiden zusammen oder berichtigen Sie die betnr."
    ),
    NoticeKind.NOT_SHOWN: (
        "Abgleich mit Advoware: {detail} EspoCRM nimmt auch den Status am Datensatz nicht an. "
        "Bitte informieren Sie die IT. Es wird in 24 Stunden erneut versucht."
    ),
    NoticeKind.NOT_IMPORTED: (
        "Abgleich mit Advoware: {what}, am Arbeitsplatz in Advoware eingetragen (Beteiligter Nr. {party}, Zeile "
        "Nr. {row}), konnte nicht nach EspoCRM übernommen werden: {detail}. In Advoware bleibt die Angabe stehen. "
        "Bitte informieren Sie die IT, oder ändern Sie sie am Arbeitsplatz."
    ),
    NoticeKind.NOT_TAKEN: (
        "Abgleich mit Advoware: {label} steht in Advoware auf {right}; EspoCRM nimmt den Wert nicht an und behält "
        "{left} (Feld für die Schnittstelle gesperrt?). Morgen wird es noch einmal versucht. Bitte die IT informieren "
        "oder den Wert hier selbst eintragen."
    ),
    NoticeKind.ERASED: (
        "Abgleich mit Advoware angehalten: In EspoCRM wurden personenbezogene Daten dieses Beteiligten gelöscht. In "
        "Advoware ist nichts geändert. Die IT entscheidet: python -m beteiligte_sync.explain CBeteiligte {detail} "
        "keep-advoware (Advoware behält die Daten, die Verknüpfung endet) oder carry-over (auch dort leeren)."
    ),
    NoticeKind.SWEEP: (
        "Abgleich mit Advoware angehalten: Es wurde in kurzer Zeit vieles gelöscht. Nichts davon geht weiter, bis "
        "die IT es freigibt: python -m beteiligte_sync.brake release {detail}. Die Freigabe gilt für den ganzen "
        "Tag. War es ein Versehen, stellen Sie die Datensätze bitte wieder her."
    ),
    NoticeKind.RELINKED: (
        "Abgleich mit Advoware: Die Nummer wurde von {left} auf {right} geändert. Der Datensatz gehört jetzt zu "
        "{right}; in {left} ist nichts geändert worden, auch dort eingetragene Nummern und Anschriften bleiben. Stimmt "
        "das nicht, tragen Sie bitte wieder {left} ein."
    ),
    NoticeKind.UNLINKED: (
        "Abgleich mit Advoware: Die Verknüpfung mit Nr. {detail} ist gelöst, weil die Nummer geleert und ein Abgleich "
        "verlangt wurde. Angelegt ist nichts. Bitte tragen Sie die richtige Nummer ein; soll in Advoware neu angelegt "
        "werden, setzen Sie den Status noch einmal auf pending_sync."
    ),
    NoticeKind.NUMBER_PUT_BACK: (
        "Abgleich mit Advoware: Die Nummer {detail} war geleert und steht wieder da. Soll die Verknüpfung gelöst "
        "werden, leeren Sie die Nummer und setzen zugleich den Status auf pending_sync; soll sie geändert werden, "
        "tragen Sie die richtige Nummer ein."
    ),
    NoticeKind.KIND_CHANGED: (
        "Abgleich mit Advoware: Aus der Person wurde eine Firma (oder umgekehrt). Was es dort nicht mehr gibt, ist in "
        "Advoware geleert: {detail}."
    ),
    NoticeKind.PERMANENTLY_FAILED: (
        "Abgleich mit Advoware: Der Datensatz konnte nach mehreren Versuchen nicht übertragen werden ({detail}). "
        "Er wird in 24 Stunden erneut versucht. Bitte informieren Sie die IT, wenn das öfter vorkommt."
    ),
}
