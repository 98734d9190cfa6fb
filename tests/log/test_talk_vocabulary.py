"""Every code that the recorder is given has a sentence, with its parameters; and every sentence is said somewhere.

The codes are read from the source, so a new one without a sentence fails here at once.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.utils import translation

import postvak
from postvak.log.talk_ends import end_forgotten_talks, end_talks_of
from postvak.log.talk_sentences import PROBLEM, TALK, talk_line
from postvak.models import CommunicationEntry, Delivery
from postvak.net.connection import Problem
from postvak.receive.source import AfterStoring

ROOT = Path(postvak.__file__).parent
METHODS = {"debug": 0, "info": 0, "notice": 0, "warning": 0, "error": 0, "note": 1}
LOGGERS = {"log", "logger", "logging"}
NAMED = re.compile(r"%\((\w+)\)s")
EXPANDED = {
    "settled_": [action.value for action in AfterStoring if action is not AfterStoring.leave],
    "delivery_": ["accepted", "deferred", "failed", "blocked", "in_doubt"],
}
ENDS = {"worker_died": end_talks_of, "no_end": end_forgotten_talks}  # codes as arguments of a function of their own


@dataclass(frozen=True)
class Said:
    """`given`: names of parameters; None when they can't be read from the source."""

    where: str
    code: str
    given: frozenset[str] | None


def sources() -> list[Path]:
    """Whoever uses the recorder; the recorder's own parts that pass codes on are left out."""
    users = [path for path in sorted(ROOT.rglob("*.py")) if "postvak.log.talk" in path.read_text()]
    return [*users, ROOT / "log" / "talk.py", ROOT / "log" / "talk_notes.py"]


def said() -> Iterator[Said]:
    for path in dict.fromkeys(sources()):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and is_recorder(call):
                place = METHODS[call.func.attr]
                for code in codes(call.args[place]):
                    names = [keyword.arg for keyword in call.keywords]
                    given = None if None in names else frozenset(str(name) for name in names)
                    yield Said(f"{path.relative_to(ROOT)}:{call.lineno}", code, given)


def is_recorder(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    place = METHODS.get(call.func.attr)
    is_logger = isinstance(call.func.value, ast.Name) and call.func.value.id in LOGGERS
    return place is not None and not is_logger and len(call.args) > place


def codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.JoinedStr):
        start = node.values[0]
        assert isinstance(start, ast.Constant)
        yield from (f"{start.value}{end}" for end in EXPANDED[str(start.value)])
    elif not (isinstance(node, ast.Name) and node.id == "code"):  # passed on inside talk_notes
        raise AssertionError(f"a code that can't be read from the source: {ast.dump(node)}")


FOUND = list(said())


def test_the_source_is_read() -> None:
    assert {
        "stored",
        "problem",
        "settled_move",
        "delivery_in_doubt",
        "mail_taken",
        "request_refused",
        "watching_began",
    } <= {one.code for one in FOUND}
    assert len(FOUND) > 30


@pytest.mark.parametrize("one", FOUND, ids=lambda one: f"{one.code}-{one.where}")
def test_a_step_has_a_sentence_and_every_parameter_that_it_names(one: Said) -> None:
    assert one.code in TALK, f"{one.where}: add a sentence for {one.code}"
    sentence = TALK[one.code]
    wanted = set(NAMED.findall(f"{sentence.title} {sentence.detail}"))
    if one.given is not None:
        assert wanted <= one.given, f"{one.where}: {one.code} lacks {wanted - one.given}"


def test_every_sentence_is_said_somewhere() -> None:
    assert set(TALK) - {one.code for one in FOUND} - set(ENDS) == set()


def test_every_state_of_a_delivery_after_an_attempt_has_a_sentence() -> None:
    assert {f"delivery_{state}" for state in EXPANDED["delivery_"]} <= set(TALK)
    assert set(EXPANDED["delivery_"]) <= set(Delivery.State.values)


def entry(code: str, **parameters: object) -> CommunicationEntry:
    return CommunicationEntry(code=code, module="receive.fetch", priority=20, parameters=parameters)


def test_a_line_is_rendered_with_its_parameters_in_words() -> None:
    line = talk_line(entry("stored", size=842_000))
    assert (line.step, line.title, line.detail) == ("receive.fetch", "Stored safely: 842 kB", "")


@pytest.mark.parametrize("problem", Problem)
def test_a_problem_reads_as_it_does_on_the_mailbox_page(problem: Problem) -> None:
    line = talk_line(entry(PROBLEM, problem=problem.value, host="mail.example", port="993", said="NO go away"))
    assert "mail.example" in line.title or problem in {Problem.not_stored, Problem.no_such_folder}
    assert line.detail == "The server said: NO go away"


def test_words_of_a_server_are_shown_as_they_are_whatever_is_in_them() -> None:
    line = talk_line(entry("delivery_failed", recipient="ann@x.example", said="550 100%(x)s %d <b>no</b>"))
    assert line.detail == "It said: 550 100%(x)s %d <b>no</b>"


def test_a_code_of_another_version_shows_as_it_is() -> None:
    with translation.override("nl"):
        assert talk_line(entry("teleported")).title == "teleported"
