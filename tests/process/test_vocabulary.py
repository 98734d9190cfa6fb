"""Every reason that the pipeline gives and every line of history that it writes has a sentence, with its parameters.

The codes are read from the source, so a new one without a sentence fails here at once.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import postvak
from postvak.crypto.values import Verdict
from postvak.log.learn_sentences import LEARNED
from postvak.log.rule_sentences import CONTROL_WORDS
from postvak.log.sentences import HISTORY, TRACE
from postvak.mail.values import Kind
from postvak.models import AutomaticMail, Delivery, Receipt
from postvak.process.attributes import READERS
from postvak.process.changes import snapshot
from postvak.process.decide import STEPS
from postvak.process.filters.actions import ACTIONS
from postvak.process.reports import DELAYED, NOT_OUT
from postvak.trust.values import Level

ROOT = Path(postvak.__file__).parent
PROCESS = sorted((ROOT / "process").rglob("*.py"))
CODE = re.compile(r"[a-z]+(?:_[a-z]+)+|[a-z]{5,}")
NAMED = re.compile(r"%\((\w+)\)s")
SOUNDS = ("queue_sounds_", "priority_sounds_", "spam_sounds_")
EXPANDED = {
    **{start: [code.removeprefix(start) for code in LEARNED if code.startswith(start)] for start in SOUNDS},
    "signature_": [verdict.value for verdict in Verdict],
    "trust_": [level.value for level in Level],
    "kind_": [kind.value for kind in Kind],
    "report_": [Delivery.State.BOUNCED, Delivery.State.BLOCKED, Delivery.State.COMPLAINED, Delivery.State.DELIVERED, DELAYED, NOT_OUT],
}  # fmt: skip


@dataclass(frozen=True)
class Emission:
    """`given`: names of parameters; None when they can't be read from the source."""

    where: str
    code: str
    given: frozenset[str] | None


def emissions() -> Iterator[Emission]:
    """Calls of plan.because(step, code, …), Reason(step, code, {…}) and of functions that pass a code on to them."""
    for path in PROCESS:
        tree = ast.parse(path.read_text())
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and (code := code_of(call)) is not None:
                        where = f"{path.relative_to(ROOT)}:{call.lineno}"
                        yield from (Emission(where, one, given(call)) for one in words(code, function))


def code_of(call: ast.Call) -> ast.expr | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = {"because": 1, "Reason": 1, "hold": 2, "plan_mail": 3}.get(name)
    return call.args[place] if place is not None and len(call.args) > place else None


def words(code: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
    """What the expression can be; a name can be any word of its function that looks like a code and has a sentence."""
    if isinstance(code, ast.Constant):
        yield str(code.value)
    elif isinstance(code, ast.IfExp):
        yield from words(code.body, function)
        yield from words(code.orelse, function)
    elif isinstance(code, ast.JoinedStr):
        start = code.values[0]
        assert isinstance(start, ast.Constant)
        yield from (f"{start.value}{end}" for end in EXPANDED[start.value])
    elif code_is_passed_on(code, function):
        return
    else:
        assert isinstance(code, ast.Name)
        yield from sorted(strings_bound_to(code.id, function))


def code_is_passed_on(code: ast.expr, function: ast.FunctionDef) -> bool:
    """These take a code as a parameter; what they are called with is read where they are called."""
    names = {argument.arg for argument in function.args.args}
    return isinstance(code, ast.Name) and code.id in names and function.name in {"because", "hold", "plan_mail"}


def strings_bound_to(name: str, function: ast.FunctionDef) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            found |= strings_in(node.value)
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple) and isinstance(node.iter, ast.Tuple):
            place = [getattr(one, "id", "") for one in node.target.elts].index(name)
            for row in node.iter.elts:
                assert isinstance(row, ast.Tuple)
                found |= strings_in(row.elts[place])
    assert found, f"no strings for {name} in {function.name}"
    return found


def strings_in(node: ast.expr) -> set[str]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and CODE.fullmatch(one.value)
    }


def given(call: ast.Call) -> frozenset[str] | None:
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    names = {str(keyword.arg) for keyword in call.keywords}
    names |= {"email"} if getattr(call.func, "id", "") == "plan_mail" else set()  # it adds that itself
    for argument in call.args:
        if isinstance(argument, ast.Dict):
            names |= {str(key.value) for key in argument.keys if isinstance(key, ast.Constant)}
    return frozenset(names)


FOUND = list(emissions())


def test_the_source_is_read() -> None:
    codes = {emission.code for emission in FOUND}
    assert len(codes) > 70
    assert {
        "received",
        "kind_bulk",
        "by_token",
        "by_number_in_body",
        "empty_mail",
        "unknown_value",
        "filter_set",
    } <= codes


@pytest.mark.parametrize("emission", FOUND, ids=lambda emission: f"{emission.code}-{emission.where}")
def test_a_reason_has_a_sentence_and_every_parameter_that_it_names(emission: Emission) -> None:
    assert emission.code in TRACE, f"{emission.where}: add a sentence for {emission.code}"
    sentence = TRACE[emission.code]
    wanted = set(NAMED.findall(f"{sentence.title} {sentence.detail}"))
    if emission.given is not None:
        assert wanted <= emission.given, f"{emission.where}: {emission.code} lacks {wanted - emission.given}"


def test_every_sentence_is_said_somewhere() -> None:
    sources = "\n".join(path.read_text() for path in ROOT.rglob("*.py") if not path.name.endswith("sentences.py"))
    quoted = set(re.findall(r"\"([a-z_]+)\"", sources)) | {emission.code for emission in FOUND}
    assert set(TRACE) - quoted == set()


def test_every_line_of_history_has_a_sentence() -> None:
    writes = {outcome.value for outcome in Receipt.Outcome} - {"duplicate", "before_start", "ignored", "held"}
    changes = re.findall(r"yield \"(\w+)\"", (ROOT / "process" / "changes.py").read_text())
    assert changes
    mails = {f"{kind}_written" for kind in AutomaticMail.Kind.values if kind != AutomaticMail.Kind.NOTICE}
    assert (writes | set(snapshot_keys()) | set(changes) | mails) - set(HISTORY) == set()


def snapshot_keys() -> list[str]:
    """The codes of change_ticket(): keys of what snapshot() returns."""
    tree = ast.parse((ROOT / "process" / "changes.py").read_text())
    (function,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == snapshot.__name__)
    (table,) = (n for n in ast.walk(function) if isinstance(n, ast.Dict))
    return [str(key.value) for key in table.keys if isinstance(key, ast.Constant)]


def test_every_control_and_every_action_has_a_word() -> None:
    wanted = {name for name in READERS if name not in {"service", "sla"}} | set(ACTIONS) | {"ignore"}
    assert wanted - set(CONTROL_WORDS) == set()


def test_the_paper_names_the_steps_in_their_order() -> None:
    paper = (ROOT.parents[1] / "docs" / "flow-in.md").read_text()
    table = paper[paper.index("| step | question |") :]
    names = re.findall(r"^   \| ([^|-][^|]*) \|", table[: table.index("\n\n")], re.MULTILINE)
    assert names == [step.name for step in STEPS]
