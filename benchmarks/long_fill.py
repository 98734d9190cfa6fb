"""Long tables quickly, on PostgreSQL only: lines of the ledger and steps of the communication log, made by the server itself.

Triggers and indexes of the tables are off meanwhile; the indexes are built at the end. For benchmarks/ledger.py, log_pages.py.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

AT_ONCE = 500_000
WORDS = 20_000
LINES = """
INSERT INTO postvak_ledgerentry (id, direction, at, sender, recipients, subject, state, mailbox_id, channel_id, queue_id, numbers)
SELECT r + 1, CASE WHEN r %% 5 < 3 THEN 'in' ELSE 'out' END, now() - interval '365 days' * ((%(all)s - r)::float8 / %(all)s),
  CASE WHEN r %% 5 < 3 THEN person ELSE ours END, CASE WHEN r %% 5 < 3 THEN ours ELSE person END,
  a.word || ' ' || b.word || ' ' || c.word,
  CASE WHEN r %% 5 < 3 THEN (%(in)s::text[])[(r * 7 + r / 13) %% cardinality(%(in)s::text[]) + 1]
    ELSE (%(out)s::text[])[(r * 7 + r / 13) %% cardinality(%(out)s::text[]) + 1] END,
  CASE WHEN r %% 5 < 3 THEN r %% 10 + 100 END, CASE WHEN r %% 5 < 3 THEN NULL ELSE r %% 10 + 200 END, r %% 40 + 300,
  'm' || r || '.' || r * 7919 %% 1000003 || '@' || host || '.example 4X' || lpad(r::text, 8, '0')
    || ' 20260101' || lpad(r::text, 7, '0')
FROM (SELECT r, x.word || '.' || r %% 400000 || '@' || y.word || '.example' AS person, y.word AS host,
    'box' || r %% 10 || '@example.org' AS ours
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) r
  JOIN words x ON x.place = r %% 20000 JOIN words y ON y.place = r %% 3000) AS people
JOIN words a ON a.place = floor(20000 * (r * 40503 %% 1048573 / 1048573.0::float8) ^ 3)
JOIN words b ON b.place = floor(20000 * (r * 30011 %% 1048571 / 1048571.0::float8) ^ 3)
JOIN words c ON c.place = floor(20000 * (r * 65537 %% 1048559 / 1048559.0::float8) ^ 3)
ORDER BY r
"""
TALLIES = """
INSERT INTO postvak_ledgertally (hour, direction, account, state, number)
SELECT date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', direction, coalesce(mailbox_id, channel_id, 0), state, count(*)
FROM postvak_ledgerentry GROUP BY 1, 2, 3, 4
"""
TALKS = """
INSERT INTO postvak_communication (id, direction, transport, mailbox_id, channel_id, account, state, started_at, ended_at,
  duration_ms, mails, worker)
SELECT n, direction, transport, mailbox, channel, name, CASE WHEN luck < 0.95 THEN 'successful' WHEN luck < 0.98 THEN 'warning'
  ELSE 'failed' END, at, at + interval '1 ms' * ms, ms, (luck * 1000)::int %% 3, ''
FROM (SELECT n, now() - interval '1 day' * (%(days)s * (%(all)s - n)::float8 / %(all)s) AS at, random() AS luck,
    exp(6 + sqrt(-2 * ln(1 - random())) * cos(6.2832 * random())) AS ms, 1 + (n * 7919 %% %(accounts)s)::int AS account
  FROM generate_series(%(first)s::bigint, %(last)s::bigint) n) AS talks JOIN accounts ON accounts.place = talks.account
