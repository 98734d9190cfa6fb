"""New installations get the schema at once (0001_start), older ones step by step: both must come to the same."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from postvak.models import Communication, Mailbox, Receipt, Trace
from tests.cli.program import Program
from tests.servers.postgres import Postgres

BY_STEPS = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

executor = MigrationExecutor(connection)
executor.loader = MigrationLoader(connection, replace_migrations=False)
executor.migrate([node for node in executor.loader.graph.leaf_nodes() if node != ("postvak", "0001_start")])
"""
AT_ONCE = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
"""


def made_by(code: str, data: Path) -> dict[tuple[str, str], object]:
    """Tables with columns, references, named constraints and number of rows; indexes and triggers as SQLite keeps them."""
    environment = {**os.environ, "POSTVAK_DATA": str(data), "POSTVAK_DATABASE": ""}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    found: dict[tuple[str, str], object] = {}
    with sqlite3.connect(data / "postvak.sqlite3") as file:
        for kind, name, sql in file.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
            if kind != "table":
                found[kind, name] = " ".join(sql.split())
            elif name.startswith("postvak_"):
                columns = sorted(row[1:] for row in file.execute(f'PRAGMA table_info("{name}")'))
                references = sorted(row[2:5] for row in file.execute(f'PRAGMA foreign_key_list("{name}")'))
                number = file.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - names of ours
                found[kind, name] = (columns, references, sorted(re.findall(r'CONSTRAINT "(\w+)"', sql)), number)
    return found


def test_the_schema_at_once_is_what_the_single_steps_come_to(tmp_path: Path) -> None:
    by_steps, at_once = made_by(BY_STEPS, tmp_path / "steps"), made_by(AT_ONCE, tmp_path / "start")
    assert len(by_steps) > 200
    assert at_once == by_steps


FILLED = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()
from contextlib import suppress
from datetime import timedelta
from unittest import mock
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from tests.test_migrations import rows_of_the_log

call_command("migrate", "postvak", "0024_classification", verbosity=0)
rows_of_the_log(3)
with connection.cursor() as cursor:  # an attempt that was killed
    cursor.execute("ALTER TABLE postvak_trace ADD CONSTRAINT postvak_trace_start CHECK (receipt_id < 99) NOT VALID")
with mock.patch("postvak.models.partitions.swap", side_effect=KeyboardInterrupt), suppress(KeyboardInterrupt):
    call_command("migrate", "postvak", verbosity=0)
with connection.cursor() as cursor:  # the version before may write whatever it wants
    cursor.execute("SELECT conname FROM pg_constraint WHERE conname = 'postvak_trace_start'")
    assert cursor.fetchall() == []
    cursor.execute("UPDATE postvak_communication SET started_at = %s WHERE id = 1", [timezone.now() + timedelta(days=200)])
call_command("migrate", "postvak", verbosity=0)
rows_of_the_log(2)

from postvak.models import Communication, CommunicationEntry, CommunicationObject, Mailbox, Receipt, Trace
from postvak.models.partitions import TABLES, is_partitioned, partitions

assert all(is_partitioned(connection, table) for table in TABLES)
assert [partitions(connection, table)[0].name for table in TABLES] == [f"{table.name}_start" for table in TABLES]
assert [one.objects.count() for one in (Communication, CommunicationObject, CommunicationEntry, Trace)] == [5] * 4
assert len(set(CommunicationEntry.objects.values_list("pk", flat=True))) == 5
assert CommunicationEntry.objects.filter(about__receipt__trace__entries=[["a", "b", {}]]).count() == 5
with connection.cursor() as cursor:
    cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'I'")
    indexes = {row[0] for row in cursor.fetchall()}
assert {"postvak_talk_words", "entry_by_code", "debug_entry_by_time", "communication_by_end", "postvak_trace_pkey"} <= indexes
Receipt.objects.first().delete()
assert (Trace.objects.count(), CommunicationObject.objects.filter(receipt=None).count()) == (4, 1)
print("as it was")
"""


def rows_of_the_log(number: int) -> None:
    """A talk with one step, and a receipt with its trace, each so many times."""
    for _ in range(number):
        now, taken = timezone.now(), Receipt.objects.count()
        receipt = Receipt.objects.create(
            mailbox=Mailbox.objects.get(kind="local"), source=f"x/{taken}", size=1, received_at=now
        )
        Trace.objects.create(receipt=receipt, entries=[["a", "b", {}]])
        talk = Communication.objects.create(direction="in", transport="pipe", state="successful", started_at=now)
        about = talk.objects_of.create(kind="message", receipt=receipt, started_at=now)
        about.entries.create(at=now, module="test", code="kept_open", parameters={"host": "x"})


@pytest.mark.servers
def test_a_filled_log_becomes_partitions_with_everything_that_it_had(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create_database("filled")
    assert Program(tmp_path, url).python(FILLED).strip() == "as it was"
    postgres.drop_database("filled")
