"""Hints for databases, which know little of how values are spread."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func
from django.db.models.expressions import RawSQL
from django.db.models.sql.compiler import SQLCompiler


class Beside(Func):
    """A column that SQLite shall not look for an index for: another condition, or the order, leaves fewer rows."""

    template = "%(expressions)s"
    arity = 1

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


def keys_as_rows(keys: Sequence[int]) -> RawSQL:
    """As a subquery of one parameter: Django spends milliseconds on a long list of them."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [list(keys)])  # noqa: S611
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(keys))])  # noqa: S611
