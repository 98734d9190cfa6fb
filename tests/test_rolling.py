"""While a cluster is updated, two versions use one database: no migration may be in the way of the older one, nor stop a large installation.

CONTRIBUTING.md, "Migrations". What went before BASE was never released.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.apps.registry import Apps
from django.db import connection, migrations, models, transaction
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ModelState, ProjectState
from django.db.models.fields.json import JSONField
from django.utils import timezone

from postvak import migrations as ours
from postvak.models.rolling import CheckBeside, IndexBeside
from tests.rolling import PROMISE, SMALL, complaints

pytestmark = pytest.mark.django_db
BASE = ("postvak", "0024_classification")  # the newest migration of the version before; moves with each release


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None, replace_migrations=False)


def newer(loader: MigrationLoader) -> Iterator[Migration]:
    plan = [key for leaf in loader.graph.leaf_nodes("postvak") for key in loader.graph.forwards_plan(leaf)]
    for key in plan[plan.index(BASE) + 1 :]:
        yield loader.graph.nodes[key]


def state_before(loader: MigrationLoader, migration: Migration) -> ProjectState:
    return loader.project_state(("postvak", migration.name), at_end=False)


def test_the_version_before_can_live_with_every_newer_migration(loader: MigrationLoader) -> None:
    assert {model._meta.model_name for model in apps.get_models()} >= SMALL
    found = [
        said
        for migration in newer(loader)
        for said in complaints(
            migration, state_before(loader, migration), (Path(ours.__path__[0]) / f"{migration.name}.py").read_text()
        )
    ]
    assert not found, "\n".join(found)


# -- what the version before writes is taken ----------------------------------------------------------------


def test_every_newer_column_fills_itself_and_no_older_one_is_gone(loader: MigrationLoader) -> None:
    """In the database itself, for each table of the version before."""
    state = loader.project_state(BASE)
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        for model in state.apps.get_models(include_auto_created=True):
            if model._meta.app_label != "postvak":
                continue
            table = model._meta.db_table
            assert table in there, f"{table} is gone, and the version before uses it"
            old = {field.column for field in model._meta.concrete_fields}
            columns = {row.name: row for row in connection.introspection.get_table_description(cursor, table)}
            assert old <= set(columns), f"{table}: {old - set(columns)} are gone, and the version before uses them"
            refused = [name for name in set(columns) - old if not (columns[name].null_ok or columns[name].default)]
            assert not refused, f"{table}: {refused} need a db_default: the version before doesn't know them"


FURTHER = {"Message": {"kind": "note"}}  # an incoming one would need its blob


class Writer:
    """Rows as the version before writes them: its columns, its defaults, its references."""

    def __init__(self, of_then: Apps) -> None:
        self.apps, self.number = of_then, 0

    def row(self, name: str, **values: Any) -> models.Model:
        model = self.apps.get_model("postvak", name)
        for field in model._meta.concrete_fields:
            if field.name not in values and not (
                field.has_default() or field.null or (field.primary_key and not field.is_relation)
            ):
                values[field.name] = self.value(field)
        return model._default_manager.create(**values)

    def value(self, field: "models.Field[Any, Any]") -> Any:
        self.number += 1
        if field.is_relation:
            assert isinstance(field.related_model, type)
            there = field.related_model._default_manager.first()
            return there or self.row(field.related_model._meta.model_name or "")
        if field.choices:
            return next(iter(field.flatchoices))[0]
        kinds: list[tuple[type[models.Field[Any, Any]], Any]] = [
            (models.DateTimeField, timezone.now()),
            (models.DateField, timezone.now().date()),
            (models.BooleanField, False),
            (models.DurationField, timedelta(0)),
            (models.IntegerField, self.number),
            (models.FloatField, 1.0),
            (JSONField, {}),
            (models.BinaryField, b"x"),
            (models.CharField, f"x{self.number}"),
        ]
        return next((value for kind, value in kinds if isinstance(field, kind)), f"x{self.number}")


def test_rows_of_the_version_before_are_taken_wherever_mails_and_people_write(loader: MigrationLoader) -> None:
    writer = Writer(loader.project_state(BASE).apps)
    receipt = writer.row("Receipt", source="INBOX/1/1", state="received", outcome="")
    receipt._meta.model._default_manager.filter(pk=receipt.pk).update(state="done", outcome="ignored")
    writer.row("Trace", receipt=receipt, entries=[["a", "b", {}]])
    talk = writer.row("Communication", state="running")
    about = writer.row("CommunicationObject", communication=talk, receipt=receipt)
    writer.row("CommunicationEntry", about=about)
    for name in (
        "Ticket", "Message", "Attachment", "History", "OutgoingMail", "Delivery", "DeliveryEvent", "SentCopy", "AutomaticMail", "Draft",
        "Customer", "CustomerAddress", "Organisation", "MailSecurity", "AuditEntry", "Job", "Mailbox", "Queue", "Agent", "Filter",
        "WebhookDelivery", "Prediction",
    ):  # fmt: skip
        with transaction.atomic():
            writer.row(name, **FURTHER.get(name, {}))
    assert writer.apps.get_model("postvak", "LedgerEntry")._default_manager.filter(receipt=receipt.pk, state="ignored")


# -- the reader of migrations itself ----------------------------------------------------------------


def state_of(**fields: "models.Field[Any, Any]") -> ProjectState:
    """Of a large table, a small one, and nothing else."""
    state = ProjectState()
    key = ("id", models.BigAutoField(primary_key=True))
    for name in ("Message", "Queue"):
        own = [(column, field.clone()) for column, field in fields.items()]
        state.add_model(ModelState("postvak", name, [key, ("subject", models.CharField(max_length=100)), *own]))
    return state


def rewrite(apps: Any, editor: Any) -> None:
    apps.get_model("postvak", "Message").objects.update(subject="")


def rewrite_small(apps: Any, editor: Any) -> None:
    apps.get_model("postvak", "Queue").objects.update(subject="")


def rewrite_in_batches(apps: Any, editor: Any) -> None:
    rows = apps.get_model("postvak", "Message").objects.exclude(subject="")
    while keys := list(rows.values_list("pk", flat=True)[:1000]):
        rows.filter(pk__in=keys).update(subject="")


LONG = models.CheckConstraint(condition=models.Q(subject__gt=""), name="has_subject")
BY_SUBJECT = models.Index(fields=["subject"], name="by_subject")


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (migrations.RemoveField("message", "old"), "removes message.old.*stop using it now.*One version later"),
        (migrations.DeleteModel("Message"), "removes Message"),
        (migrations.RenameField("message", "old", "new"), "renames old to new.*db_column"),
        (migrations.RenameModel("Message", "Letter"), "renames Message to Letter"),
        (migrations.AddField("message", "n", models.BooleanField(default=False)), "without null or db_default"),
        (migrations.AddField("queue", "n", models.BooleanField(default=False)), "without null or db_default"),
        (migrations.AddField("message", "n", models.IntegerField(null=True, db_index=True)), "index.*under a lock"),
        (migrations.AlterField("message", "old", models.IntegerField(default=0)), "NOT NULL.*VALID"),
        (migrations.AlterField("message", "old", models.BigIntegerField(null=True)), "from integer to bigint"),
        (migrations.AlterField("message", "subject", models.CharField(max_length=50)), r"shorter \(100 to 50\)"),
        (migrations.AlterField("message", "subject", models.CharField(max_length=100, db_index=True)), "an index"),
        (migrations.AddIndex("message", BY_SUBJECT), "index by_subject on message under a lock.*IndexBeside"),
        (migrations.AddConstraint("message", LONG), "constraint has_subject.*CheckBeside"),
        (migrations.RunPython(rewrite), r"rewrite\(\) changes all rows.*in batches of a thousand"),
        (migrations.RunSQL("ALTER TABLE postvak_message ALTER COLUMN subject SET NOT NULL"), "SET NOT NULL"),
        (migrations.RunSQL("CREATE INDEX x ON postvak_message (subject)"), "makes the index x on message"),
        (migrations.RunSQL("ALTER TABLE postvak_message DROP COLUMN old"), "removes old of message"),
    ],
)
def test_what_the_version_before_can_not_live_with_is_refused_and_the_message_says_what_to_do(
    operation: migrations.operations.base.Operation, said: str
) -> None:
    found = complaints_of(operation)
    assert len(found) >= 1
    assert any_of(found, said), found


def complaints_of(operation: Any, source: str = "", *, atomic: bool = True) -> list[str]:
    made = Migration("0099_x", "postvak")
    made.operations, made.atomic = [operation], atomic
    return complaints(made, state_of(old=models.IntegerField(null=True)), source)


def any_of(found: list[str], said: str) -> bool:
    return any(re.search(said, one) for one in found)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("message", "n", models.BooleanField(default=False, db_default=False)),
        migrations.AddField("message", "n", models.IntegerField(null=True)),
        migrations.AlterField("message", "subject", models.CharField(max_length=200)),
        migrations.AlterField("message", "subject", models.CharField(max_length=100, choices=[("a", "a")])),
        migrations.AddIndex("queue", BY_SUBJECT),
        migrations.RunPython(rewrite_small),
        migrations.RunPython(rewrite_in_batches),
        migrations.CreateModel(
            "New", [("id", models.BigAutoField(primary_key=True)), ("subject", models.TextField(db_index=True))]
        ),
    ],
)
def test_what_the_version_before_never_notices_is_fine(operation: migrations.operations.base.Operation) -> None:
    assert complaints_of(operation) == []


@pytest.mark.parametrize("operation", [IndexBeside("message", BY_SUBJECT), CheckBeside("message", LONG)])
def test_what_is_done_beside_all_others_is_fine_outside_of_a_transaction(operation: Any) -> None:
    assert complaints_of(operation, atomic=False) == []


def test_an_index_can_not_be_made_beside_others_inside_a_transaction() -> None:
    assert any_of(complaints_of(IndexBeside("message", BY_SUBJECT)), "atomic = False")


def test_what_nobody_uses_any_more_may_go_when_the_migration_says_since_when() -> None:
    assert complaints_of(migrations.RemoveField("message", "old"), f"{PROMISE}0.2 stopped using old.") == []
