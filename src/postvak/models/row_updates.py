"""Many rows changed at once, each to values of its own."""

from collections.abc import Collection, Sequence

from django.db import connection
from django.db.models import Model


def update_rows(rows: Sequence[Model], fields: Collection[str]) -> None:
    """Write these fields of rows that exist: one statement, run for each row (SQLite prepares it once). The CASE WHEN of bulk_update takes
    ten times as much, because Django builds an expression for each value. Plain values only, no F(); rows that are gone stay gone. Raises
    KeyError for a name that is no column.
    """
    if not rows:
        return
    meta = rows[0]._meta
    columns = {field.name: field for field in meta.concrete_fields}
    written = [columns[name] for name in fields]
    assigned = ", ".join(f"{connection.ops.quote_name(str(field.column))} = %s" for field in written)
    values = [
        [*(field.get_db_prep_save(getattr(row, field.attname), connection) for field in written), row.pk]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {meta.db_table} SET {assigned} WHERE {meta.pk.column} = %s", values)  # noqa: S608 - our own columns
