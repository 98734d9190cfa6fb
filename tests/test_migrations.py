"""New installations get the schema at once (0001_start), older ones step by step: both must come to the same."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

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
