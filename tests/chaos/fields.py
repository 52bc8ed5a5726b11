"""The oracle's own small table: which field of EspoCRM belongs to which of Advoware, and how a value is compared.

It shares nothing with the product's mapping: one that did would share its mistakes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | None
PERSON, COMPANY = "person", "company"


class Side(StrEnum):
    ESPO = "espocrm"
    ADVO = "advoware"

    @property
    def other(self) -> Side:
        return Side.ADVO if self is Side.ESPO else Side.ESPO


@dataclass(frozen=True)
class Pair:
    """One field on both sides. `one_way`: Advoware leads, EspoCRM's edits stay where they are and are told."""

    espo: str
    advo: str
    one_way: bool = False
    is_day: bool = False

    def on(self, side: Side) -> str:
        """The attribute's name on that side."""
        return self.espo if side is Side.ESPO else self.advo

    def canonical(self, raw: object) -> Value:
        """Trimmed; empty is None; of a day with a time only the day."""
        text = "" if raw is None else str(raw).strip()
        return (text[:10] if self.is_day else text) or None


_BOTH_KINDS = (
    Pair("titel", "titel"),
    Pair("zusatz", "zusatz"),
    Pair("briefAnrede", "bAnrede"),
    Pair("salutationName", "anrede"),
    Pair("dateOfBirth", "geburtsdatum", is_day=True),
    Pair("geburtsname", "geburtsname", one_way=True),
    Pair("familienstand", "familienstand", one_way=True),
    Pair("registergericht", "registergericht", one_way=True),
)
PAIRS: Mapping[str, tuple[Pair, ...]] = {
    PERSON: (Pair("lastName", "name"), Pair("firstName", "vorname"), *_BOTH_KINDS),
    COMPANY: (Pair("firmenname", "name"), Pair("rechtsform", "rechtsform"), *_BOTH_KINDS),
}


def kind_of(espo_values: Mapping[str, object]) -> str:
    """Person or company, as EspoCRM's record says. Nobody here ever changes it."""
    return COMPANY if espo_values.get("firmenname") else PERSON
