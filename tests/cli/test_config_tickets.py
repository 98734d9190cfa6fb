"""The TOML file for what tickets have and how mails are recognised: whole circle, and what a form would refuse, too."""

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_config import NOTHING, Setup, rows

COMPLETE = r"""
[[status]]
key = "workshop"
name = "In the workshop"
type = "pending"
position = 9

[[status]]
key = "internal"
name = "With us"
valid = false

[[priority]]
level = 6
name = "Fire"

[[priority]]
level = 1
valid = false

[[type]]
name = "Complaint"

[[tag]]
name = "Urgent"
colour = "brick"

[[field]]
key = "case"
label = "Case of the supplier"

[[field]]
key = "size"
label = "Size"
kind = "choice"
options = ["small", "large"]
position = 2
valid = false

[[grouping_exclusion]]
sender = "@Shop.example"
comment = "one mail per order"

[[external_number]]
name = "Supplier"
sender = '@supplier\.example$'
number = 'Case ([A-Z]+-\d+)'
in_body = true
field = "case"

[[queue]]
name = "Support"
follow_up = "new_ticket"
follow_up_days = 30

[[address]]
email = "support@example.org"
queue = "Support"
grouping_hours = 24

[[mailbox]]
name = "Support"
kind = "imap"
host = "imap.example.org"
trusted = true
trusted_senders = ["Monitor@example.org", "@partner.example"]
receiving_host = "mx.example.org"
agents_mail = "answer"
agents_commands = true
agents_forwards = false
"""


@pytest.fixture
def setup(program: Program, tmp_path: Path) -> Setup:
    return Setup(program, tmp_path)


def test_a_complete_file_is_applied_once_and_then_changes_nothing(setup: Setup) -> None:
    first = setup.apply(COMPLETE)
    assert (first.code, first.err) == (0, "")
    assert "+ status “workshop”\n" in first.out
    assert "~ priority “1”: valid True → False\n" in first.out
    before = setup.program.contents()
    assert setup.apply(COMPLETE).out == NOTHING
    assert setup.program.contents() == before


def test_an_export_makes_the_same_setup_elsewhere(setup: Setup, installed: Program, tmp_path: Path) -> None:
    setup.apply(COMPLETE)
    exported = setup.program.ok("config", "export")
    assert setup.apply(exported).out == NOTHING
    other = Setup(installed.copied_to(tmp_path / "elsewhere"), tmp_path)
    assert other.apply(exported).err == ""
    assert other.program.ok("config", "export") == exported
    for line in (
        "grouping_hours = 24", "follow_up_days = 30", "follow_up_days = 0", "level = 6", 'options = ["small", "large"]',
        'sender = "shop.example"', 'trusted_senders = ["monitor@example.org", "partner.example"]',
    ):  # fmt: skip
        assert line in exported


def test_what_is_written_is_what_the_rows_say(setup: Setup) -> None:
    setup.apply(COMPLETE)
    found = rows(setup.program, "SELECT trusted_senders, agents_mail FROM postvak_mailbox WHERE name = 'Support'")
    assert found == [("monitor@example.org\npartner.example", "answer")]
    assert rows(setup.program, "SELECT options FROM postvak_customfield WHERE key = 'size'") == [("small\nlarge",)]


def test_no_limit_and_no_grouping_are_written_as_0(setup: Setup) -> None:
    setup.apply(COMPLETE)
    done = setup.apply("[[queue]]\nname = 'Support'\nfollow_up_days = 0\n")
    assert done.out.startswith("~ queue “Support”: follow_up_days 30 → 0\n")
    assert rows(setup.program, "SELECT follow_up_days FROM postvak_queue WHERE name = 'Support'") == [(None,)]


def test_tags_and_types_are_found_whatever_their_letter_case(setup: Setup) -> None:
    setup.apply(COMPLETE)
    assert setup.apply("[[type]]\nname = 'COMPLAINT'\n").out == NOTHING
    assert setup.apply("[[tag]]\nname = 'urgent'\ncolour = 'sea'\n").out.startswith("~ tag “urgent”: colour")
    assert rows(setup.program, "SELECT name, colour FROM postvak_tag") == [("Urgent", "sea")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[status]]\nkey = 'open'\ntype = 'closed'\n", "[[status]] “open”, type: The type of a status stays"),
        (
            "[[status]]\nkey = 'open'\nvalid = false\n",
            "[[status]] “open”, valid: Postvak sets this status by itself",
        ),
        ("[[status]]\nkey = 'x'\ntype = 'open'\n", "[[status]] “x”, name: Enter a name."),
        ("[[status]]\nkey = 'x'\nname = 'open'\ntype = 'open'\n", "[[status]] “x”, name: There is already a status"),
        ("[[status]]\nkey = 'a b'\nname = 'x'\ntype = 'open'\n", "[[status]] “a b”, key: "),
        ("[[status]]\nkey = 'x'\nname = 'x'\ntype = 'best'\n", "[[status]] “x”, type: "),
        ("[[priority]]\nlevel = 3\nvalid = false\n", "[[priority]] “3”, valid: Tickets have this level"),
        ("[[priority]]\nlevel = 12\nname = 'x'\n", "[[priority]] “12”, level: "),
        ("[[priority]]\nlevel = '4'\n", "each [[priority]] needs a level"),
        ("[[priority]]\nlevel = true\n", "each [[priority]] needs a level"),
        ("[[tag]]\nname = 'x'\ncolour = 'pink'\n", "[[tag]] “x”, colour: "),
        ("[[tag]]\nname = 'x'\nname_of = 'y'\n", "unknown setting in [[tag]]: “name_of”. Did you mean “name”?"),
        ("[[tags]]\nname = 'x'\n", "unknown section: “tags”. Did you mean “tag”?"),
        ("[[field]]\nkey = '1st'\nlabel = 'x'\n", "[[field]] “1st”, key: Letters, digits and _ only"),
        ("[[field]]\nkey = 'x'\nlabel = 'x'\nkind = 'choice'\n", "[[field]] “x”, options: Enter at least one value"),
        ("[[field]]\nkey = 'x'\nlabel = 'x'\noptions = 'a'\n", "[[field]] “x”, options: write a list of texts"),
        ("[[grouping_exclusion]]\nsender = 'x'\n", "[[grouping_exclusion]] “x”: “x” is neither an e-mail address"),
        ("[[external_number]]\nname = 'x'\nfield = 'y'\n", "there is no custom field “y” (there are: none)."),
        (
            "[[field]]\nkey = 'y'\nlabel = 'y'\n[[external_number]]\nname = 'x'\nsender = '.'\nnumber = '(?=1)'\nfield = 'y'\n",
            "[[external_number]] “x”, number: This expression can't be used",
        ),
        ("[[queue]]\nname = 'Inbox'\nfollow_up = 'burn'\n", "[[queue]] “Inbox”, follow_up: "),
        ("[[mailbox]]\nname = 'x'\ntrusted_senders = ['all']\n", "[[mailbox]] “x”, trusted_senders: “all” is neither"),
        ("[[mailbox]]\nname = 'x'\nagents_mail = 'burn'\n", "[[mailbox]] “x”, agents_mail: "),
    ],
)
def test_what_a_form_would_refuse_is_one_sentence_and_nothing_is_changed(setup: Setup, text: str, said: str) -> None:
    assert said in setup.refused(text)
