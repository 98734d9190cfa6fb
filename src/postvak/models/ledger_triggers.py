"""The triggers that write the ledger: LedgerEntry from receipts and deliveries, LedgerDelta from LedgerEntry, and on SQLite the
words of the search. A migration that makes one of their tables anew on SQLite has to call `install` at its end.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

from postvak.models import triggers
from postvak.models.triggers import differs

RECEIPT = (
    "state",
    "outcome",
    "ticket_id",
    "message_id",
    "author_email",
    "envelope_from",
    "written_to",
    "subject",
    "message_id_header",
)
DELIVERY = ("state", "recipient", "remote_id")
WORDS = ("sender", "recipients", "subject", "numbers")
SUBJECT = 255  # characters
HOUR = {
    "sqlite": "strftime('%Y-%m-%d %H:00:00', {0}.at)",
    "postgresql": "date_trunc('hour', {0}.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
}
SEARCH = {
    "sqlite": (
        """CREATE VIRTUAL TABLE IF NOT EXISTS postvak_ledgerwords USING fts5(
            sender, recipients, subject, numbers, content='postvak_ledgerentry', content_rowid='id',
            tokenize='unicode61 remove_diacritics 2', columnsize=0)""",
    ),
    "postgresql": (
        r"""CREATE OR REPLACE FUNCTION postvak_ledger_words(sender text, recipients text, subject text, numbers text) RETURNS tsvector
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT to_tsvector('simple',
            regexp_replace(sender || ' ' || recipients || ' ' || subject || ' ' || numbers, '[^[:alnum:]]+', ' ', 'g')) $$""",
        """CREATE INDEX IF NOT EXISTS postvak_ledger_words ON postvak_ledgerentry
            USING gin (postvak_ledger_words(sender, recipients, subject, numbers))""",
    ),
}
GONE = {
    "sqlite": "DROP TABLE IF EXISTS postvak_ledgerwords",
    "postgresql": "DROP INDEX IF EXISTS postvak_ledger_words",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Make the index of words and the triggers; those that are there are made anew."""
    triggers.install(connection, ledger_triggers, SEARCH)


def remove(connection: BaseDatabaseWrapper) -> None:
    """What install() made."""
    triggers.remove(connection, ledger_triggers, GONE)


def ledger_triggers(vendor: str) -> list[triggers.Trigger]:
    found: list[triggers.Trigger] = [
        ("receipt_new", "INSERT", "postvak_receipt", "", [line_of_receipt()]),
        ("receipt_changed", "UPDATE", "postvak_receipt", differs(RECEIPT, vendor), [follow_receipt()]),
        ("receipt_gone", "DELETE", "postvak_receipt", "", [  # it is asked for anew, and comes as another one
            "DELETE FROM postvak_ledgerentry WHERE receipt_id = OLD.id",
        ]),
        ("delivery_new", "INSERT", "postvak_delivery", "", [line_of_delivery()]),
        ("delivery_changed", "UPDATE", "postvak_delivery", differs(DELIVERY, vendor), [follow_delivery()]),
        ("delivery_gone", "DELETE", "postvak_delivery", "", [
            "UPDATE postvak_ledgerentry SET delivery_id = NULL, message_id = NULL, ticket_id = NULL WHERE delivery_id = OLD.id",
        ]),
        ("channel_changed", "UPDATE", "postvak_outgoingmail", differs(("channel_id",), vendor), [
            "UPDATE postvak_ledgerentry SET channel_id = NEW.channel_id WHERE delivery_id IN "
            "(SELECT id FROM postvak_delivery WHERE outgoing_id = NEW.id)",
        ]),
        ("queue_changed", "UPDATE", "postvak_ticket", differs(("queue_id",), vendor), [
            "UPDATE postvak_ledgerentry SET queue_id = NEW.queue_id WHERE ticket_id = NEW.id",
        ]),
        ("message_moved", "UPDATE", "postvak_message", differs(("ticket_id",), vendor), [
            "UPDATE postvak_ledgerentry SET ticket_id = NEW.ticket_id, "  # noqa: S608
            f"queue_id = {of_ticket('queue_id')} WHERE message_id = NEW.id AND delivery_id IS NOT NULL",
        ]),
        ("line_new", "INSERT", "postvak_ledgerentry", "", [delta("NEW", 1, vendor)]),
        ("line_changed", "UPDATE", "postvak_ledgerentry", differs(("state", "mailbox_id", "channel_id"), vendor), [
            delta("OLD", -1, vendor), delta("NEW", 1, vendor),
        ]),
        ("line_gone", "DELETE", "postvak_ledgerentry", "", [delta("OLD", -1, vendor)]),
    ]  # fmt: skip
    if vendor == "sqlite":
        found += [
            ("words_new", "INSERT", "postvak_ledgerentry", "", [words("NEW")]),
            ("words_changed", "UPDATE", "postvak_ledgerentry", differs(WORDS, vendor), [words("OLD"), words("NEW")]),
            ("words_gone", "DELETE", "postvak_ledgerentry", "", [words("OLD")]),
        ]
    return found


