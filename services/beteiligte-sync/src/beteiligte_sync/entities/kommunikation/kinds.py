"""Advoware's `kommKz` and EspoCRM's types of phone numbers: which is which. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

OTHER_KZ = 10
NEW_MAIL_KZ = 4
UNTYPED_PHONE_KZ = 1


class Kind(StrEnum):
    """Which of EspoCRM's two lists an entry belongs to."""

    MAIL = "mail"
    PHONE = "phone"

    @property
    def label(self) -> str:
        """What a user calls it."""
        return "E-Mail" if self is Kind.MAIL else "Telefon"

    @property
    def attribute(self) -> str:
        """The list in EspoCRM's record."""
        return "emailAddressData" if self is Kind.MAIL else "phoneNumberData"

    @property
    def value_name(self) -> str:
        """The value in an item of that list."""
        return "emailAddress" if self is Kind.MAIL else "phoneNumber"

    @property
    def names(self) -> tuple[str, str]:
        """Both attributes of the field in EspoCRM: the list, and its primary value alone."""
        return self.attribute, self.value_name


MAIL_KZ = frozenset({4, 9})
PHONE_TYPES: Mapping[int, str] = {1: "Office", 2: "Fax", 3: "Mobile", 6: "Home", 7: "Fax", 8: "Mobile", 10: "Other"}
"""kommKz → type in EspoCRM. Internet, EPost and beA have no place there and stay Advoware's own."""
NEW_PHONE_KZ: Mapping[str, int] = {"Office": 1, "Fax": 2, "Mobile": 3, "Home": 6, "Other": 10}


def kz_for(kind: Kind, phone_type: str) -> int:
    """The kommKz of a new row."""
    return NEW_MAIL_KZ if kind is Kind.MAIL else NEW_PHONE_KZ.get(phone_type, OTHER_KZ)


def type_of(komm_kz: int) -> str:
    """The type that a phone of that kommKz has in EspoCRM."""
    return PHONE_TYPES.get(komm_kz, "Other")


def kind_of(komm_kz: int, value: str) -> Kind | None:
    """Which list a row belongs to; None for one that is Advoware's own."""
    if komm_kz == OTHER_KZ:
        return Kind.MAIL if "@" in value else Kind.PHONE
    if komm_kz in MAIL_KZ:
        return Kind.MAIL
    return Kind.PHONE if komm_kz in PHONE_TYPES else None


def kz_by_shape(value: str) -> int:
    """The last resort for a row that shows `kommKz: 0`."""
    return NEW_MAIL_KZ if "@" in value else UNTYPED_PHONE_KZ
