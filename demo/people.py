"""Everybody who appears in the demo: made up, and so odd that one can search all logs and topics for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from demo import appointments


@dataclass(frozen=True)
class Person:
    """A natural person, as a user of EspoCRM enters them; `born` is YYYY-MM-DD."""

    first: str
    last: str
    born: str
    salutation: str = "Frau"


PERSON = Person("Wendelgard", "Quittenbaum", "1957-11-23")
COMPANY = "Brombeerwinkel Federnwerk"
CROWD = tuple(
    Person(first, last, f"19{61 + index}-02-{11 + index}", "Herr")
    for index, (first, last) in enumerate(
        (
            ("Adalwin", "Ackerfink"),
            ("Baldram", "Birkenspecht"),
            ("Cordwin", "Dachsgruber"),
            ("Dankward", "Elsternhain"),
            ("Eginolf", "Farnkraut"),
            ("Friedebert", "Ginsterloh"),
            ("Gangolf", "Haselquell"),
            ("Hildebald", "Immenstock"),
            ("Isbert", "Krautwisch"),
            ("Kunibald", "Lindenruh"),
            ("Lutfried", "Moorhuhner"),
            ("Notker", "Nebelhorst"),
        )
    )
)
CROWD_TITLES = ("Dr. Obermoosrat", "Prof. Untermoosrat")

AT_THE_DESK = Person("Ottegebe", "Pfauenwinkel", "1948-03-17")
BIRTH_NAME = "Riedgraser"

BOTH_SIDES = Person("Reglindis", "Schlehdorner", "1972-09-29")
MARRIED_NAME = "Tannhaeherin"
OTHER_SALUTATION = "Divers"

DISPUTED = Person("Sieglind", "Ulmenkauz", "1966-06-06")
FIRST_NAME_IN_ESPOCRM = "Sieglindegard"
FIRST_NAME_IN_ADVOWARE = "Siglintrud"

UNFINISHED = Person("Theudelinde", "Vogelbeerer", "1981-12-04")

PATIENT = Person("Uodalrich", "Weissdornau", "1939-08-08", "Herr")
PATIENT_TITLE = "Dr. Geduldsfaden"
IMPATIENT = (
    Person("Volkrade", "Xanthenblum", "1990-10-19"),
    Person("Walburgis", "Ysopgarten", "1991-11-20"),
    Person("Wiltraude", "Zaunruebler", "1992-12-21"),
)
IMPATIENT_TITLE = "Dr. Eilfertig"

DELETED = Person("Xaverine", "Zwergholunder", "1955-05-25")
TITLE_OF_THE_DELETED = "Dr. Zuspaet"

UNHEARD = (
    Person("Zenobine", "Affodillmoor", "1963-07-30"),
    Person("Amalaswinth", "Beinwellhof", "1964-08-31"),
)
UNHEARD_NEWCOMER = Person("Berthildis", "Cardobenedict", "1965-09-14")
UNHEARD_TITLE = "Dr. Ungehoert"

TENANT = Person("Adelgund", "Brunnenkress", "1959-05-05")
ADDRESS = {
    "name": "Hauptanschrift",
    "adresseStreet": "Schnepfenstieg 17",
    "adressePostalCode": "89073",
    "adresseCity": "Ulm",
    "adresseCountry": "Deutschland",
}
NEW_STREET = "Wachtelrain 23"
DESK_STREET = "Kiebitzgasse 41"

ACCOUNT_HOLDER = Person("Burglinde", "Dotterweich", "1963-07-07")
OLD_IBAN = "DE89370400440532013000"
NEW_IBAN = "GB82WEST12345698765432"

LATE = Person("Cunigund", "Eichelhaeher", "1970-08-08")

HEIRESS = Person("Dietlinde", "Flussregenpfeifer", "1969-04-09")
LINKED_STREET = "Zilpzalpweg 58"

CORRESPONDENT = Person("Demudis", "Fichtenkreuz", "1971-09-09")
OLD_MAILS = ("demudis@fichtenkreuz-alt.example", "buero@fichtenkreuz-alt.example")
NEW_MAILS = ("demudis@fichtenkreuz-neu.example", "sekretariat@fichtenkreuz-neu.example")

CALLER = Person("Eilika", "Girlitzmoos", "1958-10-10")
CALLER_TITLE = "Dr. Fernmund"
TYPED_PHONE, PHONE, PHONE_TEXT = "0711 / 90 81-4567", "+4971190814567", "nur beim Rotkehlchen"

MOVER = Person("Frowina", "Haselhuhn", "1977-12-12")
MOVED_MAILS = ("frowina@haselhuhn-vorher.example", "frowina@haselhuhn-nachher.example")

BELIED = tuple(
    Person(first, last, "1969-07-20")
    for first, last in (
        ("Adalinde", "Zaunkönig"),
        ("Berthold", "Goldammer"),
        ("Cäcilie", "Steinkauz"),
        ("Dietlind", "Wiedehopf"),
        ("Ekkehard", "Bachstelze"),
        ("Friederun", "Kleiber"),
    )
)
BELIED_TITLE = "Dr. Wahrhaft"


def everybody() -> tuple[Person, ...]:
    """All natural persons of the demo."""
    return (
        PERSON,
        *CROWD,
        AT_THE_DESK,
        BOTH_SIDES,
        DISPUTED,
        UNFINISHED,
        PATIENT,
        *IMPATIENT,
        DELETED,
        *UNHEARD,
        UNHEARD_NEWCOMER,
        TENANT,
        ACCOUNT_HOLDER,
        LATE,
        HEIRESS,
        CORRESPONDENT,
        CALLER,
        MOVER,
        *BELIED,
    )


def canaries() -> Iterator[str]:
    """Every text that must be found in the two remote systems and nowhere else; dates in both ways of writing them."""
    for person in everybody():
        year, month, day = person.born.split("-")
        yield from (person.first, person.last, person.born, f"{day}.{month}.{year}")
    yield from (COMPANY, BIRTH_NAME, MARRIED_NAME, FIRST_NAME_IN_ESPOCRM, FIRST_NAME_IN_ADVOWARE)
    yield from (*CROWD_TITLES, PATIENT_TITLE, IMPATIENT_TITLE, TITLE_OF_THE_DELETED, UNHEARD_TITLE, BELIED_TITLE)
    yield from (ADDRESS["adresseStreet"], NEW_STREET, DESK_STREET, LINKED_STREET, OLD_IBAN, NEW_IBAN)
    yield from (*OLD_MAILS, *NEW_MAILS, *MOVED_MAILS, TYPED_PHONE, PHONE, PHONE_TEXT, CALLER_TITLE)
    yield from appointments.texts()
