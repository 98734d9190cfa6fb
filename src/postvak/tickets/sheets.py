"""Customers and organisations as tables (CSV): their columns, and the lines of an export. Import reads the same columns (bring)."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.db.models import F
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from postvak.models import Customer, CustomField, Organisation
from postvak.tickets.field_sets import Holder, fields_of

CUSTOMERS, ORGANISATIONS = "customers", "organisations"
HOLDERS: Mapping[str, str] = {CUSTOMERS: Holder.CUSTOMER, ORGANISATIONS: Holder.ORGANISATION}
COLUMNS: Mapping[str, Mapping[str, Promise]] = {
    CUSTOMERS: {
        "name": _("Name"),
        "addresses": _("E-mail addresses"),
        "organisation": _("Organisation"),
        "number": _("Customer number"),
        "language": _("Language"),
        "note": _("Note"),
    },
    ORGANISATIONS: {
        "name": _("Name"),
        "number": _("Customer number"),
        "domains": _("Domains"),
        "note": _("Note"),
    },
}
FIELD = "field:"  # how the column of a custom field begins
BETWEEN = " | "  # several values of one field
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BOM = "\ufeff"
ROWS_AT_ONCE = 500


def heads(what: str) -> dict[str, str]:
    """{column: its head}; a custom field by its label, or by its key where the label is taken."""
    found = {column: str(words) for column, words in COLUMNS[what].items()}
    for field in fields_of(HOLDERS[what]):
        taken = {head.casefold() for head in found.values()}
        found[FIELD + field.key] = field.key if field.label.casefold() in taken else field.label
    return found


def lines(what: str, *, separator: str = ",") -> Iterator[str]:
    """The whole table, line by line, with its heads."""
    columns = heads(what)
    writer = csv.writer(Echo(), delimiter=separator)
    yield writer.writerow([guarded(head) for head in columns.values()])
    rows = customer_rows() if what == CUSTOMERS else organisation_rows()
    for own, fields in rows:
        cells = (
            BETWEEN.join(fields.get(column.removeprefix(FIELD), ())) if column.startswith(FIELD) else own[column]
            for column in columns
        )
        yield writer.writerow([guarded(cell) for cell in cells])


Line = tuple[Mapping[str, str], Mapping[str, Sequence[str]]]


def customer_rows() -> Iterator[Line]:
    rows = Customer.objects.select_related("organisation").prefetch_related("addresses").order_by("pk")
    for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
        company = row.organisation
        yield (
            {
                "name": row.name,
                "addresses": ", ".join(one.email for one in sorted(row.addresses.all(), key=lambda one: one.pk)),
                "organisation": company.name if company else "",
                "number": company.number if company else "",
                "language": row.language,
                "note": row.note,
            },
            row.fields,
        )


def organisation_rows() -> Iterator[Line]:
    for row in Organisation.objects.prefetch_related("domains").order_by(F("pk")).iterator(chunk_size=ROWS_AT_ONCE):
        domains = ", ".join(sorted(one.domain for one in row.domains.all()))
        yield {"name": row.name, "number": row.number, "domains": domains, "note": row.note}, row.fields


def guarded(cell: str) -> str:
    """What a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if cell.lstrip("'").startswith(FORMULA) else cell


def unguarded(cell: str) -> str:
    """The way back."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


class Echo:
    """What csv.writer writes to: each line comes back at once."""

    def write(self, line: str) -> str:
        return line


def custom_fields(columns: Iterable[str], what: str) -> dict[str, CustomField]:
    """By column, of those columns that are custom fields and still there."""
    known = {FIELD + field.key: field for field in fields_of(HOLDERS[what])}
    return {column: known[column] for column in columns if column in known}
