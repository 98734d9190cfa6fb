"""On PostgreSQL new work rings a bell (NOTIFY), so that workers on other machines hear of it at once. Spec 11.

A trigger for a statement, not for a row, and one word for all that it wrote: a wave of fifty mails is one bell. NOTIFY goes out with
the commit and is forgotten with a roll-back. SQLite has no such thing: its one machine looks twice a second.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

CHANNEL = "postvak_work"
TABLES = ("receipt", "automaticmail", "outgoingmail", "job", "bulkchange", "webhookdelivery")


def install(connection: BaseDatabaseWrapper) -> None:
    """Make them; those that are there are made anew."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION postvak_ring() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_notify('{CHANNEL}', TG_ARGV[0]); RETURN NULL; END $$"
        )
        for table in TABLES:
            cursor.execute(f"DROP TRIGGER IF EXISTS postvak_ring_{table} ON postvak_{table}")
            cursor.execute(
                f"CREATE TRIGGER postvak_ring_{table} AFTER INSERT ON postvak_{table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION postvak_ring('{table}')"
            )


def remove(connection: BaseDatabaseWrapper) -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TRIGGER IF EXISTS postvak_ring_{table} ON postvak_{table}")
        cursor.execute("DROP FUNCTION IF EXISTS postvak_ring()")
