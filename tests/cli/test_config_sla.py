"""The TOML file for business calendars and service levels: whole circle, and what a form would refuse, too."""

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_config import NOTHING, Setup, rows

COMPLETE = """
[[queue]]
name = "Support"

[[calendar]]
name = "Office"
time_zone = "Europe/Amsterdam"
hours = { monday = ["8:30-12:00", "13:00-17:00"], friday = ["08:30-15:00"] }
country = "DE"
region = "BY"
holidays = { 2026-12-24 = "company outing" }
open_days = ["2026-11-01"]

[[calendar]]
name = "Day and night"
hours = "always"

[[sla]]
name = "Gold"
calendar = "Day and night"
first_answer = 30
next_answer = 60
queues = ["Support"]
priorities = [5, 4]

[[sla]]
name = "Everybody"
calendar = "Office"
solution = 1440
position = 2
valid = false
"""


@pytest.fixture
def setup(program: Program, tmp_path: Path) -> Setup:
    return Setup(program, tmp_path)


def test_a_complete_file_is_applied_once_and_then_changes_nothing(setup: Setup) -> None:
    first = setup.apply(COMPLETE)
    assert (first.code, first.err) == (0, "")
    assert "+ sla “Gold”\n" in first.out
    assert setup.apply(COMPLETE).out == NOTHING
    assert rows(setup.program, "SELECT first_answer, next_answer, solution FROM postvak_sla WHERE name = 'Gold'") == [
        (30, 60, None)
    ]


def test_an_export_makes_the_same_setup_elsewhere(setup: Setup, installed: Program, tmp_path: Path) -> None:
    setup.apply(COMPLETE)
    exported = setup.program.ok("config", "export")
    assert setup.apply(exported).out == NOTHING
    other = Setup(installed.copied_to(tmp_path / "elsewhere"), tmp_path)
    assert other.apply(exported).err == ""
    assert other.program.ok("config", "export") == exported
    for line in ('hours = "always"', "priorities = [4, 5]", '"08:30-12:00"', 'open_days = ["2026-11-01"]'):
        assert line in exported


def test_a_changed_target_is_told(setup: Setup) -> None:
    setup.apply(COMPLETE)
    done = setup.apply("[[sla]]\nname = 'Gold'\nfirst_answer = 0\nsolution = 60\nqueues = []\n")
    assert "~ sla “Gold”: first_answer 30 → 0\n" in done.out
    assert "~ sla “Gold”: queues ['Support'] → []\n" in done.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[calendar]]\nname = 'x'\n", "[[calendar]] “x”, hours: "),
        ("[[calendar]]\nname = 'x'\nhours = {}\n", "[[calendar]] “x”, hours: "),
        ("[[calendar]]\nname = 'x'\nhours = { montag = ['08:00-17:00'] }\n", "“montag” is no day of the week"),
        ("[[calendar]]\nname = 'x'\nhours = { monday = ['8-17'] }\n", 'write business hours as "08:30-17:00"'),
        ("[[calendar]]\nname = 'x'\nhours = { monday = ['17:00-08:00'] }\n", "ends before it begins"),
        ("[[calendar]]\nname = 'x'\nhours = { monday = ['08:00-25:00'] }\n", "are no times of a day"),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\ncountry = 'XX'\n", "The holidays of “XX” are not known."),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\ncountry = 'DE'\nregion = 'XX'\n", "There is no region “XX”"),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\nregion = 'BY'\n", "Choose the country, too."),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\ntime_zone = 'Mars'\n", "There is no time zone “Mars”."),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\nholidays = { christmas = 'x' }\n", "“christmas” is no day."),
        ("[[calendar]]\nname = 'x'\nhours = 'always'\nholidays = ['2026-12-24']\n", "write a table of days"),
        ("[[sla]]\nname = 'x'\ncalendar = 'Office'\n", "there is no calendar “Office” (there are: none)"),
        (
            "[[calendar]]\nname = 'a'\nhours = 'always'\n[[sla]]\nname = 'x'\ncalendar = 'a'\n",
            "Enter one target at least.",
        ),
        (
            "[[calendar]]\nname = 'a'\nhours = 'always'\n[[sla]]\nname = 'x'\nsolution = 1\nqueues = ['y']\n",
            "there is no queue “y”",
        ),
    ],
)
def test_what_a_form_would_refuse_is_one_sentence_and_nothing_is_changed(setup: Setup, text: str, said: str) -> None:
    assert said in setup.refused(text)
