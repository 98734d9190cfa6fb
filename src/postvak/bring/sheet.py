"""A table that somebody uploads (CSV): bytes -> rows of cells, and which column is what. Separator and encoding are guessed."""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_noop as _

from postvak.jobs.said import Told
from postvak.mail.charsets import storable
from postvak.models import CustomField
from postvak.tickets.sheets import COLUMNS, CUSTOMERS, FIELD, HOLDERS, ORGANISATIONS, unguarded

LARGEST = 30_000_000  # bytes
MOST_ROWS = 200_000
SEPARATORS = (",", ";", "\t")
WORDS: Mapping[str, Mapping[str, str]] = {  # heads as programs and people call them, in English, German and Dutch
    CUSTOMERS: {
        "name": "name fullname contact kunde ansprechpartner vollername naam klant contactpersoon volledigenaam",
        "first": "firstname givenname forename vorname voornaam",
        "last": "lastname surname familyname nachname familienname achternaam",
        "addresses": "email emails emailaddress emailaddresses mail mailaddress emailadresse emailadressen"
        " mailadresse mailadressen emailadres mailadres",
        "organisation": "organisation organization company companyname firma unternehmen organisatie bedrijf bedrijfsnaam",
        "number": "customernumber customerno customerid kundennummer kundennr kdnr klantnummer klantnr debiteurnummer",
        "language": "language lang locale sprache taal",
        "note": "note notes comment comments remark notiz notizen bemerkung kommentar notitie opmerking opmerkingen",
    },
    ORGANISATIONS: {
        "name": "name company companyname organisation organization firma unternehmen naam bedrijf bedrijfsnaam organisatie",
        "number": "number customernumber customerno customerid nummer kundennummer kundennr kdnr klantnummer klantnr"
        " debiteurnummer",
        "domains": "domain domains domäne domänen domein domeinen",
        "note": "note notes comment comments remark notiz notizen bemerkung kommentar notitie opmerking opmerkingen",
    },
}  # fmt: skip


class BadSheet(Told):
    """It can't be read as a table; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """`line`: its number in a spreadsheet, the heads are 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str
    encoding: str


def read_sheet(raw: bytes) -> Sheet:
    """Raises BadSheet."""
    if len(raw) > LARGEST:
        raise BadSheet(_("The file is too large: 30 MB fit. Split it."))
    text, encoding = decoded(raw)
    records: list[Row] = []
    try:
        separator = separator_of(text)
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
            clean = tuple(unguarded(cell.strip()).strip() for cell in cells)
            if any(clean):
                records.append(Row(number, clean))
            if len(records) > MOST_ROWS:
                raise BadSheet(_("The table has too many rows: 200,000 fit. Split it."))
    except csv.Error as error:
        raise BadSheet(_("The table can't be read: %(said)s"), said=error) from error
    if len(records) < 2:
        raise BadSheet(_("The table needs a line with the names of the columns, and at least one row below it."))
    return Sheet(records[0].cells, tuple(records[1:]), separator, encoding)


def decoded(raw: bytes) -> tuple[str, str]:
    """Spreadsheets write UTF-8 with or without a mark, UTF-16, or what Windows had before."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return storable(raw.decode("utf-16", "replace")), "UTF-16"
    try:
        return storable(raw.decode("utf-8-sig")), "UTF-8"
    except UnicodeDecodeError:
        return storable(raw.decode("cp1252", "replace")), "Windows-1252"


def separator_of(text: str) -> str:
    """That which makes the most columns of the first line with words."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    counts = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in SEPARATORS}
    return max(SEPARATORS, key=lambda mark: counts[mark])


# -- columns ----------------------------------------------------------------------------


def guessed(heads: Sequence[str], what: str, fields: Sequence[CustomField]) -> list[str]:
    """For each head what it is, "" for nothing we know; nothing twice, but first and last name make one name."""
    known = known_heads(what, fields)
    found: list[str] = []
    for head in heads:
        column = known.get(head.strip().casefold()) or known.get(plain(head), "")
        found.append(column if column not in found else "")
    return found


def known_heads(what: str, fields: Sequence[CustomField]) -> dict[str, str]:
    """Custom fields by key and label last: our own columns go first."""
    known: dict[str, str] = {}
    for field in fields:
        if field.holder == HOLDERS[what]:
            known |= {plain(name): FIELD + field.key for name in (field.label, field.key)}
            known |= {name.strip().casefold(): FIELD + field.key for name in (field.label, field.key)}
    for column, words in WORDS[what].items():
        known |= dict.fromkeys(words.split(), column)
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            known |= {plain(str(head)): column for column, head in COLUMNS[what].items()}
    return known


def plain(head: str) -> str:
    """ "E-Mail-Adresse:" is emailadresse."""
    return re.sub(r"[\W_]+", "", head.casefold())
