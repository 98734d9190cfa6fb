"""The numbers of open tickets, kept by triggers (models.triggers): read, and folded now and then."""

from collections import Counter

from django.db import connection, transaction

from postvak.models import Tally, TallyDelta

FOLDED_AT_ONCE = 2000
RECOUNT = """INSERT INTO postvak_tally (queue_id, assignee_id, status_id, is_private, number)
    SELECT queue_id, coalesce(assignee_id, 0), status_id, is_private, count(*) FROM postvak_ticket
    WHERE is_open AND NOT is_spam AND merged_into_id IS NULL GROUP BY 1, 2, 3, 4"""


def fold() -> int:
    """Add the oldest deltas to the numbers; returns how many. Safe beside writers, readers and other workers."""
    with transaction.atomic():
        rows = list(
            TallyDelta.objects.select_for_update(skip_locked=connection.vendor == "postgresql")[:FOLDED_AT_ONCE]
        )
        if not rows:
            return 0
        sums: Counter[tuple[int, int, int, bool]] = Counter()
        for row in rows:
            sums[row.queue_id, row.assignee_id, row.status_id, row.is_private] += row.number
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO postvak_tally (queue_id, assignee_id, status_id, is_private, number) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (queue_id, assignee_id, status_id, is_private) "
                "DO UPDATE SET number = postvak_tally.number + excluded.number",
                [(*key, number) for key, number in sorted(sums.items()) if number],
            )
        TallyDelta.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def recount() -> None:
    """Count anew what the triggers keep: for databases that were restored in part or edited by hand."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE postvak_ticket IN SHARE MODE")
        TallyDelta.objects.all().delete()
        Tally.objects.all().delete()
        cursor.execute(RECOUNT)
