"""What is changed from the command line stands in the audit, too."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Program

ENTRIES = (
    "import json\n"
    "from postvak.models import AuditEntry\n"
    "rows = AuditEntry.objects.order_by('pk').values('action', 'origin', 'who', 'kind', 'name', 'changes')\n"
    "print(json.dumps(list(rows)))\n"
)
SETUP = """
[[channel]]
name = "Relay"
kind = "smtp"
host = "smtp.example.org"
password = { env = "RELAY_PASSWORD" }

[options]
held_hours = 5
alarm_hook = "http://10.0.0.7/hook"
"""


@pytest.fixture(autouse=True)
def nothing_yet(program: Program) -> None:
    """What made the installation is recorded, too."""
    program.python("from postvak.models import AuditEntry; AuditEntry.objects.all().delete()")


def entries(program: Program) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(program.python(ENTRIES))
    return found


def test_a_set_up_from_a_file_is_recorded_once_without_its_secrets(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "setup.toml"
    path.write_text(SETUP)
    program.ok("config", "apply", "--dry-run", path, RELAY_PASSWORD="hunter2-geheim")
    assert entries(program) == []
    for _ in range(2):
        program.ok("config", "apply", path, RELAY_PASSWORD="hunter2-geheim")
    relay, options = entries(program)
    assert (relay["action"], relay["origin"], relay["kind"], relay["name"]) == (
        "created",
        "command",
        "channel",
        "Relay",
    )
    assert options["changes"] == {"alarm_hook": ["", "http://10.0.0.7/hook"], "held_hours": [24, 5]}
    assert "hunter2" not in json.dumps([relay, options])
    assert not any("hunter2" in line for line in program.contents())


def test_exports_and_imported_filters_are_recorded(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "filters.toml"
    path.write_text(
        '[[filter]]\nname = "10 Bills"\n[[filter.conditions]]\nfield = "subject"\noperator = "contains"\n'
        'value = "bill"\n[[filter.actions]]\nset = "priority"\nvalue = "high"\n'
    )
    program.run("filters", "import", path)
    program.ok("filters", "export")
    program.ok("config", "export")
    made = [(entry["action"], entry["kind"], entry["name"]) for entry in entries(program)]
    assert made == [("created", "filter", "10 Bills"), ("exported", "filter", ""), ("exported", "config", "")]
