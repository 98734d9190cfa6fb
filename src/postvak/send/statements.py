"""The statements that run for every mail that goes out, in plain SQL: to have the ORM build them each time costs five
times as much as running them (benchmarks/README.md). All belong to the caller's transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from postvak.models import Delivery, DeliveryEvent

Value = str | int | datetime | None

PROLONG = """
UPDATE postvak_outgoingmail SET claimed_until = %s WHERE id = %s AND claimed_by = %s AND claimed_until > %s
"""
CLOSE = """
UPDATE postvak_outgoingmail SET attempts = %s, claimed_by = '', claimed_until = NULL, next_attempt_at = %s
WHERE id = %s AND claimed_by = %s
"""
MARK = """
UPDATE postvak_delivery SET state = %s, code = %s, said = %s, remote_id = %s, resent = %s, changed_at = %s
WHERE id IN ({keys}) AND state IN ('queued', 'sending', 'deferred')
"""
BEGIN = """
UPDATE postvak_delivery SET state = 'sending', changed_at = %s
WHERE id IN ({keys}) AND state IN ('queued', 'sending', 'deferred')
AND EXISTS (SELECT 1 FROM postvak_outgoingmail WHERE id = %s AND claimed_by = %s AND claimed_until > %s)
"""
TELL = """
INSERT INTO postvak_deliveryevent (delivery_id, at, kind, code, said, agent_id, source_id)
VALUES (%s, %s, %s, %s, %s, NULL, '')
"""
ANSWERED = """
UPDATE postvak_ticket SET answer = '' WHERE answer <> ''
AND id = (SELECT ticket_id FROM postvak_message WHERE id = %s AND author_kind <> 'system' AND NOT is_internal)
AND NOT EXISTS (
    SELECT 1 FROM postvak_outgoingmail later JOIN postvak_message message ON message.id = later.message_id
    WHERE message.ticket_id = postvak_ticket.id AND (later.id > %s OR message.is_internal)
    AND message.author_kind <> 'system' AND message.taken_back_at IS NULL
)
"""


def prolong(key: int, worker: str, now: datetime, *, until: datetime) -> bool:
    """The lease of an outgoing mail; False: it ran out, or another worker has it."""
    return bool(run(PROLONG, time(until), key, worker, time(now)))


def close_attempt(key: int, worker: str, *, attempts: int, next_attempt_at: datetime | None) -> bool:
    """The lease ends; False: another worker has it."""
    return bool(run(CLOSE, attempts, next_attempt_at and time(next_attempt_at), key, worker))


def begin_deliveries(keys: Sequence[int], outgoing: int, worker: str, now: datetime) -> bool:
    """The mail is on its way to them; False: the lease ran out, or another worker has it."""
    return bool(run(among(BEGIN, keys), time(now), *keys, outgoing, worker, time(now)))


def mark_deliveries(
    keys: Sequence[int],
    state: Delivery.State,
    now: datetime,
    *,
    code: int | None,
    said: str,
    remote_id: str,
    resent: bool,
) -> None:
    """What was settled otherwise meanwhile stays."""
    run(among(MARK, keys), state.value, code, said, remote_id[:255], resent, time(now), *keys)


def tell(events: Sequence[DeliveryEvent]) -> None:
    """Insert them; nobody needs their keys."""
    with connection.cursor() as cursor:
        rows = [(event.delivery_id, time(event.at), str(event.kind), event.code, event.said) for event in events]
        cursor.executemany(TELL, rows)


def mark_answered(message: int, outgoing: int) -> bool:
    """Every recipient of the mail has it: the ticket is answered. False: another mail has a say in that, too (a later
    answer, a forward)."""
    return bool(run(ANSWERED, message, outgoing))


def run(sql: str, *values: Value) -> int:
    """How many rows it concerned."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)


def among(sql: str, keys: Sequence[int]) -> str:
    return sql.format(keys=", ".join(["%s"] * len(keys)))


def time(value: datetime) -> Value:
    """As the database takes it."""
    adapted: Value = connection.ops.adapt_datetimefield_value(value)
    return adapted
