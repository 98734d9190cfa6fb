"""The message centre: rules with texts and files, what stops automatic mail, mails that are no messages."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from postvak.models import ledger_triggers, triggers

SHIPPED = [  # key, trigger, recipients, on, further columns; names and texts: notify.shipped
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


def ship(apps, schema_editor):
    rules, statuses = apps.get_model("postvak", "Rule"), apps.get_model("postvak", "Status")
    now = timezone.now()
    for position, (key, trigger, recipients, is_on, columns) in enumerate(SHIPPED, start=1):
        status = statuses.objects.get(key=columns["status"]) if "status" in columns else None
        rules.objects.create(
            key=key,
            trigger=trigger,
            recipients=recipients,
            position=position * 10,
            is_on=is_on,
            on_since=now if is_on else None,
            **columns | {"status": status},
        )


def without_triggers(apps, schema_editor):
    triggers.remove(schema_editor.connection)
    triggers.remove(schema_editor.connection, ledger_triggers.ledger_triggers)


def with_triggers(apps, schema_editor):
    triggers.install(schema_editor.connection)
    ledger_triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("postvak", "0018_ledger"),
    ]

    operations = [
        migrations.RunPython(without_triggers, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Rule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("hour", models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="hour")),
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
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True), fields=("key",), name="shipped_rule_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key", ""), _negated=True), models.Q(("name", ""), _negated=True), _connector="OR"
                        ),
                        name="rule_has_a_name",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RuleText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                ("subject", models.CharField(blank=True, default="", max_length=500, verbose_name="subject")),
                ("html", models.TextField(blank=True, default="", verbose_name="text")),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="texts", to="postvak.rule"
                    ),
                ),
            ],
            options={
                "ordering": ["language"],
                "constraints": [models.UniqueConstraint(fields=("rule", "language"), name="rule_text_once")],
            },
        ),
        migrations.CreateModel(
            name="RuleFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.TextField()),
                ("content_type", models.CharField(max_length=255)),
                ("size", models.PositiveBigIntegerField()),
                ("content_id", models.CharField(blank=True, default="", max_length=100)),
                (
                    "blob",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="postvak.blob"),
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
            name="RuleChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rule_choices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="choices", to="postvak.rule"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("rule", "agent"), name="rule_choice_once")],
            },
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="digests", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("agent", "day"), name="digest_once")],
            },
        ),
        migrations.CreateModel(
            name="Blocked",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    models.UniqueConstraint(django.db.models.functions.text.Lower("pattern"), name="blocked_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="LoopBreak",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ours", models.CharField(blank=True, default="", max_length=320)),
                ("theirs", models.CharField(max_length=320)),
                ("code", models.CharField(max_length=40)),
                ("parameters", models.JSONField(default=dict)),
                ("opened_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("stopped", models.PositiveIntegerField(default=0)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("is_blocked", models.BooleanField(default=False)),
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
        migrations.RemoveConstraint(
            model_name="automaticmail",
            name="written_means_one_message",
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="address",
            field=models.CharField(blank=True, default="", max_length=320),
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="occasion",
            field=models.CharField(blank=True, default="", max_length=80),
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="outgoing",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="postvak.outgoingmail",
            ),
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="own_address",
            field=models.CharField(blank=True, default="", max_length=320),
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="reader",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="change",
            name="history_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="answers_automatically",
            field=models.BooleanField(default=True, verbose_name="automatic answers to its mails"),
        ),
        migrations.AddField(
            model_name="options",
            name="automatic_hours",
            field=models.PositiveIntegerField(
                default=24, verbose_name="hours after which a mail is not answered automatically"
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="automatic_per_day",
            field=models.PositiveIntegerField(default=10, verbose_name="automatic mails to an address in 24 hours"),
        ),
        migrations.AddField(
            model_name="options",
            name="automatic_per_pair",
            field=models.PositiveIntegerField(
                default=3, verbose_name="automatic mails between two addresses in 10 minutes"
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="tickets_per_hour",
            field=models.PositiveIntegerField(default=20, verbose_name="new tickets of a sender in an hour"),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="author_email",
            field=models.CharField(blank=True, default="", max_length=320),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="message_id_header",
            field=models.CharField(blank=True, default="", max_length=255),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="subject",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="outgoingmail",
            name="ticket",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="notices",
                to="postvak.ticket",
            ),
        ),
        migrations.AlterField(
            model_name="automaticmail",
            name="kind",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="automaticmail",
            name="state",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="change",
            name="kind",
            field=models.CharField(
                choices=[("new", "New"), ("changed", "Changed"), ("message", "Message"), ("history", "History")],
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="outgoingmail",
            name="message",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outgoing",
                to="postvak.message",
            ),
        ),
        migrations.AddField(
            model_name="automaticmail",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="mails",
                to="postvak.rule",
            ),
        ),
        migrations.AddIndex(
            model_name="automaticmail",
            index=models.Index(
                condition=models.Q(("address", ""), _negated=True),
                fields=["address", "-settled_at"],
                name="automatic_mail_to",
            ),
        ),
        migrations.AddIndex(
            model_name="automaticmail",
            index=models.Index(
                condition=models.Q(("state", "collected")), fields=["reader"], name="automatic_mail_collected"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticmail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("message__isnull", False), ("outgoing__isnull", True), ("state", "written")),
                    models.Q(("message__isnull", True), ("outgoing__isnull", False), ("state", "written")),
                    models.Q(
                        models.Q(("state", "written"), _negated=True),
                        ("message__isnull", True),
                        ("outgoing__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="written_means_one_mail",
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticmail",
            constraint=models.UniqueConstraint(
                condition=models.Q(("occasion", ""), _negated=True),
                fields=("rule", "occasion", "address"),
                name="told_once",
            ),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(condition=models.Q(("is_spam", True)), fields=["-changed_at"], name="spam_by_change"),
        ),
        migrations.RunPython(ship, migrations.RunPython.noop),
        migrations.RunPython(with_triggers, without_triggers),
    ]
