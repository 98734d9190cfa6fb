"""The ledger with what is there already, the communication log, the audit of the administration, alarms. The triggers of the
ledger are made by the newest migration that they need (0019)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from postvak.models import ledger_triggers, talk_triggers

LINES = """INSERT INTO postvak_ledgerentry (direction, at, sender, recipients, subject, state, mailbox_id, channel_id, queue_id,
        ticket_id, message_id, receipt_id, delivery_id, numbers)
    SELECT direction, at, sender, recipients, subject, state, mailbox_id, channel_id, queue_id, ticket_id, message_id, receipt_id,
        delivery_id, numbers
    FROM (
        SELECT 'in' AS direction, r.received_at AS at,
            CASE WHEN r.author_email <> '' THEN r.author_email ELSE r.envelope_from END AS sender, r.written_to AS recipients,
            substr(r.subject, 1, 255) AS subject, CASE WHEN r.state = 'done' THEN r.outcome ELSE 'received' END AS state,
            r.mailbox_id AS mailbox_id, NULL AS channel_id, t.queue_id AS queue_id, r.ticket_id AS ticket_id,
            r.message_id AS message_id, r.id AS receipt_id, NULL AS delivery_id,
            r.message_id_header || ' ' || coalesce(t.number, '') AS numbers
        FROM postvak_receipt r LEFT JOIN postvak_ticket t ON t.id = r.ticket_id
        UNION ALL
        SELECT 'out', o.created_at, m.author_email, d.recipient, substr(m.subject, 1, 255), d.state, NULL, o.channel_id,
            t.queue_id, t.id, m.id, NULL, d.id, m.message_id || ' ' || d.remote_id || ' ' || t.number
        FROM postvak_delivery d JOIN postvak_outgoingmail o ON o.id = d.outgoing_id
        JOIN postvak_message m ON m.id = o.message_id JOIN postvak_ticket t ON t.id = m.ticket_id
    ) lines ORDER BY at"""
NUMBERS = """INSERT INTO postvak_ledgertally (hour, direction, account, state, number)
    SELECT {hour}, direction, coalesce(mailbox_id, channel_id, 0), state, count(*) FROM postvak_ledgerentry e GROUP BY 1, 2, 3, 4"""


def keep_the_ledger(apps, schema_editor):
    connection = schema_editor.connection
    schema_editor.execute(LINES)
    schema_editor.execute(NUMBERS.format(hour=ledger_triggers.HOUR[connection.vendor].format("e")))
    for statement in ledger_triggers.SEARCH[connection.vendor]:
        schema_editor.execute(statement)
    talk_triggers.install(connection)
    if connection.vendor == "sqlite":
        schema_editor.execute("INSERT INTO postvak_ledgerwords (postvak_ledgerwords) VALUES ('rebuild')")


def forget_the_ledger(apps, schema_editor):
    for kept in (ledger_triggers, talk_triggers):
        kept.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("postvak", "0017_reports"),
    ]

    operations = [
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
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
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
                        ],
                        max_length=14,
                    ),
                ),
                ("kind", models.CharField(blank=True, default="", max_length=40)),
                ("key", models.BigIntegerField(blank=True, null=True)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("changes", models.JSONField(default=dict)),
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
            name="Communication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("direction", models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3)),
                ("transport", models.CharField(max_length=20)),
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
            name="CommunicationObject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("connection", "connection"), ("message", "mail")], max_length=10)),
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
                    "communication",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="objects_of",
                        to="postvak.communication",
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
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="CommunicationEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                (
                    "about",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="entries",
                        to="postvak.communicationobject",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "indexes": [
                    models.Index(condition=models.Q(("priority", 10)), fields=["at"], name="debug_entry_by_time"),
                    models.Index(fields=["code", "id"], name="entry_by_code"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("direction", models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3)),
                ("at", models.DateTimeField()),
                ("sender", models.CharField(blank=True, default="", max_length=320)),
                ("recipients", models.TextField(blank=True, default="")),
                ("subject", models.CharField(blank=True, default="", max_length=255)),
                ("state", models.CharField(max_length=20)),
                ("numbers", models.TextField(blank=True, default="")),
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
                    "delivery",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="line",
                        to="postvak.delivery",
                    ),
                ),
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
                    "ticket",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="postvak.ticket",
                    ),
                ),
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
                        condition=models.Q(("queue__isnull", False)), fields=["queue", "id"], name="ledger_by_queue"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("direction", models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3)),
                ("account", models.BigIntegerField()),
                ("state", models.CharField(max_length=20)),
                ("number", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("hour", "direction", "account", "state"), name="ledger_tally_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerDelta",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("direction", models.CharField(choices=[("in", "incoming"), ("out", "outgoing")], max_length=3)),
                ("account", models.BigIntegerField()),
                ("state", models.CharField(max_length=20)),
                ("number", models.SmallIntegerField()),
            ],
        ),
        migrations.RemoveField("mailbox", "alarmed_at"),
        migrations.RemoveField("channel", "alarmed_at"),
        migrations.AddField(
            model_name="options",
            name="alarm_hook",
            field=models.URLField(blank=True, default="", max_length=500, verbose_name="web hook for alarms"),
        ),
        migrations.AddField(
            model_name="options",
            name="failed_log_days",
            field=models.PositiveIntegerField(default=31, verbose_name="days that failed communications are kept"),
        ),
        migrations.AddField(
            model_name="options",
            name="held_hours",
            field=models.PositiveIntegerField(
                blank=True, default=24, null=True, verbose_name="hours until held mail is an alarm"
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="log_days",
            field=models.PositiveIntegerField(default=7, verbose_name="days that the communication log is kept"),
        ),
        migrations.AddField(
            model_name="options",
            name="outbox_minutes",
            field=models.PositiveIntegerField(
                blank=True, default=60, null=True, verbose_name="minutes until waiting mail is an alarm"
            ),
        ),
        migrations.AddField(
            model_name="receipt",
            name="written_to",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddIndex(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False), ("late_told_at", None)),
                fields=["due_at"],
                name="ticket_late_to_tell",
            ),
        ),
        migrations.RunPython(keep_the_ledger, forget_the_ledger),
    ]