ORDER BY n
"""
TOPICS = """
INSERT INTO postvak_communicationobject (id, communication_id, kind, name, state, started_at, ended_at)
SELECT id, id, 'connection', account, state, started_at, ended_at FROM postvak_communication WHERE id BETWEEN %(first)s AND %(last)s
ORDER BY id
"""
STEPS = """
INSERT INTO postvak_communicationentry (about_id, at, priority, module, code, parameters)
SELECT id, started_at + interval '1 ms' * step, (ARRAY[20, 10, 20, 20, 10, CASE WHEN state = 'failed' THEN 50 ELSE 20 END])[step],
  'receive.fetch',
  (ARRAY['connected', 'encrypted', 'logged_in', 'delivery_accepted', 'closed', CASE WHEN state = 'failed' THEN 'problem'
    ELSE 'listed' END])[step],
  CASE step
    WHEN 1 THEN jsonb_build_object('host', host, 'port', 993, 'said', '* OK ready ' || (id * 7919) %% 1000000007)
    WHEN 2 THEN '{"cipher": "TLSv1.3"}'
    WHEN 3 THEN jsonb_build_object('user', 'user' || id %% 1000 || '@example.org')
    WHEN 4 THEN jsonb_build_object('recipient', 'user' || id * 31 %% 1000 || '@customer.example', 'said', '250 ok')
    WHEN 5 THEN '{}'
    ELSE CASE WHEN state = 'failed'
      THEN jsonb_build_object('problem', 'timeout', 'host', host, 'port', 993, 'said', 'rare' || id %% 1000)
      ELSE jsonb_build_object('there', id %% 1000, 'new', 0, 'folders', 'INBOX') END END
FROM postvak_communication JOIN accounts ON accounts.name = account CROSS JOIN generate_series(1, 6) step
WHERE id BETWEEN %(first)s AND %(last)s ORDER BY id, step
"""


def fill_ledger(number: int, words: Sequence[str], states: Sequence[Sequence[str]]) -> None:
    """`states`: of incoming and of outgoing mails, as often as they shall stand there."""
    with server() as cursor, without_indexes(cursor, "postvak_ledgerentry"):
        cursor.execute("CREATE TEMP TABLE words (place bigint PRIMARY KEY, word text)")
        cursor.executemany("INSERT INTO words VALUES (%s, %s)", list(enumerate(words)))
        cursor.execute("ANALYZE words")
        for first, last in batches(number):
            some = {"first": first, "last": last, "all": number, "in": list(states[0]), "out": list(states[1])}
            cursor.execute(LINES, some)
            print(f"{last + 1:,} lines", flush=True)
        cursor.execute("SELECT setval('postvak_ledgerentry_id_seq', %s)", [number + 1])
    with server() as cursor:
        cursor.execute(TALLIES)


def fill_log(talks: int, days: int, accounts: Sequence[tuple[str, str, int | None, int | None, str, str]]) -> None:
    """Six steps each. `accounts`: direction, transport, key of mailbox, key of channel, name, host."""
    tables = [f"postvak_communication{rest}" for rest in ("", "object", "entry")]
    with server() as cursor, without_indexes(cursor, *tables):
        cursor.execute(
            "CREATE TEMP TABLE accounts (place int, direction text, transport text, mailbox bigint, channel bigint, name text, host text)"
        )
        rows = [(place, *account) for place, account in enumerate(accounts, 1)]
        cursor.executemany("INSERT INTO accounts VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
        for first, last in batches(talks):
            some = {"first": first + 1, "last": last + 1, "all": talks, "days": days, "accounts": len(accounts)}
            for sql in (TALKS, TOPICS, STEPS):
                cursor.execute(sql, some)
            print(f"{last + 1:,} communications", flush=True)
        for table in tables[:2]:
            cursor.execute(f"SELECT setval('{table}_id_seq', %s)", [talks + 1])


def batches(number: int) -> Iterator[tuple[int, int]]:
    """(first, last)"""
    for first in range(0, number, AT_ONCE):
        yield first, min(first + AT_ONCE, number) - 1


@contextmanager
def server() -> Iterator[object]:
    """No triggers, no foreign keys; much memory for the indexes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


@contextmanager
def without_indexes(cursor, *tables: str) -> Iterator[None]:
    """Those that no constraint needs."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [list(tables)],
    )
    found = cursor.fetchall()
    for name, _definition in found:
        cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        for name, definition in found:
            print(f"index {name}", flush=True)
            cursor.execute(definition)
    for table in tables:
        cursor.execute(f"VACUUM ANALYZE {table}")
