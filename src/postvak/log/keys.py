"""Keys of rows by SQL of our own, for the searches of the ledger and of the communication log."""

from collections.abc import Sequence

from django.db import transaction

from postvak.models.replica import connection

GUIDED = ("SET LOCAL enable_indexscan = off", "SET LOCAL enable_seqscan = off", "SET LOCAL jit = off")


Parameter = int | str | list[int] | list[str]


def keys(sql: str, parameters: Sequence[Parameter]) -> list[int]:
    with connection().cursor() as cursor:
        cursor.execute(sql, parameters)
        return [key for (key,) in cursor.fetchall()]


def keys_by_words(sql: str, parameters: Sequence[Parameter]) -> list[int]:
    """On PostgreSQL, by its index of words: it takes beginnings of words for far more common than they are, and would read the
    words of a million rows one by one."""
    with transaction.atomic(using=connection().alias), connection().cursor() as cursor:
        for setting in GUIDED:
            cursor.execute(setting)
        cursor.execute(sql, parameters)
        found = [key for (key,) in cursor.fetchall()]
        for setting in GUIDED:
            cursor.execute(setting.replace("= off", "TO DEFAULT"))
        return found
