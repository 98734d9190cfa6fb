"""Related rows as a JSON list in a column of their own, so that they come in the same query as what they belong to."""

from typing import Any

from django.db.models import Aggregate, JSONField, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject


class JsonRows(Aggregate):
    """A list of objects; on SQLite and PostgreSQL the same."""

    function = "JSONB_AGG"
    output_field = JSONField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_GROUP_ARRAY", **extra)


def json_rows(rows: QuerySet[Any], by: str, **columns: Any) -> Subquery:
    """For annotate(): of the rows whose `by` is the row at hand, these columns; null when there are none."""
    mine = rows.filter(**{by: OuterRef("pk")}).order_by().values(by)
    return Subquery(mine.annotate(json_rows=JsonRows(JSONObject(**columns))).values("json_rows"))
