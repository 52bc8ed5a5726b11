"""Countries: what people write, ↔ ISO 3166 alpha-2. Names and older codes are those of the CLDR, by way of Babel.

Left: a user's own word is kept; a new one is the German name. Right: read as the code, however a desk wrote it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global

from recordsync.mapping.codecs import TEXT, Codec
from synckit.reconcile.plan import Value
from synckit.reconcile.policy import Unmappable
from synckit.text import clean

NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})
"""Two letters in the CLDR that are no country."""
LANGUAGES = ("en", "de")
"""Those whose names are known. Where two would differ, the later one counts."""
OTHERWISE = """
AE VAE, Emirate, UAE; AT A, Republik Österreich; BA Bosnien, Bosnia, Bosnien-Herzegowina; BE B; BN Brunei Darussalam;
BQ Bonaire; BY Weißrussland, White Russia; CD Congo Democratic Republic, DR Congo, Democratic Republic of the Congo,
Zaire, Demokratische Republik Kongo, DR Kongo; CG Congo, Kongo, Republic of the Congo, Republik Kongo; CH
Schweizerische Eidgenossenschaft, Swiss; CI Elfenbeinküste, Ivory Coast; CN Volksrepublik China, VR China, People's
Republic of China; CV Cape Verde, Kapverden, Kapverdische Inseln; CZ Czech Republic, Tschechische Republik, Tschechei;
DE D, BRD, Bundesrepublik, Bundesrepublik Deutschland, Federal Republic of Germany; ES E; FI Suomi; FK Falkland
Islands, Malvinas; FM Micronesia Federated States of; FR F; GB Großbritannien, Great Britain, Britain, England,
Schottland, Scotland, Wales, Nordirland, Northern Ireland, Vereinigtes Königreich Großbritannien und Nordirland,
United Kingdom of Great Britain and Northern Ireland; GS South Georgia and South Sandwich Islands; HK Hong Kong,
Hongkong; HM Heard Island and McDonald Islands; IE Republik Irland, Republic of Ireland, Eire; IR Islamic Republic of
Iran, Persien; IT I; KG Kirgistan, Kirgisien; KP Korea Democratic People's Republic of, Demokratische Volksrepublik
Korea; KR Korea Republic of, Republik Korea, Republic of Korea, Korea; LA Lao People's Democratic Republic; LI FL; LU
L; MD Moldova, Moldawien, Republic of Moldova; MF Saint Martin, St. Martin; MK Macedonia, Mazedonien, Former Yugoslav
Republic of Macedonia, FYROM; MM Myanmar, Burma, Birma; MO Macau, Macao; NL Holland, The Netherlands; PM Saint Pierre
and Miquelon; PN Pitcairn; PS Palästina, Palestine, State of Palestine; PT P; RU Russische Föderation, Russian
Federation; SA Königreich Saudi-Arabien; SE S; SH Saint Helena; SK Slowakische Republik, Slovak Republic; ST Sao Tome
and Principe; SX Sint Maarten; SY Syrian Arab Republic; SZ Swaziland, Swasiland; TL East Timor, Osttimor; TR Turkey,
Republik Türkei, Republic of Türkiye; TW Republic of China, Taiwan Province of China; TZ United Republic of Tanzania;
UM United States Minor Outlying Islands; US USA, United States of America, Vereinigte Staaten von Amerika, America,
Amerika; VA Vatikan, Vatikanstadt, Holy See, Heiliger Stuhl, Vatican; VE Bolivarian Republic of Venezuela; VG British
Virgin Islands; VI United States Virgin Islands, US Virgin Islands; VN Viet Nam
"""
"""Code, and what people write besides the names: EspoCRM's own list, older names, signs of cars."""
_WORDS = {"st": "saint", "sankt": "saint", "und": "and", "the": ""}
"""Small words that stand for one another, or for nothing."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def country_of(text: str) -> str | None:
    """The code of a name in German or English, of another code (alpha-3, number), of a former name; else None."""
    return _CODES.get(_key(text))


def to_code(value: Value) -> Value:
    """The code of what a user of EspoCRM wrote."""
    if value is None:
        return None
    code = country_of(str(value))
    if code is None:
        raise Unmappable("ist kein Name eines Landes")
    return code


def to_name(value: Value) -> Value:
    """The German name."""
    if value is None:
        return None
    name = GERMAN.get(country_of(str(value)) or "")
    if name is None:
        raise Unmappable("das ist kein bekanntes Länderkürzel")
    return name


def same_country(one: Value, other: Value) -> bool:
    """Two words for one country, or the very same word."""
    return one == other or (
        one is not None and other is not None and country_of(str(one)) == country_of(str(other)) is not None
    )


def _read_code(raw: Any) -> Value:
    text = TEXT.read_right(raw)
    return text if text is None else country_of(str(text)) or text


@lru_cache(maxsize=4096)
def _key(text: str) -> str:
    """Letters and digits alone, without case, accents or small words: "Côte d’Ivoire" is "Cote d'Ivoire"."""
    bare = unicodedata.normalize("NFKD", clean(text).casefold().replace("&", " and "))
    words = "".join(each if each.isalnum() else " " for each in bare if not unicodedata.combining(each)).split()
    return "".join(_WORDS.get(word, word) if len(words) > 1 else word for word in words)


def _names(language: str) -> dict[str, str]:
    territories = Locale.parse(language).territories
    return {code: name for code, name in territories.items() if len(code) == 2 and code.isalpha()}


def _keys_of(name: str) -> set[str]:
    """With the umlauts as people write them who have none; without what stands in brackets."""
    expanded = clean(name).casefold().translate(_UMLAUTS)
    return {key for each in (name, expanded, name.partition("(")[0]) if (key := _key(each))}


def _spelled_otherwise() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in OTHERWISE.replace("\n", " ").split(";"):
        code, _, names = entry.strip().partition(" ")
        found.update((key, code) for name in names.split(",") for key in _keys_of(name))
    return found


def _codes() -> dict[str, str]:
    """Later ones count: a code is never taken for a name."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        found.update((key, code) for code, name in _names(language).items() for key in _keys_of(name) if code in GERMAN)
    found.update(_spelled_otherwise())
    aliases = get_global("territory_aliases").items()
    found.update((alias.casefold(), codes[0]) for alias, codes in aliases if len(codes) == 1 and codes[0] in GERMAN)
    return {**found, **{code.casefold(): code for code in GERMAN}}


GERMAN = {code: name for code, name in _names("de").items() if code not in NO_COUNTRIES}
"""Code → the name that EspoCRM is given."""
_CODES = _codes()

COUNTRY = Codec(
    read_right=_read_code,
    to_right=to_code,
    to_left=to_name,
    alike=same_country,
    options=frozenset(GERMAN.values()),
    right_options=frozenset(GERMAN),
)
