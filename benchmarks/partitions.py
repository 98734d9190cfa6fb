"""What the change of a filled PostgreSQL database to partitions takes, and what they save: seconds per million rows.

    POSTVAK_DATABASE=postgres://… python benchmarks/partitions.py --rows 1000000

The database has to be empty. It gets the schema of the version before, one row in postvak_communicationentry for each of `--rows`, one in ten in
postvak_communication and postvak_communicationobject, and as many receipts with traces; made by PostgreSQL itself. Shown: the reading while all
others go on, the locks that stop them, the way by rows and the way by whole months, and bytes per row.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from report import data_directory, show

FILL = (
    """INSERT INTO postvak_communication (direction, transport, account, state, started_at, ended_at, duration_ms, mails, worker)
       SELECT 'in', 'imap', 'Support', 'successful', t, t, 20, 1, 'host:1:x'
       FROM (SELECT now() - interval '20 days' + n * interval '20 days' / {talks} AS t FROM generate_series(1, {talks}) n) times""",
    """INSERT INTO postvak_communicationobject (communication_id, kind, name, state, started_at, ended_at)
       SELECT id, 'connection', 'imap.example.org', 'successful', started_at, started_at FROM postvak_communication""",
    """INSERT INTO postvak_communicationentry (about_id, at, priority, module, code, parameters)
       SELECT id, started_at, 20, 'receive.imap', 'stored', jsonb_build_object('source', 'INBOX/1699/' || id || '/' || n, 'size', 2048)
       FROM postvak_communicationobject, generate_series(1, 10) n""",
    """INSERT INTO postvak_receipt (mailbox_id, source, size, received_at, envelope_from, envelope_to, remote_ip, state, claimed_by,
           attempts, error, is_released, outcome, message_id_header, author_email, written_to, subject, fingerprint, processed_at, duration_ms)
       SELECT (SELECT min(id) FROM postvak_mailbox), 'INBOX/1699/' || n, 2048, now(), 'ann' || n % 1000 || '@example.org', '[]', '', 'done', '',
           1, '', false, 'ignored', md5(n::text) || '@mail.example.org', 'ann' || n % 1000 || '@example.org', 'support@example.org',
           'The printer on floor ' || n || ' is out of paper', md5(n::text) || md5(n::text), now(), 3.1
       FROM generate_series(1, {rows}) n""",
    """INSERT INTO postvak_trace (receipt_id, entries) SELECT id, jsonb_build_array(
           jsonb_build_array('receive', 'stored', jsonb_build_object('mailbox', 'Support', 'source', source)),
           jsonb_build_array('automatic', 'by_person', '{{}}'::jsonb), jsonb_build_array('trust', 'spf_pass', jsonb_build_object('domain', 'example.org')),
           jsonb_build_array('dispatch', 'by_address', jsonb_build_object('address', written_to, 'queue', 'Support')),
           jsonb_build_array('filter', 'ignored_by', jsonb_build_object('filter', 'Out of paper', 'id', 7))) FROM postvak_receipt""",
)
TABLES = ("communication", "communicationobject", "communicationentry", "receipt", "trace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with data_directory(""):
        result = measure(options.rows)
    show(result, as_json=options.json)


def measure(rows: int) -> dict[str, object]:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from postvak.models import partitions

    call_command("migrate", "postvak", "0024_classification", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # without the triggers of the ledger
        for statement in FILL:
            cursor.execute(statement.format(rows=rows, talks=rows // 10))
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")
    sizes = {name: round(bytes_of(connection, name) / count_of(connection, name)) for name in TABLES}
    seconds: dict[str, list[float]] = {}
    for name in ("promise_bound", "check_bound", "swap"):
        setattr(partitions, name, timed(getattr(partitions, name), seconds.setdefault(name, [])))
    call_command("migrate", verbosity=0)
    result: dict[str, object] = {"rows": rows, "bytes_per_row": sizes}
    result["seconds_reading_beside_others"] = round(sum(seconds["check_bound"]), 2)
    result["longest_lock_ms"] = round(max(seconds["promise_bound"] + seconds["swap"]) * 1000)
    return result | dropping(connection, rows)


def timed(function: Callable[..., None], taken: list[float]) -> Callable[..., None]:
    def run(*arguments: object) -> None:
        began = time.perf_counter()
        function(*arguments)
        taken.append(time.perf_counter() - began)

    return run


def bytes_of(connection, name: str) -> int:  # type: ignore[no-untyped-def]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [f"postvak_{name}"])
        return int(cursor.fetchone()[0])


def count_of(connection, name: str) -> int:  # type: ignore[no-untyped-def]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM postvak_{name}")  # noqa: S608 - our words only
        return int(cursor.fetchone()[0]) or 1


def dropping(connection, rows: int) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """A tenth by rows, then all the rest as a whole."""
    from datetime import timedelta

    from django.utils import timezone

    from postvak.log import talk_retention
    from postvak.log.partitions import make_ahead
    from postvak.models import CommunicationEntry

    now = timezone.now()
    make_ahead(now, "bench:1:x")
    talk_retention.PAUSE = 0.0
    with clock() as by_rows:
        for _ in talk_retention.drop_talks(talk_retention.State.SUCCESSFUL, now - timedelta(days=18)):
            continue
    gone = rows - CommunicationEntry.objects.count()
    with clock() as whole:
        for _ in talk_retention.drop_whole_months(now + timedelta(days=65)):
            continue
    return {
        "seconds_per_million_steps_by_rows": round(by_rows[0] * 1_000_000 / gone, 1),
        "seconds_for_whole_months": round(whole[0], 2),
        "steps_left": CommunicationEntry.objects.count(),
    }


@contextmanager
def clock() -> Iterator[list[float]]:
    taken = [0.0]
    began = time.perf_counter()
    yield taken
    taken[0] = time.perf_counter() - began


if __name__ == "__main__":
    main()
