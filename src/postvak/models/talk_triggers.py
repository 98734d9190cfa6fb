"""The index of the words in CommunicationEntry: what servers said, addresses, names of folders. Debug entries stay out.

A migration that makes the table anew on SQLite has to call `install` at its end.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

from postvak.models import triggers

DEBUG = 10
SEARCH = {
    "sqlite": (
        """CREATE VIRTUAL TABLE IF NOT EXISTS postvak_talkwords USING fts5(
            parameters, content='postvak_communicationentry', content_rowid='id',
            tokenize='unicode61 remove_diacritics 2', columnsize=0)""",
    ),
    "postgresql": (
        r"""CREATE OR REPLACE FUNCTION postvak_talk_words(parameters jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
            AS $$ SELECT to_tsvector('simple', regexp_replace(parameters::text, '[^[:alnum:]]+', ' ', 'g')) $$""",
        f"""CREATE INDEX IF NOT EXISTS postvak_talk_words ON postvak_communicationentry
            USING gin (postvak_talk_words(parameters)) WHERE priority > {DEBUG}""",
    ),
}
GONE = {
    "sqlite": "DROP TABLE IF EXISTS postvak_talkwords",
    "postgresql": "DROP INDEX IF EXISTS postvak_talk_words",
}


def install(connection: BaseDatabaseWrapper) -> None:
    """Make the index of words and the triggers; those that are there are made anew."""
    triggers.install(connection, talk_triggers, SEARCH)


def remove(connection: BaseDatabaseWrapper) -> None:
    """What install() made."""
    triggers.remove(connection, talk_triggers, GONE)


def talk_triggers(vendor: str) -> list[triggers.Trigger]:
    """PostgreSQL keeps its index by itself."""
    if vendor != "sqlite":
        return []
    return [
        ("talk_new", "INSERT", "postvak_communicationentry", f"NEW.priority > {DEBUG}", [
            "INSERT INTO postvak_talkwords (rowid, parameters) VALUES (NEW.id, NEW.parameters)",
        ]),
        ("talk_gone", "DELETE", "postvak_communicationentry", f"OLD.priority > {DEBUG}", [
            "INSERT INTO postvak_talkwords (postvak_talkwords, rowid, parameters) VALUES ('delete', OLD.id, OLD.parameters)",
        ]),
    ]  # fmt: skip
