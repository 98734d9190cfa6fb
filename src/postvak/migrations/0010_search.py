"""Tables of the search. SQLite: an FTS5 table that follows SearchText by triggers. PostgreSQL: a GIN index."""

import django.db.models.deletion
from django.db import migrations, models

import postvak.models.search

SQLITE = (
    """CREATE VIRTUAL TABLE postvak_searchwords USING fts5(
           words, content='postvak_searchtext', content_rowid='entry_id', tokenize="ascii tokenchars '_'", columnsize=0)""",
    """CREATE TRIGGER postvak_searchtext_insert AFTER INSERT ON postvak_searchtext BEGIN
           INSERT INTO postvak_searchwords(rowid, words) VALUES (new.entry_id, new.words);
       END""",
    """CREATE TRIGGER postvak_searchtext_delete AFTER DELETE ON postvak_searchtext BEGIN
           INSERT INTO postvak_searchwords(postvak_searchwords, rowid, words)
               VALUES ('delete', old.entry_id, old.words);
       END""",
    """CREATE TRIGGER postvak_searchtext_update AFTER UPDATE ON postvak_searchtext BEGIN
           INSERT INTO postvak_searchwords(postvak_searchwords, rowid, words)
               VALUES ('delete', old.entry_id, old.words);
           INSERT INTO postvak_searchwords(rowid, words) VALUES (new.entry_id, new.words);
       END""",
)
POSTGRESQL = ("CREATE INDEX postvak_searchtext_words ON postvak_searchtext USING gin (words)",)
ANALYSER = 1


def make_index(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX postvak_searchtext_words")
        return
    for name in ("insert", "delete", "update"):
        schema_editor.execute(f"DROP TRIGGER postvak_searchtext_{name}")
    schema_editor.execute("DROP TABLE postvak_searchwords")


def read_from_the_newest_on(apps, schema_editor):
    """What is there already is the backlog; what comes in meanwhile is read first."""
    newest = apps.get_model("postvak", "Message").objects.aggregate(models.Max("pk"))["pk__max"] or 0
    apps.get_model("postvak", "SearchState").objects.create(
        mark=newest, checkpoint=newest, backlog=newest + 1 if newest else 0, analyser=ANALYSER
    )


class Migration(migrations.Migration):
    dependencies = [("postvak", "0009_signatures_are_wordings")]
    operations = [
        migrations.CreateModel(
            name="SearchState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("mark", models.BigIntegerField(default=0)),
                ("checkpoint", models.BigIntegerField(default=0)),
                ("checkpoint_at", models.DateTimeField(blank=True, null=True)),
                ("backlog", models.BigIntegerField(default=0)),
                ("analyser", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="search_entry", to="postvak.message"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SearchText",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="text",
                        serialize=False, to="postvak.searchentry",
                    ),
                ),
                ("words", postvak.models.search.LexemesField()),
            ],
        ),
        migrations.CreateModel(
            name="SearchAgain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.message"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AttachmentText",
            fields=[
                (
                    "attachment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="content",
                        serialize=False, to="postvak.attachment",
                    ),
                ),
                ("state", models.CharField(choices=[("waiting", "Waiting"), ("read", "Read"), ("none", "None")], default="waiting", max_length=8)),
                ("text", models.TextField(blank=True, default="")),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["attachment"], name="attachment_to_read"
                    )
                ],
            },
        ),
        migrations.RunPython(make_index, drop_index),
        migrations.RunPython(read_from_the_newest_on, migrations.RunPython.noop),
    ]
