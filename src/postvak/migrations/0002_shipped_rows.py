"""What every installation starts with: statuses, one brand with one queue, and the mailbox of the command line."""

from django.db import migrations

STATUSES = [
    ("new", "new"),
    ("open", "open"),
    ("customer", "pending"),
    ("internal", "pending"),
    ("clarify", "open"),
    ("closed", "closed"),
    ("trash", "removed"),
]


def ship(apps, schema_editor):
    model = lambda name: apps.get_model("postvak", name)  # noqa: E731
    model("Status").objects.bulk_create(
        model("Status")(key=key, type=type_, position=position) for position, (key, type_) in enumerate(STATUSES)
    )
    brand = model("Brand").objects.create(name="Postvak")
    model("Queue").objects.create(name="Inbox", colour="petrol", brand=brand, is_default=True)
    model("Mailbox").objects.create(name="Command line", kind="local", folders="")


class Migration(migrations.Migration):
    dependencies = [("postvak", "0001_initial")]
    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
