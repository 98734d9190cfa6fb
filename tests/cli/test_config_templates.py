"""Answer templates in the TOML file: whole circle, and what the form would refuse, too."""

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_config import NOTHING, Setup, rows

COMPLETE = """
[[queue]]
name = "Support"

[[template]]
path = "Orders :: Returns::Label"
queues = ["Support"]
position = 3
status = "closed"
tags = ["Return", "Paid"]

[[template.text]]
subject = "Your return"
html = "<p>Dear {{ customer.name or \\"customer\\" }},</p><p>here is the label.</p>"

[[template.text]]
language = "de"
html = "<p>Guten Tag,</p><script>alert(1)</script>"

[[template]]
path = "Thanks"
valid = false
text = [{ html = "<div>Thank you</div>" }]
"""


@pytest.fixture
def setup(program: Program, tmp_path: Path) -> Setup:
    return Setup(program, tmp_path)


def texts(setup: Setup) -> list[tuple[object, ...]]:
    return rows(
        setup.program,
        "SELECT category, name, language, subject, html FROM postvak_answertemplatetext AS text"
        " JOIN postvak_answertemplate AS template ON template.id = template_id ORDER BY name, language",
    )


def test_a_complete_file_is_applied_once_and_then_changes_nothing(setup: Setup) -> None:
    first = setup.apply(COMPLETE)
    assert (first.code, first.err) == (0, "")
    assert "+ template “Orders::Returns::Label”\n" in first.out
    before = setup.program.contents()
    assert setup.apply(COMPLETE).out == NOTHING
    assert setup.program.contents() == before
    assert texts(setup) == [
        ("Orders::Returns", "Label", "", "Your return", '<p>Dear {{ customer.name or "customer" }},</p><p>here is the label.</p>'),
        ("Orders::Returns", "Label", "de", "", "<p>Guten Tag,</p>"),
        ("", "Thanks", "", "", "<div>Thank you</div>"),
    ]  # fmt: skip
    assert rows(setup.program, "SELECT name FROM postvak_tag ORDER BY name") == [("Paid",), ("Return",)]


def test_an_export_makes_the_same_templates_elsewhere(setup: Setup, installed: Program, tmp_path: Path) -> None:
    setup.apply(COMPLETE)
    exported = setup.program.ok("config", "export")
    assert setup.apply(exported).out == NOTHING
    other = Setup(installed.copied_to(tmp_path / "elsewhere"), tmp_path)
    assert other.apply(exported).err == ""
    assert other.program.ok("config", "export") == exported
    assert texts(other) == texts(setup)
    for line in (
        'path = "Orders::Returns::Label"',
        'tags = ["Paid", "Return"]',
        'queues = ["Support"]',
        "[[template.text]]",
    ):
        assert line in exported


def test_what_the_file_does_not_name_stays_and_what_it_names_is_all(setup: Setup) -> None:
    setup.apply(COMPLETE)
    done = setup.apply("[[template]]\npath = 'orders::returns::LABEL'\ntags = ['paid']\n")
    assert "+ template" in done.out, "categories are compared letter by letter"
    done = setup.apply(
        "[[template]]\npath = 'Orders::Returns::LABEL'\ntags = ['paid']\n[[template.text]]\nhtml = 'Hi'\n"
    )
    assert "tags ['Paid', 'Return'] → ['Paid']" in done.out
    assert [row for row in texts(setup) if row[0] == "Orders::Returns"] == [("Orders::Returns", "Label", "", "", "Hi")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "path = 'x'\nqueues = ['Nowhere']\n",
            "[[template]] “x”, queues: there is no queue “Nowhere” (there are: Inbox).",
        ),
        ("path = 'x'\nstatus = 'best'\n", "[[template]] “x”, status: there is no status “best”"),
        ("path = 'x'\ntags = 'best'\n", "[[template]] “x”, tags: write a list of texts"),
        ("path = 'x'\ntext = 'best'\n", "[[template]] “x”, text: write [[template.text]] tables"),
        ("path = 'x'\n[[template.text]]\nbody = 'best'\n", "[[template]] “x”, text: write [[template.text]] tables"),
        ("path = 'x'\n[[template.text]]\nhtml = 'a'\n[[template.text]]\nhtml = 'b'\n", "a language is there twice."),
        ("path = 'x'\n[[template.text]]\nhtml = '{{ customer.age }}'\n", "Nothing fills {{ customer.age }}."),
        ("path = '::'\n", "[[template]] “”, name: "),
        ("path = 7\n", "each [[template]] needs a path"),
        (f"path = '{'x' * 101}'\n", ", name: "),
    ],
)
def test_what_a_form_would_refuse_is_one_sentence_and_nothing_is_changed(setup: Setup, text: str, said: str) -> None:
    assert said in setup.refused(f"[[template]]\n{text}")
