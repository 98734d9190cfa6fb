"""Roles and teams, invitations, ways to log in; tokens, web hooks; jobs, imports; more custom fields."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from postvak.models import ledger_triggers, triggers

ROLES = [
    ("agent", {}),
    ("lead", {"is_lead": True}),
    ("reader", {"may_answer": False, "may_move": False, "may_close": False, "may_delete": False}),
    ("administrator", {"is_lead": True, "may_administer": True}),
]


def ship(apps, schema_editor):
    """The roles; members had the rights of the first two."""
    roles, members = apps.get_model("postvak", "Role"), apps.get_model("postvak", "Membership")
    made = {
        key: roles.objects.create(key=key, position=place * 10, **rights)
        for place, (key, rights) in enumerate(ROLES, start=1)
    }
    members.objects.filter(is_lead=True).update(own_role=made["lead"])
    members.objects.filter(is_lead=False).update(own_role=made["agent"])


def without_triggers(apps, schema_editor):
    triggers.remove(schema_editor.connection)
    triggers.remove(schema_editor.connection, ledger_triggers.ledger_triggers)


def with_triggers(apps, schema_editor):
    triggers.install(schema_editor.connection)
    ledger_triggers.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("postvak", "0019_message_centre"),
    ]

    operations = [
        migrations.RunPython(without_triggers, with_triggers),
        migrations.AddField(
            model_name="answertemplate",
            name="brands",
            field=models.ManyToManyField(blank=True, related_name="+", to="postvak.brand", verbose_name="brands"),
        ),
        migrations.AddField(
            model_name="auditentry",
            name="earlier",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="customer",
            name="fields",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="customfield",
            name="holder",
            field=models.CharField(
                choices=[("ticket", "tickets"), ("customer", "customers"), ("organisation", "organisations")],
                default="ticket",
                max_length=12,
                verbose_name="of",
            ),
        ),
        migrations.AddField(
            model_name="customfield",
            name="is_required",
            field=models.BooleanField(default=False, verbose_name="required"),
        ),
        migrations.AddField(
            model_name="customfield",
            name="queues",
            field=models.ManyToManyField(blank=True, related_name="+", to="postvak.queue", verbose_name="queues"),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_administer",
            field=models.BooleanField(db_default=False, default=False, verbose_name="administer the queue"),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_answer",
            field=models.BooleanField(db_default=True, default=True, verbose_name="answer and write notes"),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_close",
            field=models.BooleanField(db_default=True, default=True, verbose_name="close and reopen"),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_delete",
            field=models.BooleanField(db_default=True, default=True, verbose_name="put into the trash"),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_move",
            field=models.BooleanField(db_default=True, default=True, verbose_name="move to other queues and assign"),
        ),
        migrations.AddField(
            model_name="options",
            name="automatic_unanswered",
            field=models.PositiveIntegerField(
                default=20, verbose_name="automatic mails to an address until a person writes to it"
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="backup_hour",
            field=models.PositiveSmallIntegerField(
                blank=True,
                null=True,
                validators=[django.core.validators.MaxValueValidator(23)],
                verbose_name="hour of the daily backup",
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="backups_kept",
            field=models.PositiveSmallIntegerField(
                default=7,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="backups that are kept",
            ),
        ),
        migrations.AddField(
            model_name="options",
            name="second_factor",
            field=models.CharField(
                choices=[("nobody", "nobody has to"), ("admins", "administrators"), ("all", "everybody")],
                default="nobody",
                max_length=6,
                verbose_name="log-in with a second factor",
            ),
        ),
        migrations.AddField(
            model_name="organisation",
            name="fields",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="organisation",
            name="note",
            field=models.TextField(blank=True, default="", verbose_name="note"),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="customfield",
            name="kind",
            field=models.CharField(
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
        migrations.AlterField(
            model_name="membership",
            name="is_lead",
            field=models.BooleanField(db_default=False, default=False, verbose_name="lead: sees private tickets"),
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("scopes", models.JSONField(default=list, verbose_name="scopes")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("beginning", models.CharField(max_length=12)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="valid until")),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_from", models.CharField(blank=True, default="", max_length=45)),
                ("rate_per_minute", models.PositiveIntegerField(default=600, verbose_name="requests per minute")),
                ("rate_from", models.DateTimeField(blank=True, null=True)),
                ("rate_used", models.PositiveIntegerField(default=0)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="api_tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="agent",
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
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                ("next_attempt_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("is_stopping", models.BooleanField(default=False)),
                ("claimed_by", models.CharField(blank=True, default="", max_length=64)),
                ("claimed_until", models.DateTimeField(blank=True, null=True)),
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
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Imported",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
        ),
        migrations.CreateModel(
            name="Redaction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("places", models.PositiveIntegerField()),
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
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="redactions", to="postvak.message"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "may_answer",
                    models.BooleanField(db_default=True, default=True, verbose_name="answer and write notes"),
                ),
                (
                    "may_move",
                    models.BooleanField(db_default=True, default=True, verbose_name="move to other queues and assign"),
                ),
                ("may_close", models.BooleanField(db_default=True, default=True, verbose_name="close and reopen")),
                ("may_delete", models.BooleanField(db_default=True, default=True, verbose_name="put into the trash")),
                (
                    "may_administer",
                    models.BooleanField(db_default=False, default=False, verbose_name="administer the queue"),
                ),
                (
                    "is_lead",
                    models.BooleanField(db_default=False, default=False, verbose_name="lead: sees private tickets"),
                ),
                ("key", models.SlugField(blank=True, default="", max_length=20)),
                ("name", models.CharField(blank=True, default="", max_length=100, verbose_name="name")),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
            ],
            options={
                "ordering": ["position", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("key", ""), _negated=True), fields=("key",), name="shipped_role_once"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("name", ""), _negated=True), fields=("name",), name="role_name_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("key", ""), _negated=True), models.Q(("name", ""), _negated=True), _connector="OR"
                        ),
                        name="role_has_a_name",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LoginProvider",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    models.URLField(blank=True, default="", max_length=500, verbose_name="address of the issuer"),
                ),
                ("tenant", models.CharField(blank=True, default="", max_length=100, verbose_name="tenant")),
                ("client_id", models.CharField(max_length=255, verbose_name="application (client) id")),
                ("sealed_client_secret", models.TextField(blank=True, default="")),
                (
                    "domains",
                    models.TextField(blank=True, default="", verbose_name="domains whose people get an account"),
                ),
                ("is_valid", models.BooleanField(default=True, verbose_name="valid")),
                (
                    "queues",
                    models.ManyToManyField(blank=True, related_name="+", to="postvak.queue", verbose_name="queues"),
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
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.AddField(
            model_name="membership",
            name="own_role",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="postvak.role",
                verbose_name="role",
            ),
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
            name="QueueTeam",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "queue",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="queue_teams", to="postvak.queue"
                    ),
                ),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="queue_teams", to="postvak.role"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="queue_teams", to="postvak.team"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("name", models.CharField(blank=True, default="", max_length=200, verbose_name="name")),
                ("language", models.CharField(blank=True, default="", max_length=8, verbose_name="language")),
                ("is_admin", models.BooleanField(default=False, verbose_name="administrator")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
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
                (
                    "queues",
                    models.ManyToManyField(blank=True, related_name="+", to="postvak.queue", verbose_name="queues"),
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
                (
                    "teams",
                    models.ManyToManyField(blank=True, related_name="+", to="postvak.team", verbose_name="teams"),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Webhook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                    models.ManyToManyField(blank=True, related_name="+", to="postvak.queue", verbose_name="queues"),
                ),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event", models.CharField(max_length=40)),
                ("occasion", models.CharField(blank=True, default="", max_length=60)),
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
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="deliveries", to="postvak.webhook"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("answer", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField()),
                (
                    "token",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="postvak.apitoken"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_by_time")],
                "constraints": [models.UniqueConstraint(fields=("token", "key"), name="idempotency_key_once")],
            },
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["next_attempt_at"], name="job_to_do"
            ),
        ),
        migrations.AddIndex(
            model_name="imported",
            index=models.Index(condition=models.Q(("row_key", 0)), fields=["job"], name="import_problem_by_job"),
        ),
        migrations.AddConstraint(
            model_name="imported",
            constraint=models.UniqueConstraint(fields=("source", "kind", "foreign_key"), name="imported_once"),
        ),
        migrations.AddConstraint(
            model_name="queueteam",
            constraint=models.UniqueConstraint(fields=("queue", "team"), name="team_once"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "pending")), fields=["next_attempt_at"], name="webhook_delivery_due"
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["webhook", "-id"], name="webhook_delivery_log"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="webhook_delivery_by_time"),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("occasion", ""), _negated=True),
                fields=("webhook", "event", "occasion"),
                name="webhook_told_once",
            ),
        ),
        migrations.RunPython(ship, migrations.RunPython.noop),
        migrations.RunPython(with_triggers, without_triggers),
    ]
