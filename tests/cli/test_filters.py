"""`postvak filters`: out and in again, in from elsewhere, and tried on stored mails."""

import json
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.mails import mail
from tests.process.old_filters import Row, mysql

OURS = r"""
[[filter]]
name = "10 Lamps"
comment = "[[not]] markup"
conditions = [{field = "subject", operator = "matches", value = 'the (lamp)'}]
actions = [{set = "title", value = "A [***]"}]
"""
THEIRS: list[Row] = [
    ("1 good", "1", "Match", "Subject", r"lamp\.", "NULL"),
    ("1 good", "1", "Set", "X-OTOBO-Title", "Lamp", "NULL"),
    ("2 bad", "0", "Match", "Body", "(?!x)", "NULL"),
    ("2 bad", "0", "Set", "X-OTOBO-Title", "Lamp", "NULL"),
]


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(OURS)
    return path


@pytest.mark.parametrize("name", ["all.toml", "all.json"])
def test_an_export_is_imported_elsewhere(installed: Program, tmp_path: Path, ours: Path, name: str) -> None:
    here, there = installed.copied_to(tmp_path / "here"), installed.copied_to(tmp_path / "there")
    here.ok("filters", "import", ours)
    here.ok("filters", "export", tmp_path / name)
    there.ok("filters", "import", tmp_path / name)
    exported = there.ok("filters", "export", "--format", "json")
    assert exported == here.ok("filters", "export", "--format", "json")
    assert json.loads(exported)["filters"][0]["comment"] == "[[not]] markup"
    assert "= 10 Lamps: unchanged" in there.ok("filters", "import", tmp_path / name)


def test_a_dry_run_reports_and_writes_nothing(program: Program, tmp_path: Path) -> None:
    dump = tmp_path / "otobo.sql"
    dump.write_bytes(mysql(THEIRS))
    before = program.contents()
    done = program.run("filters", "import", dump, "--dry-run")
    assert (done.code, done.err) == (1, "")
    assert "+ 1 good: taken over" in done.out
    assert "! 2 bad: switched off\n    Condition 1: " in done.out
    assert "dry run" in done.out
    assert program.contents() == before


def test_filters_of_otobo_come_from_stdin_and_the_report_is_json(program: Program) -> None:
    done = program.run("filters", "import", "-", "--json", stdin=mysql(THEIRS))
    report = json.loads(done.out)
    assert done.code == 1
    assert report["saved"]
    assert [(entry["name"], entry["result"]) for entry in report["filters"]] == [
        ("1 good", "taken_over"),
        ("2 bad", "off"),
    ]
    listed = json.loads(program.ok("filters", "list", "--json"))
    assert [(row["name"], row["valid"], row["stop"]) for row in listed] == [
        ("1 good", True, True),
        ("2 bad", False, False),
    ]


def test_a_filter_that_is_there_is_replaced_only_with_replace(program: Program, tmp_path: Path, ours: Path) -> None:
    program.ok("filters", "import", ours)
    ours.write_text(OURS.replace("A [***]", "B [***]"))
    done = program.run("filters", "import", ours)
    assert done.code == 1
    assert "x 10 Lamps: refused" in done.out
    assert "A [***]" in program.ok("filters", "export")
    assert "replaces" in program.ok("filters", "import", "--replace", ours)
    assert "B [***]" in program.ok("filters", "export")


def test_a_filter_is_tried_on_stored_mails_and_nothing_is_written(program: Program, ours: Path) -> None:
    program.ok("ingest", "-", stdin=mail())
    program.ok("ingest", "-", stdin=mail(subject="Other", message_id="m2@x"))
    before = program.contents()
    found = json.loads(program.ok("filters", "test", ours, "--last", "500", "--json"))
    assert (found["looked_at"], found["fired"], found["changed"]) == (2, 1, 1)
    (tried,) = found["mails"]
    assert tried["subject"] == "The lamp flickers"
    assert [change["after"] for change in tried["changes"]] == ["A lamp"]
    assert "→ A lamp" in program.ok("filters", "test", ours)
    assert json.loads(program.ok("filters", "test", ours, "--last", "1", "--json"))["fired"] == 0
    assert program.contents() == before


def test_the_list_says_what_is_doubtful(program: Program, ours: Path) -> None:
    assert "no filters" in program.ok("filters", "list")
    ours.write_text(
        OURS
        + 'valid = false\n[[filter]]\nname = "20 x"\nstop = true\nconditions = [{field = "nothing", operator = "contains", value = "x"}]\n'
    )
    assert program.run("filters", "import", ours).code == 1
    listed = program.ok("filters", "list")
    assert "10 Lamps (off): 0 hits" in listed
    assert "20 x (off, stops): 0 hits\n    There is no field “nothing”." in listed


@pytest.mark.parametrize(
    ("arguments", "content", "says"),
    [
        (["import"], "hello", "no filters"),
        (["import"], "[[filter]]\nnam = 'x'", "nam"),
        (["test"], OURS + OURS.replace("10", "20"), "2 filters"),
        (["test"], OURS.replace("subject", "subjekt"), "Condition 1"),
        (["test"], "hello", "list"),
    ],
)
def test_what_can_not_be_used_is_one_explanation(
    program: Program, tmp_path: Path, arguments: list[str], content: str, says: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(content)
    done = program.run("filters", *arguments, path)
    assert (done.code, done.out) == (1, "")
    assert says in done.err
    assert "Traceback" not in done.err
    missing = program.run("filters", *arguments, tmp_path / "missing")
    assert (missing.code, missing.err) == (
        1,
        f"postvak: {tmp_path / 'missing'} can't be read: No such file or directory.\n",
    )
