"""The whole schema at once for new installations: what the migrations that it replaces come to, in a fraction of their time."""

from typing import ClassVar

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.utils import timezone

import postvak.models.search
from postvak.models import ledger_triggers, talk_triggers, triggers

STATUSES = [
    ("new", "new"),
    ("open", "open"),
    ("customer", "pending"),
    ("internal", "pending"),
    ("clarify", "open"),
    ("closed", "closed"),
    ("trash", "removed"),
]
ROLES = [
    ("agent", {}),
    ("lead", {"is_lead": True}),
    ("reader", {"may_answer": False, "may_move": False, "may_close": False, "may_delete": False}),
    ("administrator", {"is_lead": True, "may_administer": True}),
]
RULES = [  # key, trigger, recipients, on, further columns; names and texts: notify.shipped
    ("confirmation", "new_ticket", ["requester"], True, {"per_day": 5}),
    (
        "out-of-hours",
        "new_ticket",
        ["requester"],
        False,
        {"per_day": 1, "conditions": [{"field": "time.business", "operator": "is", "value": "no", "not": False}]},
    ),
    ("follow-up-confirmation", "follow_up", ["sender"], False, {"per_day": 5}),
    ("rejected", "rejected", ["sender"], True, {}),
    ("new-instead", "instead", ["requester"], True, {"per_day": 5}),
    ("closed", "closed", ["requester"], False, {}),
    ("reopened", "reopened", ["requester"], False, {}),
    ("satisfaction", "closed", ["requester"], False, {"once": "ticket", "minutes": 60 * 24}),
    ("we-wait", "silent", ["requester"], False, {"minutes": 7 * 24 * 60}),
    ("ageing", "silent", ["requester"], False, {"minutes": 14 * 24 * 60, "status": "closed"}),
    ("opened", "new_ticket", ["members"], True, {"delivery": "app"}),
    ("answered", "follow_up", ["assignee", "followers"], True, {}),
    ("assigned", "assigned", ["assignee"], True, {}),
    ("mentioned", "mentioned", ["mentioned"], True, {}),
    ("noted", "noted", ["assignee", "followers"], True, {"delivery": "app"}),
    ("undelivered", "undelivered", ["assignee", "author"], True, {}),
    ("status-changed", "status", ["assignee", "followers"], False, {}),
    ("queue-changed", "queue", ["members"], False, {}),
    ("priority-changed", "priority", ["assignee", "followers"], False, {}),
    ("pending", "pending", ["responsible"], True, {"delivery": "app"}),
    ("due-near", "due_near", ["responsible"], False, {"minutes": 60}),
    ("late", "late", ["responsible"], True, {"delivery": "app"}),
    ("unanswered", "unanswered", ["responsible"], False, {"minutes": 24 * 60}),
    ("unassigned", "unassigned", ["leads"], False, {"minutes": 4 * 60}),
    ("account", "account", ["admins"], True, {}),
    ("certificate", "certificate", ["admins"], True, {}),
    ("digest", "digest", ["agents"], False, {"hour": 8}),
]
SEARCH_ON_SQLITE = (
    """CREATE VIRTUAL TABLE postvak_searchwords USING fts5(words, content='postvak_searchtext', content_rowid='entry_id',
           tokenize="ascii tokenchars '_'", columnsize=0, prefix='4 5')""",
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
SEARCH_ON_POSTGRESQL = ("CREATE INDEX postvak_searchtext_words ON postvak_searchtext USING gin (words)",)


class Tables(Operation):
    """Several CreateModel in one: Django prepares its picture of the models once, not once for each (8 s of CPU against half a one)."""

    def __init__(self, tables):
        self.tables = tables

    def deconstruct(self):
        return type(self).__name__, [self.tables], {}

    def state_forwards(self, app_label, state):
        state.__dict__.pop("apps", None)
        for table in self.tables:
            table.state_forwards(app_label, state)

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        for table in self.tables:
            schema_editor.create_model(to_state.apps.get_model(app_label, table.name))

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        for table in reversed(self.tables):
            schema_editor.delete_model(from_state.apps.get_model(app_label, table.name))

    def describe(self):
        return f"Create {len(self.tables)} tables"


def ship(apps, schema_editor):
    """What every installation starts with."""
    model = lambda name: apps.get_model("postvak", name).objects  # noqa: E731
    for position, (key, type_) in enumerate(STATUSES):
        model("Status").create(key=key, type=type_, position=position)
    brand = model("Brand").create(name="Postvak")
    model("Queue").create(name="Inbox", colour="petrol", brand=brand, is_default=True)
    model("Mailbox").create(name="Command line", kind="local", folders="")
    for level in range(1, 6):
        model("Priority").create(level=level)
    model("Options").create(pk=1)
    model("SearchState").create(analyser=1)
    for place, (key, rights) in enumerate(ROLES, start=1):
        model("Role").create(key=key, position=place * 10, **rights)
    ship_rules(model)


def ship_rules(model):
    now = timezone.now()
    for position, (key, trigger, recipients, is_on, columns) in enumerate(RULES, start=1):
        status = model("Status").get(key=columns["status"]) if "status" in columns else None
        model("Rule").create(
            key=key,
            trigger=trigger,
            recipients=recipients,
            position=position * 10,
            is_on=is_on,
            on_since=now if is_on else None,
            **columns | {"status": status},
        )


def watch(apps, schema_editor):
    """The index of words, and the triggers that count and watch."""
    connection = schema_editor.connection
    is_postgresql = connection.vendor == "postgresql"
    for statement in SEARCH_ON_POSTGRESQL if is_postgresql else SEARCH_ON_SQLITE:
        schema_editor.execute(statement)
    for statement in ledger_triggers.SEARCH[connection.vendor]:
        schema_editor.execute(statement)
    talk_triggers.install(connection)
    triggers.install(connection)
    ledger_triggers.install(connection)


def forget(apps, schema_editor):
    for kept in (triggers, ledger_triggers, talk_triggers):
        kept.remove(schema_editor.connection)
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE postvak_searchwords")


class Migration(migrations.Migration):
    replaces: ClassVar = [
        ("postvak", "0001_initial"),
        ("postvak", "0002_shipped_rows"),
        ("postvak", "0003_mailbox_validity"),
        ("postvak", "0004_rules"),
        ("postvak", "0005_automatic_mail"),
        ("postvak", "0006_outbox"),
        ("postvak", "0007_mailbox_alarm"),
        ("postvak", "0008_sending"),
        ("postvak", "0009_signatures_are_wordings"),
        ("postvak", "0010_search"),
        ("postvak", "0011_channel_alarm"),
        ("postvak", "0012_move_begun_at"),
        ("postvak", "0013_workplace"),
        ("postvak", "0014_count_and_watch"),
        ("postvak", "0015_removed_ticket"),
        ("postvak", "0016_beginnings"),
        ("postvak", "0017_reports"),
        ("postvak", "0018_ledger"),
        ("postvak", "0019_message_centre"),
        ("postvak", "0020_people_and_programs"),
    ]

    initial = True

    dependencies = []

    operations = [
        Tables(
            [
                migrations.CreateModel(
                    name="Address",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                        (
                            "display_name",
                            models.CharField(blank=True, default="", max_length=200, verbose_name="display name"),
                        ),
                        (
                            "queue",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="addresses",
                                to="postvak.queue",
                                verbose_name="queue",
                            ),
                        ),
                        (
                            "channel",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.channel",
                                verbose_name="sending channel",
                            ),
                        ),
                        (
                            "name_mode",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("address", "name of the address"),
                                    ("agent", "name of the agent"),
                                    ("both", "agent via name of the address"),
                                ],
                                default="",
                                max_length=8,
                                verbose_name="name of the sender",
                            ),
                        ),
                        (
                            "grouping_hours",
                            models.PositiveIntegerField(blank=True, null=True, verbose_name="group mails within hours"),
                        ),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                    ],
                    options={
                        "ordering": ["email"],
                    },
                ),
                migrations.CreateModel(
                    name="Agent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("password", models.CharField(max_length=128, verbose_name="password")),
                        ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                        ("email", models.EmailField(max_length=254, unique=True, verbose_name="e-mail address")),
                        ("name", models.CharField(max_length=200, verbose_name="name")),
                        ("is_admin", models.BooleanField(default=False, verbose_name="administrator")),
                        ("is_active", models.BooleanField(default=True, verbose_name="valid")),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        (
                            "time_zone",
                            models.CharField(blank=True, default="", max_length=64, verbose_name="time zone"),
                        ),
                        (
                            "theme",
                            models.CharField(
                                choices=[("system", "like the system"), ("light", "light"), ("dark", "dark")],
                                default="system",
                                max_length=8,
                                verbose_name="colours",
                            ),
                        ),
                        (
                            "undo_seconds",
                            models.PositiveSmallIntegerField(
                                default=10,
                                validators=[django.core.validators.MaxValueValidator(60)],
                                verbose_name="seconds for undoing",
                            ),
                        ),
                        (
                            "density",
                            models.CharField(
                                choices=[("roomy", "two lines with preview"), ("dense", "one line")],
                                default="roomy",
                                max_length=5,
                                verbose_name="rows of lists",
                            ),
                        ),
                        ("newest_first", models.BooleanField(default=False, verbose_name="newest message on top")),
                        (
                            "after_sending",
                            models.CharField(
                                choices=[
                                    ("stay", "stay on the ticket"),
                                    ("next", "go to the next ticket"),
                                    ("list", "go back to the list"),
                                ],
                                default="stay",
                                max_length=4,
                                verbose_name="after sending",
                            ),
                        ),
                        ("has_shortcuts", models.BooleanField(default=True, verbose_name="keys of one letter")),
                        (
                            "has_desktop_notices",
                            models.BooleanField(default=False, verbose_name="notices of the system"),
                        ),
                        ("has_sound", models.BooleanField(default=False, verbose_name="sound")),
                        ("lists", models.JSONField(blank=True, default=dict)),
                        ("away_from", models.DateTimeField(blank=True, null=True, verbose_name="away from")),
                        ("away_until", models.DateTimeField(blank=True, null=True, verbose_name="away until")),
                        (
                            "substitute",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="substitutes_for",
                                to=settings.AUTH_USER_MODEL,
                                verbose_name="substitute",
                            ),
                        ),
                        ("seen_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "abstract": False,
                    },
                ),
                migrations.CreateModel(
                    name="AlarmState",
                    fields=[
                        ("key", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        ("since", models.DateTimeField()),
                        ("told_at", models.DateTimeField(blank=True, null=True)),
                        ("hooked_at", models.DateTimeField(blank=True, null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="AnswerTemplate",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, verbose_name="name")),
                        ("category", models.CharField(blank=True, default="", max_length=200, verbose_name="category")),
                        ("position", models.PositiveIntegerField(default=0, verbose_name="position")),
                        (
                            "status",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.status",
                                verbose_name="status after sending",
                            ),
                        ),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        ("times_used", models.PositiveIntegerField(default=0)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                        (
                            "brands",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.brand", verbose_name="brands"
                            ),
                        ),
                        (
                            "tags",
                            models.ManyToManyField(blank=True, related_name="+", to="postvak.tag", verbose_name="tags"),
                        ),
                    ],
                    options={
                        "ordering": ["category", "position", "name"],
                        "constraints": [
                            models.UniqueConstraint(fields=("category", "name"), name="template_name_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AnswerTemplateFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.TextField()),
                        ("content_type", models.CharField(max_length=255)),
                        ("size", models.PositiveBigIntegerField()),
                        ("content_id", models.CharField(blank=True, default="", max_length=100)),
                        (
                            "blob",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.blob"
                            ),
                        ),
                        (
                            "template",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="files",
                                to="postvak.answertemplate",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="AnswerTemplateText",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "template",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="texts",
                                to="postvak.answertemplate",
                            ),
                        ),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        ("subject", models.CharField(blank=True, default="", max_length=500, verbose_name="subject")),
                        ("html", models.TextField(blank=True, default="", verbose_name="text")),
                    ],
                    options={
                        "ordering": ["language"],
                        "constraints": [
                            models.UniqueConstraint(fields=("template", "language"), name="template_text_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ApiToken",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="api_tokens",
                                to=settings.AUTH_USER_MODEL,
                                verbose_name="agent",
                            ),
                        ),
                        ("name", models.CharField(max_length=100, verbose_name="name")),
                        ("scopes", models.JSONField(default=list, verbose_name="scopes")),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        ("beginning", models.CharField(max_length=12)),
                        ("created_at", models.DateTimeField()),
                        ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                        ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                        ("last_used_at", models.DateTimeField(blank=True, null=True)),
                        ("last_used_from", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "rate_per_minute",
                            models.PositiveIntegerField(default=600, verbose_name="requests per minute"),
                        ),
                        ("rate_from", models.DateTimeField(blank=True, null=True)),
                        ("rate_used", models.PositiveIntegerField(default=0)),
                    ],
                    options={
                        "ordering": ["-created_at", "-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Attachment",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="attachments",
                                to="postvak.message",
                            ),
                        ),
                        ("part", models.PositiveIntegerField()),
                        ("name", models.TextField()),
                        ("content_type", models.CharField(max_length=255)),
                        ("size", models.BigIntegerField()),
                        ("content_id", models.TextField(blank=True, default="")),
                        ("is_inline", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ["part"],
                        "constraints": [
                            models.UniqueConstraint(fields=("message", "part"), name="attachment_part_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AttachmentText",
                    fields=[
                        (
                            "attachment",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="content",
                                serialize=False,
                                to="postvak.attachment",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[("waiting", "Waiting"), ("read", "Read"), ("none", "None")],
                                default="waiting",
                                max_length=8,
                            ),
                        ),
                        ("text", models.TextField(blank=True, default="")),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "waiting")),
                                fields=["attachment"],
                                name="attachment_to_read",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AuditEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("who", models.CharField(blank=True, default="", max_length=200)),
                        (
                            "origin",
                            models.CharField(
                                choices=[
                                    ("browser", "browser"),
                                    ("command", "command line"),
                                    ("api", "API"),
                                    ("itself", "Postvak itself"),
                                ],
                                default="itself",
                                max_length=8,
                            ),
                        ),
                        ("remote_ip", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "action",
                            models.CharField(
                                choices=[
                                    ("created", "created"),
                                    ("changed", "changed"),
                                    ("deleted", "deleted"),
                                    ("logged_in", "logged in"),
                                    ("login_refused", "log-in refused"),
                                    ("logged_out", "logged out"),
                                    ("exported", "exported"),
                                    ("downloaded", "key downloaded"),
                                    ("imported", "imported"),
                                    ("erased", "erased"),
                                    ("redacted", "made unreadable"),
                                    ("restored", "restored"),
                                ],
                                max_length=14,
                            ),
                        ),
                        ("kind", models.CharField(blank=True, default="", max_length=40)),
                        ("key", models.BigIntegerField(blank=True, null=True)),
                        ("name", models.CharField(blank=True, default="", max_length=200)),
                        ("changes", models.JSONField(default=dict)),
                        ("earlier", models.JSONField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["at"], name="audit_by_time"),
                            models.Index(fields=["kind", "key", "at"], name="audit_by_object"),
                            models.Index(fields=["agent", "at"], name="audit_by_agent"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AutomaticMail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="automatic_mails",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "trigger",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="caused",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("rejection", "rejection"),
                                    ("forward", "forwarded mail"),
                                    ("relay", "agent's answer by mail"),
                                    ("rule", "mail of a rule"),
                                    ("notice", "mail to an agent"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("recipients", models.JSONField(default=list)),
                        ("text", models.TextField(blank=True, default="")),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        (
                            "rule",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="mails",
                                to="postvak.rule",
                            ),
                        ),
                        ("occasion", models.CharField(blank=True, default="", max_length=80)),
                        ("address", models.CharField(blank=True, default="", max_length=320)),
                        ("own_address", models.CharField(blank=True, default="", max_length=320)),
                        (
                            "reader",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "outgoing",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="notices",
                                to="postvak.outgoingmail",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "to be written"),
                                    ("collected", "waits for the digest"),
                                    ("written", "written"),
                                    ("skipped", "not written"),
                                ],
                                default="pending",
                                max_length=9,
                            ),
                        ),
                        ("reason", models.CharField(blank=True, default="", max_length=40)),
                        ("parameters", models.JSONField(blank=True, default=dict)),
                        (
                            "message",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="automatic",
                                to="postvak.message",
                            ),
                        ),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("next_attempt_at", models.DateTimeField()),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("error", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "pending")),
                                fields=["next_attempt_at"],
                                name="automatic_mail_to_do",
                            ),
                            models.Index(
                                condition=models.Q(("state", "written")),
                                fields=["settled_at"],
                                name="automatic_mail_written",
                            ),
                            models.Index(
                                condition=models.Q(("address", ""), _negated=True),
                                fields=["address", "-settled_at"],
                                name="automatic_mail_to",
                            ),
                            models.Index(
                                condition=models.Q(("state", "collected")),
                                fields=["reader"],
                                name="automatic_mail_collected",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("message__isnull", False), ("outgoing__isnull", True), ("state", "written")
                                    ),
                                    models.Q(
                                        ("message__isnull", True), ("outgoing__isnull", False), ("state", "written")
                                    ),
                                    models.Q(
                                        models.Q(("state", "written"), _negated=True),
                                        ("message__isnull", True),
                                        ("outgoing__isnull", True),
                                    ),
                                    _connector="OR",
                                ),
                                name="written_means_one_mail",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("occasion", ""), _negated=True),
                                fields=("rule", "occasion", "address"),
                                name="told_once",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Blob",
                    fields=[
                        ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                        ("size", models.BigIntegerField()),
                        ("content", models.BinaryField(null=True)),
                        ("condemned_at", models.DateTimeField(null=True)),
                        ("is_going", models.BooleanField(default=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("condemned_at__isnull", False)),
                                fields=["condemned_at"],
                                name="blob_condemned",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Blocked",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("pattern", models.CharField(max_length=320, verbose_name="address, @domain or pattern")),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                        ("created_at", models.DateTimeField()),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["pattern"],
                        "constraints": [
                            models.UniqueConstraint(
                                django.db.models.functions.text.Lower("pattern"), name="blocked_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Brand",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "channel",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.channel",
                                verbose_name="sending channel",
                            ),
                        ),
                        ("language", models.CharField(default="en", max_length=8, verbose_name="language")),
                        (
                            "name_mode",
                            models.CharField(
                                choices=[
                                    ("address", "name of the address"),
                                    ("agent", "name of the agent"),
                                    ("both", "agent via name of the address"),
                                ],
                                default="address",
                                max_length=8,
                                verbose_name="name of the sender",
                            ),
                        ),
                        (
                            "stacks_signatures",
                            models.BooleanField(
                                default=False, verbose_name="put the signatures of all levels below each other"
                            ),
                        ),
                        (
                            "tracks_opening",
                            models.BooleanField(
                                default=False, verbose_name="let providers report opened mails and clicked links"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="BulkChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("verb", models.CharField(max_length=20)),
                        ("parameters", models.JSONField(default=dict)),
                        ("tickets", models.JSONField(default=list)),
                        ("before", models.JSONField(default=dict)),
                        ("skipped", models.JSONField(default=dict)),
                        ("total", models.PositiveIntegerField()),
                        ("created_at", models.DateTimeField()),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("undone_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("finished_at", None)), fields=["id"], name="bulk_change_to_do"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Calendar",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "time_zone",
                            models.CharField(blank=True, default="", max_length=64, verbose_name="time zone"),
                        ),
                        ("hours", models.JSONField(default=dict, verbose_name="business hours")),
                        ("country", models.CharField(blank=True, default="", max_length=2, verbose_name="country")),
                        ("region", models.CharField(blank=True, default="", max_length=8, verbose_name="region")),
                        ("holidays", models.JSONField(blank=True, default=dict, verbose_name="further free days")),
                        (
                            "open_days",
                            models.JSONField(blank=True, default=list, verbose_name="holidays on which you work"),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="Change",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("new", "New"),
                                    ("changed", "Changed"),
                                    ("message", "Message"),
                                    ("history", "History"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("ticket_id", models.BigIntegerField()),
                        ("message_id", models.BigIntegerField(null=True)),
                        ("assignee_id", models.BigIntegerField(null=True)),
                        ("history_id", models.BigIntegerField(null=True)),
                        ("at", models.DateTimeField()),
                        ("is_followed", models.BooleanField(default=False)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_followed", False)), fields=["id"], name="change_to_follow"
                            ),
                            models.Index(fields=["at"], name="change_by_time"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Channel",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(blank=True, default="", max_length=255, verbose_name="server")),
                        (
                            "verify_tls",
                            models.BooleanField(default=True, verbose_name="check the server's certificate"),
                        ),
                        ("ca_pem", models.TextField(blank=True, default="", verbose_name="own CA certificates (PEM)")),
                        ("username", models.CharField(blank=True, default="", max_length=255, verbose_name="user")),
                        ("sealed_password", models.TextField(blank=True, default="")),
                        (
                            "grant",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="%(class)ss",
                                to="postvak.grant",
                                verbose_name="connected account",
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("smtp", "SMTP server"),
                                    ("provider", "mail provider (API)"),
                                    ("file", "file (for trying out)"),
                                ],
                                default="smtp",
                                max_length=8,
                                verbose_name="kind",
                            ),
                        ),
                        ("port", models.PositiveIntegerField(default=587, verbose_name="port")),
                        (
                            "security",
                            models.CharField(
                                choices=[("none", "none"), ("starttls", "STARTTLS"), ("tls", "TLS")],
                                default="starttls",
                                max_length=8,
                                verbose_name="encryption",
                            ),
                        ),
                        ("provider", models.CharField(blank=True, default="", max_length=32, verbose_name="provider")),
                        ("sealed_settings", models.TextField(blank=True, default="")),
                        ("is_default", models.BooleanField(default=False, verbose_name="default channel")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "connections",
                            models.PositiveSmallIntegerField(
                                default=2,
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(20),
                                ],
                                verbose_name="connections at the same time",
                            ),
                        ),
                        (
                            "rate_per_minute",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="mails per minute",
                            ),
                        ),
                        ("rate_from", models.DateTimeField(blank=True, null=True)),
                        ("rate_used", models.PositiveIntegerField(default=0)),
                        ("size_limit", models.PositiveBigIntegerField(blank=True, null=True)),
                        ("announced_size", models.PositiveBigIntegerField(blank=True, null=True)),
                        (
                            "return_path",
                            models.CharField(
                                blank=True, default="", max_length=320, verbose_name="address for delivery reports"
                            ),
                        ),
                        (
                            "copies_to",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.mailbox",
                                verbose_name="copies into the mailbox",
                            ),
                        ),
                        (
                            "copies_folder",
                            models.CharField(blank=True, default="", max_length=255, verbose_name="folder for copies"),
                        ),
                        ("paused_until", models.DateTimeField(blank=True, null=True)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("last_success_at", models.DateTimeField(blank=True, null=True)),
                        ("last_error_at", models.DateTimeField(blank=True, null=True)),
                        ("last_problem", models.CharField(blank=True, default="", max_length=32)),
                        ("last_said", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("is_default", True)),
                                fields=("is_default",),
                                name="one_default_channel",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Communication",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "direction",
                            models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3),
                        ),
                        ("transport", models.CharField(max_length=20)),
                        (
                            "mailbox",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="postvak.mailbox",
                            ),
                        ),
                        (
                            "channel",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="postvak.channel",
                            ),
                        ),
                        ("account", models.CharField(blank=True, default="", max_length=200)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("running", "running"),
                                    ("successful", "successful"),
                                    ("warning", "with warnings"),
                                    ("failed", "failed"),
                                ],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        ("duration_ms", models.FloatField(blank=True, null=True)),
                        ("mails", models.PositiveIntegerField(default=0)),
                        ("worker", models.CharField(blank=True, default="", max_length=64)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["started_at"], name="communication_by_start"),
                            models.Index(fields=["state", "started_at"], name="communication_by_state"),
                            models.Index(fields=["account", "started_at"], name="communication_by_account"),
                            models.Index(fields=["duration_ms"], name="communication_by_duration"),
                            models.Index(fields=["ended_at"], name="communication_by_end"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CommunicationEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "about",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="entries",
                                to="postvak.communicationobject",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "priority",
                            models.PositiveSmallIntegerField(
                                choices=[(10, "debug"), (20, "info"), (30, "notice"), (40, "warning"), (50, "error")],
                                default=20,
                            ),
                        ),
                        ("module", models.CharField(max_length=40)),
                        ("code", models.CharField(max_length=60)),
                        ("parameters", models.JSONField(default=dict)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("priority", 10)), fields=["at"], name="debug_entry_by_time"
                            ),
                            models.Index(fields=["code", "id"], name="entry_by_code"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CommunicationObject",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "communication",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="objects_of",
                                to="postvak.communication",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("connection", "connection"), ("message", "mail")], max_length=10
                            ),
                        ),
                        ("name", models.CharField(blank=True, default="", max_length=255)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("running", "running"),
                                    ("successful", "successful"),
                                    ("warning", "with warnings"),
                                    ("failed", "failed"),
                                ],
                                default="running",
                                max_length=10,
                            ),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "receipt",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="talks",
                                to="postvak.receipt",
                            ),
                        ),
                        (
                            "outgoing",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="talks",
                                to="postvak.outgoingmail",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="Customer",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(blank=True, default="", max_length=200, verbose_name="name")),
                        (
                            "organisation",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="customers",
                                to="postvak.organisation",
                                verbose_name="organisation",
                            ),
                        ),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        ("note", models.TextField(blank=True, default="", verbose_name="note")),
                        ("fields", models.JSONField(blank=True, default=dict)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="CustomerAddress",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "customer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="addresses",
                                to="postvak.customer",
                            ),
                        ),
                        ("email", models.CharField(max_length=320, unique=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="CustomField",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "key",
                            models.CharField(
                                max_length=64,
                                unique=True,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[A-Za-z][A-Za-z0-9_]*$", "Letters, digits and _ only; a letter first."
                                    )
                                ],
                                verbose_name="key",
                            ),
                        ),
                        ("label", models.CharField(max_length=100, verbose_name="label")),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("text", "text"),
                                    ("number", "number"),
                                    ("date", "date"),
                                    ("checkbox", "yes or no"),
                                    ("choice", "one of a list"),
                                    ("choices", "several of a list"),
                                    ("link", "link"),
                                ],
                                default="text",
                                max_length=10,
                                verbose_name="kind",
                            ),
                        ),
                        ("options", models.TextField(blank=True, default="", verbose_name="options")),
                        (
                            "holder",
                            models.CharField(
                                choices=[
                                    ("ticket", "tickets"),
                                    ("customer", "customers"),
                                    ("organisation", "organisations"),
                                ],
                                default="ticket",
                                max_length=12,
                                verbose_name="of",
                            ),
                        ),
                        ("is_required", models.BooleanField(default=False, verbose_name="required")),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position", "label"],
                    },
                ),
                migrations.CreateModel(
                    name="Delivery",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "outgoing",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="postvak.outgoingmail",
                            ),
                        ),
                        ("recipient", models.CharField(max_length=320)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("queued", "queued"),
                                    ("sending", "sending"),
                                    ("deferred", "deferred"),
                                    ("accepted", "accepted"),
                                    ("delivered", "delivered"),
                                    ("bounced", "bounced"),
                                    ("blocked", "blocked"),
                                    ("complained", "complained"),
                                    ("failed", "failed"),
                                    ("cancelled", "cancelled"),
                                    ("in_doubt", "in doubt"),
                                ],
                                default="queued",
                                max_length=10,
                            ),
                        ),
                        ("resent", models.BooleanField(default=False)),
                        ("code", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("said", models.TextField(blank=True, default="")),
                        ("changed_at", models.DateTimeField()),
                        ("is_judged", models.BooleanField(default=False)),
                        ("remote_id", models.CharField(blank=True, default="", max_length=255)),
                    ],
                    options={
                        "ordering": ["id"],
                        "indexes": [
                            models.Index(fields=["state", "-outgoing"], name="delivery_by_state"),
                            models.Index(
                                condition=models.Q(("remote_id", ""), _negated=True),
                                fields=["remote_id"],
                                name="delivery_by_remote_id",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("is_judged", False), ("state__in", ["failed", "bounced", "complained"])
                                ),
                                fields=["id"],
                                name="delivery_to_judge",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("outgoing", "recipient"), name="recipient_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DeliveryEvent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "delivery",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="events",
                                to="postvak.delivery",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("kind", models.CharField(max_length=16)),
                        ("code", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("said", models.TextField(blank=True, default="")),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("source_id", models.CharField(blank=True, default="", max_length=100)),
                    ],
                    options={
                        "ordering": ["at", "id"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("source_id", ""), _negated=True),
                                fields=("delivery", "source_id"),
                                name="event_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Digest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="digests",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("day", models.DateField()),
                        ("at", models.DateTimeField()),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("agent", "day"), name="digest_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Draft",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="drafts",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="drafts",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "queue",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.queue",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("reply", "Answer"),
                                    ("all", "Answer all"),
                                    ("forward", "Forward"),
                                    ("redirect", "Redirect"),
                                    ("new", "New mail"),
                                    ("note", "Internal note"),
                                ],
                                default="reply",
                                max_length=8,
                            ),
                        ),
                        (
                            "about",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "address",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.address",
                            ),
                        ),
                        ("to", models.TextField(blank=True, default="")),
                        ("cc", models.TextField(blank=True, default="")),
                        ("bcc", models.TextField(blank=True, default="")),
                        ("subject", models.TextField(blank=True, default="")),
                        ("html", models.TextField(blank=True, default="")),
                        ("text", models.TextField(blank=True, default="")),
                        ("quotes", models.BooleanField(default=True)),
                        ("status_key", models.CharField(blank=True, default="", max_length=40)),
                        ("known", models.PositiveBigIntegerField(blank=True, null=True)),
                        ("revision", models.PositiveIntegerField(default=0)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("changed_at", models.DateTimeField()),
                    ],
                    options={
                        "ordering": ["-changed_at"],
                        "indexes": [models.Index(fields=["agent", "-changed_at"], name="draft_by_agent")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("ticket__isnull", False)),
                                fields=("ticket", "agent", "kind"),
                                name="one_draft_each",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DraftFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.TextField()),
                        ("content_type", models.CharField(max_length=255)),
                        ("size", models.PositiveBigIntegerField()),
                        ("content_id", models.CharField(blank=True, default="", max_length=100)),
                        (
                            "blob",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.blob"
                            ),
                        ),
                        (
                            "draft",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="files", to="postvak.draft"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="ExternalLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="external_links",
                                to="postvak.ticket",
                            ),
                        ),
                        ("url", models.URLField(max_length=2000, verbose_name="address")),
                        ("title", models.CharField(max_length=200, verbose_name="title")),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="ExternalNumber",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        ("sender", models.CharField(max_length=500, verbose_name="sender matches")),
                        ("number", models.CharField(max_length=500, verbose_name="number matches")),
                        ("in_subject", models.BooleanField(default=True, verbose_name="look in the subject")),
                        ("in_body", models.BooleanField(default=False, verbose_name="look in the text")),
                        (
                            "field",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.customfield",
                                verbose_name="custom field",
                            ),
                        ),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="ExternalReference",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "external",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="postvak.externalnumber",
                            ),
                        ),
                        ("value", models.CharField(max_length=200)),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="external_references",
                                to="postvak.ticket",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("external", "value", "ticket"), name="external_reference_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="FailedLogin",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("email", models.CharField(max_length=254)),
                        ("ip", models.CharField(max_length=45)),
                        ("at", models.DateTimeField(auto_now_add=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["email", "at"], name="postvak_fai_email_a00665_idx"),
                            models.Index(fields=["ip", "at"], name="postvak_fai_ip_f60645_idx"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Filter",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200, unique=True, verbose_name="name")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        ("comment", models.TextField(blank=True, default="", verbose_name="comment")),
                        ("is_everywhere", models.BooleanField(default=True, verbose_name="for mail of all mailboxes")),
                        (
                            "match",
                            models.CharField(
                                choices=[("all", "all conditions"), ("any", "any condition")],
                                default="all",
                                max_length=3,
                                verbose_name="fires when",
                            ),
                        ),
                        ("conditions", models.JSONField(default=list)),
                        ("actions", models.JSONField(default=list)),
                        ("stops", models.BooleanField(default=False, verbose_name="stop after match")),
                        ("changed_at", models.DateTimeField()),
                        (
                            "changed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("hits", models.PositiveBigIntegerField(default=0)),
                        ("last_hit_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "mailboxes",
                            models.ManyToManyField(
                                blank=True,
                                related_name="filters",
                                to="postvak.mailbox",
                                verbose_name="only for mail of",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [models.Index(fields=["changed_at"], name="filter_by_change")],
                    },
                ),
                migrations.CreateModel(
                    name="FilterVersion",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "filter",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="versions",
                                to="postvak.filter",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("before", models.JSONField(blank=True, null=True)),
                        ("after", models.JSONField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-at", "-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Grant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200, unique=True, verbose_name="name")),
                        (
                            "provider",
                            models.CharField(
                                choices=[("microsoft", "Microsoft 365"), ("google", "Google")],
                                max_length=10,
                                verbose_name="provider",
                            ),
                        ),
                        (
                            "flow",
                            models.CharField(
                                choices=[
                                    ("code", "an agent signs in"),
                                    ("client", "application only, without an agent"),
                                ],
                                default="code",
                                max_length=8,
                                verbose_name="way of signing in",
                            ),
                        ),
                        (
                            "tenant",
                            models.CharField(blank=True, default="common", max_length=100, verbose_name="tenant"),
                        ),
                        ("client_id", models.CharField(max_length=255, verbose_name="application (client) id")),
                        ("sealed_client_secret", models.TextField(blank=True, default="")),
                        ("endpoints", models.JSONField(blank=True, default=dict)),
                        ("account", models.CharField(blank=True, default="", max_length=320, verbose_name="account")),
                        ("sealed_access_token", models.TextField(blank=True, default="")),
                        ("sealed_refresh_token", models.TextField(blank=True, default="")),
                        ("access_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("connected_at", models.DateTimeField(blank=True, null=True)),
                        ("refreshed_at", models.DateTimeField(blank=True, null=True)),
                        ("failing_since", models.DateTimeField(blank=True, null=True)),
                        ("last_said", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="GroupingExclusion",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("sender", models.CharField(max_length=320, unique=True, verbose_name="address or domain")),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                    ],
                    options={
                        "ordering": ["sender"],
                    },
                ),
                migrations.CreateModel(
                    name="History",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="history", to="postvak.ticket"
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "receipt",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.receipt",
                            ),
                        ),
                        ("code", models.CharField(max_length=40)),
                        ("parameters", models.JSONField(default=dict)),
                    ],
                    options={
                        "ordering": ["at", "id"],
                        "indexes": [models.Index(fields=["code", "at"], name="history_by_code")],
                    },
                ),
                migrations.CreateModel(
                    name="IdempotencyKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "token",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.apitoken"
                            ),
                        ),
                        ("key", models.CharField(max_length=255)),
                        ("digest", models.CharField(max_length=64)),
                        ("status", models.PositiveSmallIntegerField(default=0)),
                        ("answer", models.BinaryField(default=b"")),
                        ("created_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["created_at"], name="idempotency_by_time")],
                        "constraints": [models.UniqueConstraint(fields=("token", "key"), name="idempotency_key_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Imported",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("source", models.CharField(max_length=100)),
                        ("kind", models.CharField(max_length=20)),
                        ("foreign_key", models.CharField(max_length=255)),
                        ("row_key", models.BigIntegerField(default=0)),
                        ("said", models.TextField(blank=True, default="")),
                        (
                            "job",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.job",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("row_key", 0)), fields=["job"], name="import_problem_by_job"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("source", "kind", "foreign_key"), name="imported_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Invitation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                        ("name", models.CharField(blank=True, default="", max_length=200, verbose_name="name")),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        ("is_admin", models.BooleanField(default=False, verbose_name="administrator")),
                        (
                            "role",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.role",
                                verbose_name="role",
                            ),
                        ),
                        ("digest", models.CharField(max_length=64, unique=True)),
                        (
                            "outgoing",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.outgoingmail",
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("expires_at", models.DateTimeField()),
                        ("accepted_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                        (
                            "teams",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.team", verbose_name="teams"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["-created_at", "-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Job",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=30)),
                        ("parameters", models.JSONField(default=dict)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("waiting", "waits"),
                                    ("running", "runs"),
                                    ("done", "done"),
                                    ("failed", "failed"),
                                    ("stopped", "stopped"),
                                ],
                                default="waiting",
                                max_length=8,
                            ),
                        ),
                        ("point", models.JSONField(default=dict)),
                        ("counts", models.JSONField(default=dict)),
                        ("done", models.PositiveBigIntegerField(default=0)),
                        ("total", models.PositiveBigIntegerField(blank=True, null=True)),
                        ("said", models.TextField(blank=True, default="")),
                        ("result", models.JSONField(default=dict)),
                        ("file", models.CharField(blank=True, default="", max_length=255)),
                        ("kept_until", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField()),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("next_attempt_at", models.DateTimeField()),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("finished_at", models.DateTimeField(blank=True, null=True)),
                        ("is_stopping", models.BooleanField(default=False)),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "ordering": ["-id"],
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["waiting", "running"])),
                                fields=["next_attempt_at"],
                                name="job_to_do",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Lease",
                    fields=[
                        ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                        ("owner", models.CharField(max_length=64)),
                        ("until", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="LedgerDelta",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("hour", models.DateTimeField()),
                        (
                            "direction",
                            models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3),
                        ),
                        ("account", models.BigIntegerField()),
                        ("state", models.CharField(max_length=20)),
                        ("number", models.SmallIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="LedgerEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "direction",
                            models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3),
                        ),
                        ("at", models.DateTimeField()),
                        ("sender", models.CharField(blank=True, default="", max_length=320)),
                        ("recipients", models.TextField(blank=True, default="")),
                        ("subject", models.CharField(blank=True, default="", max_length=255)),
                        ("state", models.CharField(max_length=20)),
                        (
                            "mailbox",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="postvak.mailbox",
                            ),
                        ),
                        (
                            "channel",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="postvak.channel",
                            ),
                        ),
                        (
                            "queue",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="postvak.queue",
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "receipt",
                            models.OneToOneField(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="line",
                                to="postvak.receipt",
                            ),
                        ),
                        (
                            "delivery",
                            models.OneToOneField(
                                db_constraint=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="line",
                                to="postvak.delivery",
                            ),
                        ),
                        ("numbers", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["at"], name="ledger_by_time"),
                            models.Index(fields=["state", "id"], name="ledger_by_state"),
                            models.Index(fields=["sender", "id"], name="ledger_by_sender"),
                            models.Index(
                                condition=models.Q(("mailbox__isnull", False)),
                                fields=["mailbox", "id"],
                                name="ledger_by_mailbox",
                            ),
                            models.Index(
                                condition=models.Q(("channel__isnull", False)),
                                fields=["channel", "id"],
                                name="ledger_by_channel",
                            ),
                            models.Index(
                                condition=models.Q(("queue__isnull", False)),
                                fields=["queue", "id"],
                                name="ledger_by_queue",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LedgerTally",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("hour", models.DateTimeField()),
                        (
                            "direction",
                            models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3),
                        ),
                        ("account", models.BigIntegerField()),
                        ("state", models.CharField(max_length=20)),
                        ("number", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("hour", "direction", "account", "state"), name="ledger_tally_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="LoginProvider",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("google", "Google"),
                                    ("microsoft", "Microsoft"),
                                    ("oidc", "another (OpenID Connect)"),
                                ],
                                default="oidc",
                                max_length=10,
                                verbose_name="provider",
                            ),
                        ),
                        (
                            "issuer",
                            models.URLField(
                                blank=True, default="", max_length=500, verbose_name="address of the issuer"
                            ),
                        ),
                        ("tenant", models.CharField(blank=True, default="", max_length=100, verbose_name="tenant")),
                        ("client_id", models.CharField(max_length=255, verbose_name="application (client) id")),
                        ("sealed_client_secret", models.TextField(blank=True, default="")),
                        (
                            "domains",
                            models.TextField(
                                blank=True, default="", verbose_name="domains whose people get an account"
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.role",
                                verbose_name="role",
                            ),
                        ),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="Look",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "brand",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="look", to="postvak.brand"
                            ),
                        ),
                        (
                            "logo",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.blob",
                            ),
                        ),
                        ("logo_type", models.CharField(blank=True, default="", max_length=32)),
                        (
                            "logo_width",
                            models.PositiveSmallIntegerField(
                                default=160,
                                validators=[
                                    django.core.validators.MinValueValidator(16),
                                    django.core.validators.MaxValueValidator(600),
                                ],
                                verbose_name="width of the logo",
                            ),
                        ),
                        (
                            "accent",
                            models.CharField(
                                default="#0a5c5a",
                                max_length=7,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^#[0-9a-fA-F]{6}\\Z",
                                        "A colour is # and six digits or letters from a to f, as in #0a5c5a.",
                                    )
                                ],
                                verbose_name="colour of links and lines",
                            ),
                        ),
                        (
                            "background",
                            models.CharField(
                                default="#ffffff",
                                max_length=7,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^#[0-9a-fA-F]{6}\\Z",
                                        "A colour is # and six digits or letters from a to f, as in #0a5c5a.",
                                    )
                                ],
                                verbose_name="background",
                            ),
                        ),
                        (
                            "width",
                            models.PositiveSmallIntegerField(
                                default=640,
                                validators=[
                                    django.core.validators.MinValueValidator(320),
                                    django.core.validators.MaxValueValidator(960),
                                ],
                                verbose_name="width of the mail",
                            ),
                        ),
                        (
                            "font",
                            models.CharField(
                                choices=[
                                    ("system", "of the reader's system"),
                                    ("sans", "Arial, Helvetica"),
                                    ("serif", "Georgia, Times"),
                                    ("mono", "Courier"),
                                ],
                                default="system",
                                max_length=8,
                                verbose_name="font",
                            ),
                        ),
                        (
                            "reply_line",
                            models.BooleanField(default=False, verbose_name="“Reply above this line” on top"),
                        ),
                        (
                            "quotes_history",
                            models.BooleanField(default=True, verbose_name="quote the mail that is answered"),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="LoopBreak",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("ours", models.CharField(blank=True, default="", max_length=320)),
                        ("theirs", models.CharField(max_length=320)),
                        ("code", models.CharField(max_length=40)),
                        ("parameters", models.JSONField(default=dict)),
                        ("opened_at", models.DateTimeField()),
                        ("last_at", models.DateTimeField()),
                        ("stopped", models.PositiveIntegerField(default=0)),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "closed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("is_blocked", models.BooleanField(default=False)),
                    ],
                    options={
                        "ordering": ["-last_at", "-id"],
                        "indexes": [
                            models.Index(fields=["theirs", "-last_at"], name="loop_by_address"),
                            models.Index(fields=["-last_at"], name="loop_by_time"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("closed_at", None)),
                                fields=("ours", "theirs", "code"),
                                name="loop_broken_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Mailbox",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("host", models.CharField(blank=True, default="", max_length=255, verbose_name="server")),
                        ("port", models.PositiveIntegerField(default=993, verbose_name="port")),
                        (
                            "security",
                            models.CharField(
                                choices=[("none", "none"), ("starttls", "STARTTLS"), ("tls", "TLS")],
                                default="tls",
                                max_length=8,
                                verbose_name="encryption",
                            ),
                        ),
                        (
                            "verify_tls",
                            models.BooleanField(default=True, verbose_name="check the server's certificate"),
                        ),
                        ("ca_pem", models.TextField(blank=True, default="", verbose_name="own CA certificates (PEM)")),
                        ("username", models.CharField(blank=True, default="", max_length=255, verbose_name="user")),
                        ("sealed_password", models.TextField(blank=True, default="")),
                        (
                            "grant",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="%(class)ss",
                                to="postvak.grant",
                                verbose_name="connected account",
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("imap", "IMAP"),
                                    ("pop3", "POP3"),
                                    ("forward", "forwarding address"),
                                    ("http", "HTTP"),
                                    ("local", "command line"),
                                ],
                                default="imap",
                                max_length=8,
                                verbose_name="kind",
                            ),
                        ),
                        (
                            "folders",
                            models.CharField(blank=True, default="INBOX", max_length=1000, verbose_name="folders"),
                        ),
                        (
                            "queue",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="mailboxes",
                                to="postvak.queue",
                                verbose_name="fixed queue",
                            ),
                        ),
                        (
                            "reply_via",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.channel",
                                verbose_name="answers go out by",
                            ),
                        ),
                        ("start_at", models.DateTimeField(blank=True, null=True, verbose_name="start date")),
                        (
                            "after_storing",
                            models.CharField(
                                choices=[
                                    ("leave", "leave untouched"),
                                    ("seen", "mark as seen"),
                                    ("move", "move to a folder"),
                                    ("delete", "delete on the server"),
                                ],
                                default="leave",
                                max_length=8,
                                verbose_name="after storing",
                            ),
                        ),
                        (
                            "move_to",
                            models.CharField(blank=True, default="", max_length=255, verbose_name="target folder"),
                        ),
                        (
                            "interval",
                            models.PositiveIntegerField(
                                default=60,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="interval in seconds",
                            ),
                        ),
                        (
                            "size_limit",
                            models.PositiveIntegerField(
                                default=50,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="size limit in MB",
                            ),
                        ),
                        ("is_look_only", models.BooleanField(default=False, verbose_name="look only")),
                        ("is_trusted", models.BooleanField(default=False, verbose_name="trusted")),
                        (
                            "trusted_senders",
                            models.TextField(blank=True, default="", verbose_name="trusted senders only"),
                        ),
                        (
                            "receiving_host",
                            models.CharField(blank=True, default="", max_length=253, verbose_name="checks are made by"),
                        ),
                        (
                            "agents_mail",
                            models.CharField(
                                choices=[
                                    ("customer", "like mail from anybody"),
                                    ("note", "kept as an internal note"),
                                    ("answer", "sent on to the customer as an answer"),
                                ],
                                default="note",
                                max_length=8,
                                verbose_name="mail that agents write",
                            ),
                        ),
                        (
                            "agents_commands",
                            models.BooleanField(default=False, verbose_name="agents may give commands by mail"),
                        ),
                        (
                            "agents_forwards",
                            models.BooleanField(
                                default=True, verbose_name="mail forwarded by agents is the first sender's"
                            ),
                        ),
                        (
                            "answers_automatically",
                            models.BooleanField(default=True, verbose_name="automatic answers to its mails"),
                        ),
                        ("imports_closed", models.BooleanField(default=False, verbose_name="import as closed")),
                        (
                            "silence_limit",
                            models.PositiveIntegerField(
                                default=15,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="silence limit in minutes",
                            ),
                        ),
                        (
                            "forward_addresses",
                            models.TextField(blank=True, default="", verbose_name="forwarding addresses"),
                        ),
                        (
                            "validity",
                            models.CharField(
                                choices=[
                                    ("valid", "valid"),
                                    ("temporarily", "temporarily invalid"),
                                    ("invalid", "invalid"),
                                ],
                                default="valid",
                                max_length=12,
                                verbose_name="validity",
                            ),
                        ),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                        ("next_fetch_at", models.DateTimeField(blank=True, null=True)),
                        ("last_success_at", models.DateTimeField(blank=True, null=True)),
                        ("failing_since", models.DateTimeField(blank=True, null=True)),
                        ("failures", models.PositiveIntegerField(default=0)),
                        ("last_problem", models.CharField(blank=True, default="", max_length=32)),
                        ("last_said", models.TextField(blank=True, default="")),
                        ("last_details", models.JSONField(blank=True, default=dict)),
                        ("unreadable", models.JSONField(blank=True, default=dict)),
                        ("move_begun_at", models.DateTimeField(blank=True, null=True)),
                        ("reconciled_at", models.DateTimeField(blank=True, null=True)),
                        ("compared", models.PositiveIntegerField(default=0)),
                        ("missing", models.JSONField(blank=True, default=list)),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("kind", "local")), fields=("kind",), name="one_local_mailbox"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Membership",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "may_answer",
                            models.BooleanField(db_default=True, default=True, verbose_name="answer and write notes"),
                        ),
                        (
                            "may_move",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="move to other queues and assign"
                            ),
                        ),
                        (
                            "may_close",
                            models.BooleanField(db_default=True, default=True, verbose_name="close and reopen"),
                        ),
                        (
                            "may_delete",
                            models.BooleanField(db_default=True, default=True, verbose_name="put into the trash"),
                        ),
                        (
                            "may_administer",
                            models.BooleanField(db_default=False, default=False, verbose_name="administer the queue"),
                        ),
                        (
                            "is_lead",
                            models.BooleanField(
                                db_default=False, default=False, verbose_name="lead: sees private tickets"
                            ),
                        ),
                        ("queue", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="postvak.queue")),
                        (
                            "agent",
                            models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
                        ),
                        (
                            "own_role",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="memberships",
                                to="postvak.role",
                                verbose_name="role",
                            ),
                        ),
                        ("assigned_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("queue", "agent"), name="member_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Mention",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mentions",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="mentions",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("message", "agent"), name="mentioned_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Message",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="messages",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("incoming", "incoming mail"),
                                    ("outgoing", "outgoing mail"),
                                    ("note", "internal note"),
                                ],
                                max_length=8,
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "customer",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.customer",
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("author_name", models.CharField(blank=True, default="", max_length=200)),
                        ("author_email", models.CharField(blank=True, default="", max_length=320)),
                        ("to", models.JSONField(default=list)),
                        ("cc", models.JSONField(default=list)),
                        ("subject", models.TextField(blank=True, default="")),
                        ("text", models.TextField(blank=True, default="")),
                        ("has_html", models.BooleanField(default=False)),
                        (
                            "author_kind",
                            models.CharField(
                                choices=[("customer", "customer"), ("agent", "agent"), ("system", "system")],
                                default="customer",
                                max_length=8,
                            ),
                        ),
                        (
                            "purpose",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "answer"),
                                    ("first", "first mail"),
                                    ("forward", "forwarded mail"),
                                    ("redirect", "redirected mail"),
                                    ("again", "mail sent again"),
                                    ("side", "mail to a third party"),
                                ],
                                default="",
                                max_length=8,
                            ),
                        ),
                        ("is_internal", models.BooleanField(default=False)),
                        ("mail_kind", models.CharField(blank=True, default="", max_length=12)),
                        ("message_id", models.CharField(blank=True, db_index=True, default="", max_length=255)),
                        ("references", models.JSONField(default=list)),
                        (
                            "blob",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.blob",
                            ),
                        ),
                        ("taken_back_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "side",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="messages",
                                to="postvak.sideconversation",
                            ),
                        ),
                        (
                            "moved_from",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.ticket",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["created_at", "id"],
                        "indexes": [models.Index(fields=["created_at"], name="message_by_time")],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("kind", "note"), ("blob__isnull", False), _connector="OR"),
                                name="mail_has_its_bytes",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Notification",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notifications",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.ticket"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("assigned", "a ticket was given to you"),
                                    ("answered", "a customer wrote on your ticket"),
                                    ("mentioned", "you were mentioned"),
                                    ("noted", "a colleague wrote a note on your ticket"),
                                    ("followed", "news on a ticket that you follow"),
                                    ("reminded", "a reminder is due"),
                                    ("late", "a ticket is late"),
                                    ("undelivered", "an answer was not delivered"),
                                    ("opened", "a new ticket in your queue"),
                                    ("changed", "status, queue or priority changed"),
                                    ("due_near", "an answer is due soon"),
                                    ("unanswered", "a customer waits for an answer"),
                                    ("unassigned", "a ticket has no assignee"),
                                    ("silent", "a customer doesn't answer"),
                                ],
                                max_length=11,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("read_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["agent", "-at"], name="notification_by_agent")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("read_at", None)),
                                fields=("agent", "ticket", "kind"),
                                name="unread_notification_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Options",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "numbers",
                            models.CharField(
                                choices=[
                                    ("date", "date, counter and check digit"),
                                    ("counter", "counter"),
                                    ("random", "random"),
                                ],
                                default="date",
                                max_length=8,
                                verbose_name="ticket numbers",
                            ),
                        ),
                        (
                            "hook",
                            models.CharField(
                                blank=True, default="#", max_length=20, verbose_name="mark before the number"
                            ),
                        ),
                        (
                            "subject_place",
                            models.CharField(
                                choices=[("right", "at the end"), ("left", "at the beginning"), ("none", "not at all")],
                                default="right",
                                max_length=5,
                                verbose_name="number in the subject",
                            ),
                        ),
                        (
                            "stranger",
                            models.CharField(
                                choices=[
                                    ("new_ticket", "open a new ticket that is linked"),
                                    ("hold", "hold the mail for a person"),
                                ],
                                default="new_ticket",
                                max_length=10,
                                verbose_name="when a stranger names a ticket",
                            ),
                        ),
                        (
                            "unmatched_report",
                            models.CharField(
                                choices=[("hold", "hold the mail for a person"), ("new_ticket", "open a ticket")],
                                default="hold",
                                max_length=10,
                                verbose_name="delivery reports that fit no mail of ours",
                            ),
                        ),
                        (
                            "number_in_body",
                            models.BooleanField(default=False, verbose_name="look for the number in the text"),
                        ),
                        (
                            "number_in_attachments",
                            models.BooleanField(default=False, verbose_name="look for the number in attachments"),
                        ),
                        (
                            "trash_days",
                            models.PositiveIntegerField(
                                blank=True, null=True, verbose_name="days until the trash is emptied"
                            ),
                        ),
                        (
                            "log_days",
                            models.PositiveIntegerField(
                                default=7, verbose_name="days that the communication log is kept"
                            ),
                        ),
                        (
                            "failed_log_days",
                            models.PositiveIntegerField(
                                default=31, verbose_name="days that failed communications are kept"
                            ),
                        ),
                        (
                            "alarm_hook",
                            models.URLField(blank=True, default="", max_length=500, verbose_name="web hook for alarms"),
                        ),
                        (
                            "outbox_minutes",
                            models.PositiveIntegerField(
                                blank=True, default=60, null=True, verbose_name="minutes until waiting mail is an alarm"
                            ),
                        ),
                        (
                            "held_hours",
                            models.PositiveIntegerField(
                                blank=True, default=24, null=True, verbose_name="hours until held mail is an alarm"
                            ),
                        ),
                        (
                            "automatic_per_day",
                            models.PositiveIntegerField(
                                default=10, verbose_name="automatic mails to an address in 24 hours"
                            ),
                        ),
                        (
                            "automatic_per_pair",
                            models.PositiveIntegerField(
                                default=3, verbose_name="automatic mails between two addresses in 10 minutes"
                            ),
                        ),
                        (
                            "automatic_unanswered",
                            models.PositiveIntegerField(
                                default=20, verbose_name="automatic mails to an address until a person writes to it"
                            ),
                        ),
                        (
                            "tickets_per_hour",
                            models.PositiveIntegerField(default=20, verbose_name="new tickets of a sender in an hour"),
                        ),
                        (
                            "automatic_hours",
                            models.PositiveIntegerField(
                                default=24, verbose_name="hours after which a mail is not answered automatically"
                            ),
                        ),
                        (
                            "second_factor",
                            models.CharField(
                                choices=[
                                    ("nobody", "nobody has to"),
                                    ("admins", "administrators"),
                                    ("all", "everybody"),
                                ],
                                default="nobody",
                                max_length=6,
                                verbose_name="log-in with a second factor",
                            ),
                        ),
                        (
                            "backup_hour",
                            models.PositiveSmallIntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MaxValueValidator(23)],
                                verbose_name="hour of the daily backup",
                            ),
                        ),
                        (
                            "backups_kept",
                            models.PositiveSmallIntegerField(
                                default=7,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="backups that are kept",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("pk", 1)), name="one_row_of_options")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Organisation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=200, verbose_name="name")),
                        (
                            "number",
                            models.CharField(blank=True, default="", max_length=64, verbose_name="customer number"),
                        ),
                        ("note", models.TextField(blank=True, default="", verbose_name="note")),
                        ("fields", models.JSONField(blank=True, default=dict)),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="OrganisationDomain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "organisation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="domains",
                                to="postvak.organisation",
                            ),
                        ),
                        ("domain", models.CharField(max_length=253, unique=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="OutgoingMail",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="outgoing",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="notices",
                                to="postvak.ticket",
                            ),
                        ),
                        ("author_email", models.CharField(blank=True, default="", max_length=320)),
                        ("subject", models.TextField(blank=True, default="")),
                        ("message_id_header", models.CharField(blank=True, default="", max_length=255)),
                        (
                            "channel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.channel"
                            ),
                        ),
                        ("envelope_from", models.CharField(blank=True, max_length=320)),
                        (
                            "blob",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.blob"
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("send_at", models.DateTimeField(blank=True, null=True)),
                        ("retried_at", models.DateTimeField(blank=True, null=True)),
                        ("before", models.JSONField(blank=True, default=dict)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("next_attempt_at__isnull", False)),
                                fields=["next_attempt_at"],
                                name="outgoing_to_do",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Participant",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="participants",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "customer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.customer"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(fields=("ticket", "customer"), name="participant_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Presence",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="present", to="postvak.ticket"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("seen_at", models.DateTimeField()),
                        ("is_typing", models.BooleanField(default=False)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["seen_at"], name="presence_by_time")],
                        "constraints": [models.UniqueConstraint(fields=("ticket", "agent"), name="present_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Priority",
                    fields=[
                        (
                            "level",
                            models.PositiveSmallIntegerField(
                                primary_key=True,
                                serialize=False,
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(9),
                                ],
                                verbose_name="level",
                            ),
                        ),
                        ("name", models.CharField(blank=True, default="", max_length=100, verbose_name="name")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                    ],
                    options={
                        "verbose_name_plural": "priorities",
                        "ordering": ["level"],
                    },
                ),
                migrations.CreateModel(
                    name="Queue",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "colour",
                            models.CharField(
                                choices=[
                                    ("petrol", "petrol"),
                                    ("ochre", "ochre"),
                                    ("brick", "brick"),
                                    ("moss", "moss"),
                                    ("slate", "slate"),
                                    ("plum", "plum"),
                                    ("sea", "sea"),
                                    ("stone", "stone"),
                                ],
                                default="petrol",
                                max_length=10,
                                verbose_name="colour",
                            ),
                        ),
                        (
                            "brand",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="queues",
                                to="postvak.brand",
                                verbose_name="brand",
                            ),
                        ),
                        (
                            "address",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.address",
                                verbose_name="sending address",
                            ),
                        ),
                        (
                            "follow_up",
                            models.CharField(
                                choices=[
                                    ("reopen", "reopens the ticket"),
                                    ("new_ticket", "opens a new ticket that is linked"),
                                    ("reject", "is kept there, the sender is told"),
                                ],
                                default="reopen",
                                max_length=10,
                                verbose_name="mail on closed tickets",
                            ),
                        ),
                        (
                            "follow_up_days",
                            models.PositiveIntegerField(
                                blank=True, null=True, verbose_name="closed tickets end after days"
                            ),
                        ),
                        (
                            "auto_assign",
                            models.CharField(
                                choices=[
                                    ("none", "nobody"),
                                    ("round_robin", "members in turn"),
                                    ("least_open", "the member with the fewest open tickets"),
                                ],
                                default="none",
                                max_length=11,
                                verbose_name="new tickets are given to",
                            ),
                        ),
                        ("is_default", models.BooleanField(default=False, verbose_name="default queue")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "members",
                            models.ManyToManyField(
                                related_name="queues",
                                through="postvak.Membership",
                                to=settings.AUTH_USER_MODEL,
                                verbose_name="members",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("is_default", True)),
                                fields=("is_default",),
                                name="one_default_queue",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("is_valid", True), ("is_default", False), _connector="OR"),
                                name="default_queue_is_valid",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="QueueTeam",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "queue",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="queue_teams",
                                to="postvak.queue",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="queue_teams",
                                to="postvak.team",
                            ),
                        ),
                        (
                            "role",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="queue_teams",
                                to="postvak.role",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("queue", "team"), name="team_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Rating",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE, related_name="rating", to="postvak.ticket"
                            ),
                        ),
                        ("value", models.PositiveSmallIntegerField(choices=[(1, "bad"), (2, "fair"), (3, "good")])),
                        ("comment", models.TextField(blank=True, default="")),
                        ("at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Receipt",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="receipts",
                                to="postvak.mailbox",
                            ),
                        ),
                        ("source", models.CharField(max_length=400)),
                        (
                            "blob",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.blob",
                            ),
                        ),
                        ("size", models.BigIntegerField()),
                        ("received_at", models.DateTimeField()),
                        ("arrived_at", models.DateTimeField(blank=True, null=True)),
                        ("envelope_from", models.CharField(blank=True, default="", max_length=320)),
                        ("envelope_to", models.JSONField(default=list)),
                        ("remote_ip", models.CharField(blank=True, default="", max_length=45)),
                        (
                            "state",
                            models.CharField(
                                choices=[("received", "received"), ("processing", "being processed"), ("done", "done")],
                                default="received",
                                max_length=10,
                            ),
                        ),
                        ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("error", models.TextField(blank=True, default="")),
                        ("is_released", models.BooleanField(default=False)),
                        (
                            "wanted_queue",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.queue",
                            ),
                        ),
                        (
                            "outcome",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("new_ticket", "ticket created"),
                                    ("follow_up", "added to ticket"),
                                    ("grouped", "grouped with recent ticket"),
                                    ("new_ticket_instead", "new ticket instead of closed one"),
                                    ("rejected", "rejected"),
                                    ("delivery_report", "delivery report"),
                                    ("ignored", "ignored"),
                                    ("duplicate", "duplicate"),
                                    ("before_start", "before start date"),
                                    ("held", "held"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        ("processed_at", models.DateTimeField(blank=True, null=True)),
                        ("duration_ms", models.FloatField(blank=True, null=True)),
                        (
                            "ticket",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="receipts",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="receipts",
                                to="postvak.message",
                            ),
                        ),
                        (
                            "first",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="copies",
                                to="postvak.receipt",
                            ),
                        ),
                        ("fingerprint", models.CharField(blank=True, max_length=64, null=True)),
                        ("message_id_header", models.CharField(blank=True, default="", max_length=255)),
                        ("author_email", models.CharField(blank=True, default="", max_length=320)),
                        ("written_to", models.TextField(blank=True, default="")),
                        ("subject", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "done"), _negated=True),
                                fields=["next_attempt_at"],
                                name="receipt_to_do",
                            ),
                            models.Index(fields=["outcome", "-received_at"], name="receipt_by_outcome"),
                            models.Index(
                                condition=models.Q(("message_id_header", ""), _negated=True),
                                fields=["message_id_header"],
                                name="receipt_by_message_id",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("mailbox", "source"), name="receipt_source_once"),
                            models.UniqueConstraint(fields=("fingerprint",), name="receipt_fingerprint_once"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("outcome__gt", ""), ("state", "done")),
                                    models.Q(models.Q(("state", "done"), _negated=True), ("outcome", "")),
                                    _connector="OR",
                                ),
                                name="done_means_one_outcome",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Redaction",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="redactions",
                                to="postvak.message",
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        (
                            "by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("reason", models.CharField(max_length=200, verbose_name="reason")),
                        ("places", models.PositiveIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="ReferencedId",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="referenced",
                                to="postvak.message",
                            ),
                        ),
                        ("value", models.CharField(db_index=True, max_length=255)),
                    ],
                ),
                migrations.CreateModel(
                    name="RemoteContent",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("email", models.CharField(max_length=320)),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("agent", "email"), name="remote_content_once")],
                    },
                ),
                migrations.CreateModel(
                    name="RemovedTicket",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.CharField(max_length=40, unique=True)),
                        (
                            "queue",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.queue",
                            ),
                        ),
                        ("trashed_at", models.DateTimeField()),
                        ("removed_at", models.DateTimeField()),
                        ("message_count", models.PositiveIntegerField(default=0)),
                        ("mails", models.JSONField(default=list)),
                    ],
                    options={
                        "ordering": ["-removed_at", "-id"],
                    },
                ),
                migrations.CreateModel(
                    name="Retention",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "outcome",
                            models.CharField(
                                choices=[
                                    ("new_ticket", "ticket created"),
                                    ("follow_up", "added to ticket"),
                                    ("grouped", "grouped with recent ticket"),
                                    ("new_ticket_instead", "new ticket instead of closed one"),
                                    ("rejected", "rejected"),
                                    ("delivery_report", "delivery report"),
                                    ("ignored", "ignored"),
                                    ("duplicate", "duplicate"),
                                    ("before_start", "before start date"),
                                    ("held", "held"),
                                ],
                                max_length=20,
                                unique=True,
                                verbose_name="outcome",
                            ),
                        ),
                        (
                            "days",
                            models.PositiveIntegerField(
                                validators=[django.core.validators.MinValueValidator(1)], verbose_name="days"
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="Role",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "may_answer",
                            models.BooleanField(db_default=True, default=True, verbose_name="answer and write notes"),
                        ),
                        (
                            "may_move",
                            models.BooleanField(
                                db_default=True, default=True, verbose_name="move to other queues and assign"
                            ),
                        ),
                        (
                            "may_close",
                            models.BooleanField(db_default=True, default=True, verbose_name="close and reopen"),
                        ),
                        (
                            "may_delete",
                            models.BooleanField(db_default=True, default=True, verbose_name="put into the trash"),
                        ),
                        (
                            "may_administer",
                            models.BooleanField(db_default=False, default=False, verbose_name="administer the queue"),
                        ),
                        (
                            "is_lead",
                            models.BooleanField(
                                db_default=False, default=False, verbose_name="lead: sees private tickets"
                            ),
                        ),
                        ("key", models.SlugField(blank=True, default="", max_length=20)),
                        ("name", models.CharField(blank=True, default="", max_length=100, verbose_name="name")),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("key", ""), _negated=True),
                                fields=("key",),
                                name="shipped_role_once",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("name", ""), _negated=True), fields=("name",), name="role_name_once"
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("key", ""), _negated=True),
                                    models.Q(("name", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="role_has_a_name",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Rule",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.SlugField(blank=True, default="", max_length=40)),
                        ("name", models.CharField(blank=True, default="", max_length=100, verbose_name="name")),
                        (
                            "trigger",
                            models.CharField(
                                choices=[
                                    ("new_ticket", "a ticket is opened"),
                                    ("instead", "a ticket is opened instead of a closed one"),
                                    ("follow_up", "a customer writes on a ticket"),
                                    ("rejected", "a mail on a closed ticket is rejected"),
                                    ("noted", "a colleague writes a note"),
                                    ("mentioned", "somebody is mentioned in a note"),
                                    ("assigned", "a ticket gets an assignee"),
                                    ("status", "the status changes"),
                                    ("closed", "a ticket is closed"),
                                    ("reopened", "a closed ticket is opened again"),
                                    ("queue", "a ticket moves to another queue"),
                                    ("priority", "the priority changes"),
                                    ("undelivered", "an answer could not be delivered"),
                                    ("pending", "a reminder is due"),
                                    ("due_near", "an answer is due soon"),
                                    ("late", "an answer is late"),
                                    ("unanswered", "a customer waits for an answer"),
                                    ("unassigned", "a ticket has no assignee"),
                                    ("silent", "a customer doesn't answer"),
                                    ("account", "a mailbox or channel is broken"),
                                    ("certificate", "a certificate expires"),
                                    ("digest", "each day at a certain hour"),
                                ],
                                max_length=12,
                                verbose_name="when",
                            ),
                        ),
                        ("recipients", models.JSONField(default=list, verbose_name="to whom")),
                        ("match", models.CharField(default="all", max_length=3)),
                        ("conditions", models.JSONField(default=list)),
                        ("minutes", models.PositiveIntegerField(blank=True, null=True, verbose_name="minutes")),
                        (
                            "calendar",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="rules",
                                to="postvak.calendar",
                                verbose_name="business hours",
                            ),
                        ),
                        ("hour", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="hour")),
                        (
                            "status",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.status",
                                verbose_name="status afterwards",
                            ),
                        ),
                        (
                            "delivery",
                            models.CharField(
                                choices=[
                                    ("mail", "by mail at once"),
                                    ("digest", "in the daily digest"),
                                    ("app", "in Postvak only"),
                                    ("none", "not at all"),
                                ],
                                default="mail",
                                max_length=6,
                                verbose_name="for agents",
                            ),
                        ),
                        (
                            "once",
                            models.CharField(
                                choices=[
                                    ("each", "each time"),
                                    ("day", "once a day for a ticket"),
                                    ("ticket", "once for a ticket"),
                                ],
                                default="each",
                                max_length=6,
                                verbose_name="how often",
                            ),
                        ),
                        (
                            "per_day",
                            models.PositiveSmallIntegerField(
                                blank=True, null=True, verbose_name="mails to one address in 24 hours"
                            ),
                        ),
                        ("is_on", models.BooleanField(default=False, verbose_name="switched on")),
                        ("on_since", models.DateTimeField(blank=True, null=True)),
                        ("looked_until", models.DateTimeField(blank=True, null=True)),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                        ("changed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "changed_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position", "id"],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("key", ""), _negated=True),
                                fields=("key",),
                                name="shipped_rule_once",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("key", ""), _negated=True),
                                    models.Q(("name", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="rule_has_a_name",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RuleChoice",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "rule",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="choices", to="postvak.rule"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rule_choices",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "delivery",
                            models.CharField(
                                choices=[
                                    ("mail", "by mail at once"),
                                    ("digest", "in the daily digest"),
                                    ("app", "in Postvak only"),
                                    ("none", "not at all"),
                                ],
                                max_length=6,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("rule", "agent"), name="rule_choice_once")],
                    },
                ),
                migrations.CreateModel(
                    name="RuleFile",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.TextField()),
                        ("content_type", models.CharField(max_length=255)),
                        ("size", models.PositiveBigIntegerField()),
                        ("content_id", models.CharField(blank=True, default="", max_length=100)),
                        (
                            "blob",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.blob"
                            ),
                        ),
                        (
                            "rule",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="files", to="postvak.rule"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["id"],
                    },
                ),
                migrations.CreateModel(
                    name="RuleText",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "rule",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="postvak.rule"
                            ),
                        ),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        ("subject", models.CharField(blank=True, default="", max_length=500, verbose_name="subject")),
                        ("html", models.TextField(blank=True, default="", verbose_name="text")),
                    ],
                    options={
                        "ordering": ["language"],
                        "constraints": [models.UniqueConstraint(fields=("rule", "language"), name="rule_text_once")],
                    },
                ),
                migrations.CreateModel(
                    name="SavedView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("name", models.CharField(max_length=60, verbose_name="name")),
                        ("is_shared", models.BooleanField(default=False, verbose_name="for everybody")),
                        ("condition", models.JSONField(default=dict)),
                        ("columns", models.JSONField(default=list)),
                        ("order", models.CharField(blank=True, default="", max_length=20, verbose_name="order")),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                    ],
                    options={
                        "ordering": ["position", "name", "id"],
                    },
                ),
                migrations.CreateModel(
                    name="SearchAgain",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.message"
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SearchEntry",
                    fields=[
                        ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                        (
                            "message",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="search_entry",
                                to="postvak.message",
                            ),
                        ),
                    ],
                ),
                migrations.CreateModel(
                    name="SearchState",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("mark", models.BigIntegerField(default=0)),
                        ("checkpoint", models.BigIntegerField(default=0)),
                        ("checkpoint_at", models.DateTimeField(blank=True, null=True)),
                        ("backlog", models.BigIntegerField(default=0)),
                        ("analyser", models.PositiveIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="SearchText",
                    fields=[
                        (
                            "entry",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="text",
                                serialize=False,
                                to="postvak.searchentry",
                            ),
                        ),
                        ("words", postvak.models.search.LexemesField()),
                    ],
                ),
                migrations.CreateModel(
                    name="SentCopy",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "outgoing",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="copy",
                                to="postvak.outgoingmail",
                            ),
                        ),
                        (
                            "mailbox",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.mailbox"
                            ),
                        ),
                        ("folder", models.CharField(max_length=255)),
                        ("next_attempt_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                        ("claimed_until", models.DateTimeField(blank=True, null=True)),
                        ("said", models.TextField(blank=True, default="")),
                    ],
                ),
                migrations.CreateModel(
                    name="SideConversation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="side_conversations",
                                to="postvak.ticket",
                            ),
                        ),
                        ("subject", models.TextField(verbose_name="subject")),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="SigningKey",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("domain", models.CharField(max_length=253, verbose_name="domain")),
                        ("selector", models.CharField(max_length=63, verbose_name="selector")),
                        ("sealed_key", models.TextField()),
                        ("public", models.TextField()),
                        ("is_on", models.BooleanField(default=False, verbose_name="signs")),
                        ("created_at", models.DateTimeField()),
                        ("checked_at", models.DateTimeField(blank=True, null=True)),
                        ("found", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "ordering": ["domain", "selector"],
                        "constraints": [
                            models.UniqueConstraint(fields=("domain", "selector"), name="selector_once"),
                            models.UniqueConstraint(
                                condition=models.Q(("is_on", True)), fields=("domain",), name="one_key_signs"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Sla",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        (
                            "calendar",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="slas",
                                to="postvak.calendar",
                                verbose_name="calendar",
                            ),
                        ),
                        (
                            "first_answer",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="first answer within",
                            ),
                        ),
                        (
                            "next_answer",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="next answers within",
                            ),
                        ),
                        (
                            "solution",
                            models.PositiveIntegerField(
                                blank=True,
                                null=True,
                                validators=[django.core.validators.MinValueValidator(1)],
                                verbose_name="solved within",
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="slas", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                        (
                            "priorities",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.priority", verbose_name="priorities"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["position", "id"],
                    },
                ),
                migrations.CreateModel(
                    name="Status",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.SlugField(max_length=40, unique=True)),
                        ("name", models.CharField(blank=True, default="", max_length=100, verbose_name="name")),
                        (
                            "type",
                            models.CharField(
                                choices=[
                                    ("new", "new"),
                                    ("open", "open"),
                                    ("pending", "pending"),
                                    ("closed", "closed"),
                                    ("removed", "removed"),
                                ],
                                max_length=8,
                                verbose_name="type",
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                    ],
                    options={
                        "verbose_name_plural": "statuses",
                        "ordering": ["position", "key"],
                    },
                ),
                migrations.CreateModel(
                    name="Suppression",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("address", models.CharField(max_length=320, unique=True)),
                        (
                            "reason",
                            models.CharField(
                                choices=[("bounced", "mail came back"), ("complained", "complaint")], max_length=10
                            ),
                        ),
                        ("since", models.DateTimeField()),
                        (
                            "delivery",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.delivery",
                            ),
                        ),
                        ("said", models.TextField(blank=True, default="")),
                    ],
                    options={
                        "ordering": ["address"],
                    },
                ),
                migrations.CreateModel(
                    name="Tag",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=60, verbose_name="name")),
                        (
                            "colour",
                            models.CharField(
                                choices=[
                                    ("petrol", "petrol"),
                                    ("ochre", "ochre"),
                                    ("brick", "brick"),
                                    ("moss", "moss"),
                                    ("slate", "slate"),
                                    ("plum", "plum"),
                                    ("sea", "sea"),
                                    ("stone", "stone"),
                                ],
                                default="stone",
                                max_length=10,
                                verbose_name="colour",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                        "constraints": [
                            models.UniqueConstraint(django.db.models.functions.text.Lower("name"), name="tag_name_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Tagging",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="taggings",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "tag",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="taggings", to="postvak.tag"
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("ticket", "tag"), name="tag_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Tally",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("queue_id", models.BigIntegerField()),
                        ("assignee_id", models.BigIntegerField()),
                        ("status_id", models.BigIntegerField()),
                        ("is_private", models.BooleanField()),
                        ("number", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("queue_id", "assignee_id", "status_id", "is_private"), name="tally_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TallyDelta",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("queue_id", models.BigIntegerField()),
                        ("assignee_id", models.BigIntegerField()),
                        ("status_id", models.BigIntegerField()),
                        ("is_private", models.BooleanField()),
                        ("number", models.SmallIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="Team",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        ("comment", models.CharField(blank=True, default="", max_length=500, verbose_name="comment")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        (
                            "members",
                            models.ManyToManyField(
                                blank=True, related_name="teams", to=settings.AUTH_USER_MODEL, verbose_name="members"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="Ticket",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("number", models.CharField(max_length=40, unique=True)),
                        ("subject", models.TextField(verbose_name="subject")),
                        (
                            "queue",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tickets",
                                to="postvak.queue",
                                verbose_name="queue",
                            ),
                        ),
                        (
                            "status",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.status",
                                verbose_name="status",
                            ),
                        ),
                        (
                            "priority",
                            models.ForeignKey(
                                db_column="priority",
                                default=3,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.priority",
                                verbose_name="priority",
                            ),
                        ),
                        (
                            "type",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.tickettype",
                                verbose_name="type",
                            ),
                        ),
                        ("fields", models.JSONField(blank=True, default=dict)),
                        (
                            "assignee",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="tickets",
                                to=settings.AUTH_USER_MODEL,
                                verbose_name="assignee",
                            ),
                        ),
                        (
                            "customer",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="tickets",
                                to="postvak.customer",
                                verbose_name="customer",
                            ),
                        ),
                        (
                            "organisation",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.organisation",
                                verbose_name="organisation",
                            ),
                        ),
                        ("pending_until", models.DateTimeField(blank=True, null=True, verbose_name="pending until")),
                        ("is_spam", models.BooleanField(default=False, verbose_name="spam")),
                        ("is_personal", models.BooleanField(default=False, verbose_name="personal")),
                        ("is_private", models.BooleanField(default=False, verbose_name="private")),
                        (
                            "merged_into",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="merged",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "reply_address",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.address",
                            ),
                        ),
                        (
                            "reply_via",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="postvak.channel",
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        ("changed_at", models.DateTimeField()),
                        ("closed_at", models.DateTimeField(blank=True, null=True)),
                        ("is_open", models.BooleanField(default=True)),
                        ("preview", models.CharField(blank=True, default="", max_length=200)),
                        ("message_count", models.PositiveIntegerField(default=0)),
                        ("attachment_count", models.PositiveIntegerField(default=0)),
                        ("is_unread", models.BooleanField(default=True)),
                        ("waiting_since", models.DateTimeField(blank=True, null=True)),
                        (
                            "answer",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", "nothing on its way"),
                                    ("waiting", "answer not out yet"),
                                    ("later", "answer goes out later"),
                                    ("failed", "answer not delivered"),
                                    ("in_doubt", "answer perhaps not delivered"),
                                ],
                                default="",
                                max_length=8,
                            ),
                        ),
                        ("first_answered_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "sla",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.sla",
                            ),
                        ),
                        ("first_due_at", models.DateTimeField(blank=True, null=True)),
                        ("next_due_at", models.DateTimeField(blank=True, null=True)),
                        ("solution_due_at", models.DateTimeField(blank=True, null=True)),
                        ("due_at", models.DateTimeField(blank=True, null=True)),
                        ("waited", models.PositiveIntegerField(default=0)),
                        ("waits_from", models.DateTimeField(blank=True, null=True)),
                        ("late_told_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "tags",
                            models.ManyToManyField(
                                related_name="tickets", through="postvak.Tagging", to="postvak.tag", verbose_name="tags"
                            ),
                        ),
                        (
                            "followers",
                            models.ManyToManyField(
                                related_name="followed", to=settings.AUTH_USER_MODEL, verbose_name="followers"
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("is_open", True)),
                                fields=["queue", "-changed_at"],
                                name="open_by_queue",
                            ),
                            models.Index(
                                condition=models.Q(("is_open", True)), fields=["-changed_at"], name="open_by_change"
                            ),
                            models.Index(
                                condition=models.Q(("is_open", True)),
                                fields=["assignee", "-changed_at"],
                                name="open_by_assignee",
                            ),
                            models.Index(fields=["-changed_at", "id"], name="ticket_by_change"),
                            models.Index(
                                condition=models.Q(("answer", ""), _negated=True),
                                fields=["answer"],
                                name="ticket_answer_state",
                            ),
                            models.Index(
                                condition=models.Q(("pending_until__isnull", False)),
                                fields=["pending_until"],
                                name="ticket_reminder",
                            ),
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="ticket_due"
                            ),
                            models.Index(
                                condition=models.Q(("due_at__isnull", False), ("late_told_at", None)),
                                fields=["due_at"],
                                name="ticket_late_to_tell",
                            ),
                            models.Index(
                                condition=models.Q(("waiting_since__isnull", False)),
                                fields=["waiting_since"],
                                name="ticket_customer_waits",
                            ),
                            models.Index(
                                condition=models.Q(("is_spam", True)), fields=["-changed_at"], name="spam_by_change"
                            ),
                            models.Index(fields=["customer", "-changed_at"], name="ticket_by_customer"),
                            models.Index(fields=["created_at"], name="ticket_by_creation"),
                            models.Index(
                                condition=models.Q(("closed_at__isnull", False)),
                                fields=["closed_at"],
                                name="ticket_by_closing",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="TicketCounter",
                    fields=[
                        ("day", models.DateField(primary_key=True, serialize=False)),
                        ("last", models.PositiveIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="TicketLink",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "ticket",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="links", to="postvak.ticket"
                            ),
                        ),
                        (
                            "origin",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="backlinks",
                                to="postvak.ticket",
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("instead", "opened instead of"),
                                    ("wanted", "named by a stranger's mail"),
                                    ("split", "split off from"),
                                    ("merged", "merged into"),
                                    ("related", "related to"),
                                    ("part", "part of"),
                                ],
                                default="related",
                                max_length=8,
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("ticket", "origin"), name="link_once")],
                    },
                ),
                migrations.CreateModel(
                    name="TicketType",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="Trace",
                    fields=[
                        (
                            "receipt",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="trace",
                                serialize=False,
                                to="postvak.receipt",
                            ),
                        ),
                        ("entries", models.JSONField(default=list)),
                    ],
                ),
                migrations.CreateModel(
                    name="ViewCount",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "view",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="counts",
                                to="postvak.savedview",
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("number", models.PositiveIntegerField(default=0)),
                        ("counted_at", models.DateTimeField()),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("view", "agent"), name="view_count_once")],
                    },
                ),
                migrations.CreateModel(
                    name="Webhook",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, unique=True, verbose_name="name")),
                        ("url", models.URLField(max_length=500, verbose_name="address")),
                        ("sealed_secret", models.TextField(blank=True, default="")),
                        ("events", models.JSONField(default=list, verbose_name="events")),
                        ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                        ("created_at", models.DateTimeField()),
                        ("failing_since", models.DateTimeField(blank=True, null=True)),
                        ("last_said", models.TextField(blank=True, default="")),
                        (
                            "queues",
                            models.ManyToManyField(
                                blank=True, related_name="+", to="postvak.queue", verbose_name="queues"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["name"],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "webhook",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="postvak.webhook",
                            ),
                        ),
                        ("event", models.CharField(max_length=40)),
                        ("occasion", models.CharField(blank=True, default="", max_length=60)),
                        (
                            "ticket",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="postvak.ticket",
                            ),
                        ),
                        ("body", models.TextField()),
                        ("created_at", models.DateTimeField()),
                        (
                            "state",
                            models.CharField(
                                choices=[("pending", "waits"), ("delivered", "delivered"), ("failed", "failed")],
                                default="pending",
                                max_length=9,
                            ),
                        ),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("next_attempt_at", models.DateTimeField()),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("status", models.PositiveSmallIntegerField(blank=True, null=True)),
                        ("said", models.TextField(blank=True, default="")),
                        ("duration", models.PositiveIntegerField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "pending")),
                                fields=["next_attempt_at"],
                                name="webhook_delivery_due",
                            ),
                            models.Index(fields=["webhook", "-id"], name="webhook_delivery_log"),
                            models.Index(fields=["created_at"], name="webhook_delivery_by_time"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("occasion", ""), _negated=True),
                                fields=("webhook", "event", "occasion"),
                                name="webhook_told_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Wording",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "part",
                            models.CharField(
                                choices=[
                                    ("salutation", "salutation"),
                                    ("signature", "signature"),
                                    ("footer", "footer"),
                                ],
                                max_length=10,
                                verbose_name="part",
                            ),
                        ),
                        (
                            "brand",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="wordings",
                                to="postvak.brand",
                            ),
                        ),
                        (
                            "address",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="wordings",
                                to="postvak.address",
                            ),
                        ),
                        (
                            "agent",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="wordings",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                        ("text", models.TextField(blank=True, default="", verbose_name="text")),
                        ("html", models.TextField(blank=True, default="", verbose_name="formatted text")),
                    ],
                    options={
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("address__isnull", True), ("agent__isnull", True), ("brand__isnull", False)
                                    ),
                                    models.Q(
                                        ("address__isnull", False), ("agent__isnull", True), ("brand__isnull", True)
                                    ),
                                    models.Q(
                                        ("address__isnull", True), ("agent__isnull", False), ("brand__isnull", True)
                                    ),
                                    _connector="OR",
                                ),
                                name="wording_has_one_owner",
                            ),
                            models.UniqueConstraint(fields=("brand", "part", "language"), name="wording_of_brand_once"),
                            models.UniqueConstraint(
                                fields=("address", "part", "language"), name="wording_of_address_once"
                            ),
                            models.UniqueConstraint(fields=("agent", "part", "language"), name="wording_of_agent_once"),
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(ship, migrations.RunPython.noop),
        migrations.RunPython(watch, forget),
    ]