def of_ticket(column: str) -> str:
    return f"(SELECT {column} FROM postvak_ticket WHERE id = NEW.ticket_id)"  # noqa: S608 - our words only


def receipt_values() -> dict[str, str]:
    """What of a receipt may change; as SQL over NEW."""
    return {
        "sender": "CASE WHEN NEW.author_email <> '' THEN NEW.author_email ELSE NEW.envelope_from END",
        "recipients": "NEW.written_to",
        "subject": f"substr(NEW.subject, 1, {SUBJECT})",
        "state": "CASE WHEN NEW.state = 'done' THEN NEW.outcome ELSE 'received' END",
        "queue_id": of_ticket("queue_id"),
        "ticket_id": "NEW.ticket_id",
        "message_id": "NEW.message_id",
        "numbers": f"NEW.message_id_header || ' ' || coalesce({of_ticket('number')}, '')",
    }


def line_of_receipt() -> str:
    values = {"direction": "'in'", "at": "NEW.received_at", "mailbox_id": "NEW.mailbox_id", "receipt_id": "NEW.id"}
    return insert(values | receipt_values())


def follow_receipt() -> str:
    changed = ", ".join(f"{column} = {value}" for column, value in receipt_values().items())
    return f"UPDATE postvak_ledgerentry SET {changed} WHERE receipt_id = NEW.id"  # noqa: S608


def line_of_delivery() -> str:
    """A mail to agents is no message: what a message would say stands in the outgoing mail."""
    values = {
        "direction": "'out'", "at": "o.created_at", "sender": "coalesce(m.author_email, o.author_email)",
        "recipients": "NEW.recipient", "subject": f"substr(coalesce(m.subject, o.subject), 1, {SUBJECT})",
        "state": "NEW.state", "channel_id": "o.channel_id", "queue_id": "t.queue_id", "ticket_id": "t.id",
        "message_id": "m.id", "delivery_id": "NEW.id", "numbers": NUMBERS_OF_DELIVERY,
    }  # fmt: skip
    return insert(values, source=f" {OUTGOING}")


NUMBERS_OF_DELIVERY = (
    "coalesce(m.message_id, o.message_id_header) || ' ' || NEW.remote_id || ' ' || coalesce(t.number, '')"
)
OUTGOING = (
    "FROM postvak_outgoingmail o LEFT JOIN postvak_message m ON m.id = o.message_id "
    "LEFT JOIN postvak_ticket t ON t.id = coalesce(m.ticket_id, o.ticket_id) WHERE o.id = NEW.outgoing_id"
)


def follow_delivery() -> str:
    return (
        "UPDATE postvak_ledgerentry SET state = NEW.state, recipients = NEW.recipient, "  # noqa: S608 - our words only
        f"numbers = (SELECT {NUMBERS_OF_DELIVERY} {OUTGOING}) WHERE delivery_id = NEW.id"
    )


def insert(values: dict[str, str], source: str = "") -> str:
    texts = dict.fromkeys(WORDS, "''")  # Django keeps defaults to itself
    filled = texts | values
    return f"INSERT INTO postvak_ledgerentry ({', '.join(filled)}) SELECT {', '.join(filled.values())}{source}"  # noqa: S608


def delta(row: str, number: int, vendor: str) -> str:
    return (
        "INSERT INTO postvak_ledgerdelta (hour, direction, account, state, number) "  # noqa: S608
        f"VALUES ({HOUR[vendor].format(row)}, {row}.direction, coalesce({row}.mailbox_id, {row}.channel_id, 0), {row}.state, {number})"
    )


def words(row: str) -> str:
    """FTS5 forgets a row by being told its old words."""
    columns = ", ".join(WORDS)
    values = ", ".join(f"{row}.{column}" for column in WORDS)
    if row == "OLD":
        return f"INSERT INTO postvak_ledgerwords (postvak_ledgerwords, rowid, {columns}) VALUES ('delete', OLD.id, {values})"  # noqa: S608
    return f"INSERT INTO postvak_ledgerwords (rowid, {columns}) VALUES (NEW.id, {values})"  # noqa: S608
