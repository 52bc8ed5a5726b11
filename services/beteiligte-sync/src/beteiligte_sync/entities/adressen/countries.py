"""Countries: what EspoCRM's users write, ↔ ISO 3166 alpha-2. Names are those of the CLDR, by way of Babel."""

from __future__ import annotations

from babel import Locale

from synckit.mapping.codecs import Codec
from synckit.reconcile.plan import Value
from synckit.reconcile.policy import Unmappable

NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
"""Two letters in the CLDR that are no country."""
OTHERWISE = {"brd": "DE", "england": "GB", "holland": "NL", "usa": "US", "türkei": "TR", "tschechische republik": "CZ"}
"""What people write besides the names."""


def _names(language: str) -> dict[str, str]:
    territories = Locale.parse(language).territories
    return {code: name for code, name in territories.items() if len(code) == 2 and code.isalpha()}


GERMAN = {code: name for code, name in _names("de").items() if code not in NO_COUNTRIES}
"""Code → the name that EspoCRM is given."""
CODES = {
    **{code.casefold(): code for code in GERMAN},
    **{name.casefold(): code for code, name in _names("en").items() if code in GERMAN},
    **OTHERWISE,
    **{name.casefold(): code for code, name in GERMAN.items()},
}


def to_code(value: Value) -> Value:
    """A name in German or English, or the code itself."""
    if value is None:
        return None
    code = CODES.get(str(value).casefold())
    if code is None:
        raise Unmappable("ist kein Name eines Landes")
    return code


def to_name(value: Value) -> Value:
    """The German name."""
    if value is None:
        return None
    name = GERMAN.get(str(value).upper())
    if name is None:
        raise Unmappable("das ist kein bekanntes Länderkürzel")
    return name


COUNTRY = Codec(to_right=to_code, to_left=to_name, options=frozenset(GERMAN.values()), right_options=frozenset(GERMAN))
