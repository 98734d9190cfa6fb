"""On SQLite beginnings of four and five letters get an index of their own: without it each one reads all words that begin so."""

from django.db import migrations

TABLE = """CREATE VIRTUAL TABLE postvak_searchwords USING fts5(
    words, content='postvak_searchtext', content_rowid='entry_id', tokenize="ascii tokenchars '_'", columnsize=0{})"""
BEGINNINGS = ", prefix='4 5'"


def make_anew(schema_editor, beginnings):
    """The triggers on SearchText name the table and stay. Reads all words once more: about two minutes per million messages."""
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute("DROP TABLE postvak_searchwords")
        schema_editor.execute(TABLE.format(beginnings))
        schema_editor.execute("INSERT INTO postvak_searchwords(postvak_searchwords) VALUES ('rebuild')")


def with_beginnings(apps, schema_editor):
    make_anew(schema_editor, BEGINNINGS)


def without(apps, schema_editor):
    make_anew(schema_editor, "")


class Migration(migrations.Migration):
    dependencies = [("postvak", "0015_removed_ticket")]
    operations = [migrations.RunPython(with_beginnings, without)]
