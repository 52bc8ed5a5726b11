"""What tells accounts and banks apart: IBAN and BIC in their one form. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from stdnum import iban as ibans

from recordsync.mapping.codecs import TEXT, Codec
from synckit.reconcile.plan import Value

_SEPARATORS = frozenset("./·•,:'’_−")
"""What people put between groups of characters, besides blanks and dashes."""
_PREFIX = re.compile(r"^(?:IBAN|BIC|SWIFT|NUMMER|NR)+(?=[A-Z]{2}[0-9]{2}|[A-Z]{6}[A-Z0-9]{2})")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
HEAD_OFFICE = "XXX"


def compact(raw: Any) -> Value:
    """An IBAN as it is sent, stored and compared: in capitals, without what people put between its groups."""
    text = TEXT.read_left(raw)
    if text is None:
        return None
    bare = _PREFIX.sub("", "".join(each for each in _wide(str(text)) if each.isalnum()))
    if bare.isascii() and not refusal(bare):
        # Whatever stands between the groups of a number whose check digits are right.
        return bare
    found = _joined(str(text))
    # Letters of other alphabets: a person's text, and for the refusal to name.
    return found or None if found.isascii() else text


def bank_code(raw: Any) -> Value:
    """A BIC in capitals, without blanks; what can't be one stays as it was written."""
    text = TEXT.read_left(raw)
    if text is None:
        return None
    found = _joined(str(text))
    return found if _BIC.fullmatch(found) else text


def same_bank(one: Value, other: Value) -> bool:
    """The head office may be named or not: eight characters, or eleven with XXX at the end."""
    return one == other or (one is not None and other is not None and _whole(str(one)) == _whole(str(other)))


def refusal(value: Value) -> str:
    """Check digits (mod 97), length and form of the country, before anything is sent."""
    return "" if ibans.is_valid(str(value), check_country=False) else "ist keine gültige IBAN (Prüfziffer oder Länge)"


def _joined(text: str) -> str:
    return _PREFIX.sub("", "".join(each for each in _wide(text) if not _separates(each)))


def _wide(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper()


def _separates(each: str) -> bool:
    return each.isspace() or each in _SEPARATORS or unicodedata.category(each) == "Pd"


def _whole(bic: str) -> str:
    return bic + HEAD_OFFICE if len(bic) == 8 else bic


IBAN = Codec(read_left=compact, read_right=compact)
BIC = Codec(read_left=bank_code, read_right=bank_code, alike=same_bank)
