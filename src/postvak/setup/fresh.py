"""A new installation has one brand, one queue and a mailbox for the command line. A file that describes another house with other
names for them takes their places: nobody wants an empty “Inbox” beside his own queues."""

from collections.abc import Mapping, Sequence

from django.db.models import Model

from postvak.log.audit import By, recording
from postvak.models import Brand, Mailbox, Queue, Receipt, Ticket
from postvak.setup.changing import Change
from postvak.setup.fields import Value

Tables = Mapping[str, Sequence[Mapping[str, Value]]]


def take_places(tables: Tables, by: By) -> list[Change]:
    """Rename what is there. Only as long as no mail has come."""
    if Receipt.objects.exists() or Ticket.objects.exists():
        return []
    places = (
        ("mailbox", Mailbox.objects.filter(kind=Mailbox.Kind.LOCAL), of_kind(tables, "mailbox", "kind", "local")),
        ("brand", Brand.objects.all(), names(tables, "brand")),
        ("queue", Queue.objects.all(), of_kind(tables, "queue", "default", True)),
    )
    return [
        change
        for section, rows, wanted in places
        if rows.count() == 1 and wanted and (row := rows.get()).name not in names(tables, section)
        for change in rename(section, row, wanted[0], by)
    ]


def names(tables: Tables, section: str) -> list[str]:
    return [str(table["name"]).strip() for table in tables.get(section, ())]


def of_kind(tables: Tables, section: str, name: str, value: Value) -> list[str]:
    return [str(table["name"]).strip() for table in tables.get(section, ()) if table.get(name) == value]


def rename(section: str, row: Model, name: str, by: By) -> list[Change]:
    old = str(row)
    with recording(by, row):
        type(row)._default_manager.filter(pk=row.pk).update(name=name)
    return [Change(section, name, "name", old, name)]
