"""Reads all messages of the large installation for the search: by the worker's own function, in larger batches."""

from collections.abc import Callable

from django.db import connection
from django.db.models import Max

from postvak.models import Message, SearchState
from postvak.tickets.search.index import index_due
from postvak.worker.identity import own_name

BATCH = 1000
INDEX = "postvak_searchtext_words"


def read_all(tell: Callable[[int, int], None]) -> None:
    """`tell(done, of)` after each batch. PostgreSQL makes its index of words at the end, in a tenth of the time."""
    newest = Message.objects.aggregate(Max("pk"))["pk__max"] or 0
    SearchState.objects.update(mark=newest, checkpoint=newest, backlog=newest + 1)
    worker, total, done = own_name(), Message.objects.count(), 0
    made_by = drop_index()
    try:
        while count := index_due(worker, BATCH):
            done += count
            tell(min(done, total), total)
    finally:
        if made_by:
            with connection.cursor() as cursor:
                cursor.execute(made_by)


def tidy() -> None:
    """What a database does by itself some time after that many rows came in: it looks how its values are spread."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def drop_index() -> str:
    """The statement that makes it again; "" where nothing was dropped."""
    if connection.vendor != "postgresql":
        return ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [INDEX])
        row = cursor.fetchone()
        if row is None:
            return ""
        cursor.execute(f"DROP INDEX {INDEX}")
    return str(row[0])
