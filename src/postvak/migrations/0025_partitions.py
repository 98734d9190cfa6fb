import time
from contextlib import suppress
from datetime import timedelta

from django.db import DatabaseError, OperationalError, migrations, transaction
from django.utils import timezone

from postvak.models import partitions

PAUSE = 0.5  # seconds between two attempts to get the locks of a moment
ATTEMPTS = 240


def install(apps, schema_editor):
    """Children first: a foreign key onto a partitioned table has to go with its own table. May be stopped and run again."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    for table in reversed(partitions.TABLES):
        if not partitions.is_partitioned(connection, table):
            end = first_end(connection, table)
            patiently(connection, partitions.promise_bound, table, end)
            try:
                partitions.check_bound(connection, table)
                patiently(connection, partitions.swap, table, end)
            except BaseException:
                with suppress(DatabaseError):  # what failed first is what counts
                    patiently(connection, partitions.take_back_bound, table)
                raise


def first_end(connection, table):
    """Far enough away that nothing lies beyond it (a clock may have been wrong), or is written there before the change is done."""
    with connection.cursor() as cursor:
        if table.is_monthly:
            soon = timezone.now() + timedelta(days=31)
            cursor.execute(f"SELECT greatest(max({table.column}), %s) FROM {table.name}", [soon])  # noqa: S608 - our words only
            return partitions.month_of(cursor.fetchone()[0]) + 1
        cursor.execute("SELECT coalesce(max(id), 0) FROM postvak_receipt")
        return (cursor.fetchone()[0] // partitions.BLOCK + 2) * partitions.BLOCK


def patiently(connection, change, *arguments):
    """Each attempt waits for its locks only a moment, because all others wait behind it."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(using=connection.alias):
                with connection.cursor() as cursor:
                    partitions.impatient(cursor)
                change(connection, *arguments)
            return
        except OperationalError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(PAUSE)


class Migration(migrations.Migration):
    """On PostgreSQL the communication log is partitioned by month, and traces by the number of their receipt. The version before works
    with that as it is: nothing is undone."""

    atomic = False
    dependencies = [("postvak", "0024_classification")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
