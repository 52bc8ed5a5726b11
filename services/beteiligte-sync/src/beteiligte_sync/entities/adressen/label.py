"""The label of an address: composed of its parts, and told from one that somebody wrote. Pure."""

from __future__ import annotations

from beteiligte_sync.entities.adressen.countries import country_of
from recordsync.mapping.codecs import Codec
from synckit.reconcile.plan import Canonical, Value
from synckit.text import clean, squeezed

HOME = "DE"


def composed(record: Canonical) -> Value:
    """Street, postal code and place, and the country abroad."""
    place = " ".join(str(record[name]) for name in ("plz", "ort") if record.get(name))
    country = record.get("land")
    abroad = None if country is None or country_of(str(country)) == HOME else country
    label = "\n".join(str(line) for line in (record.get("strasse"), place, abroad) if line)
    return clean(label) or None


def same_label(one: Value, other: Value) -> bool:
    """Whether letters would go to the same place: the lines, and the country where it is named.

    "Deutschland" as the last line says what its absence says, too.
    """
    return one == other or (one is not None and other is not None and _parts(str(one)) == _parts(str(other)))


def _parts(label: str) -> tuple[tuple[str, ...], str]:
    lines = [line for each in label.split("\n") if (line := squeezed(each))]
    country = country_of(lines[-1]) if len(lines) > 1 else None
    return tuple(lines[:-1] if country else lines), country or HOME


LABEL = Codec(alike=same_label)
