"""`postvak suppressions`: look and release; for people and for programs."""

import json

import pytest

from tests.cli.program import Program

SET_UP = """
from django.utils import timezone
from postvak.models import Suppression
for address, reason, said in (
    ("a@x.example", "bounced", "550 5.1.1 no such user"),
    ("b@y.example", "complained", ""),
    ("c@xn--bcher-kva.example", "bounced", "550 5.1.1 no such user"),
):
    Suppression.objects.create(address=address, reason=reason, since=timezone.now(), said=said)
"""


@pytest.fixture
def busy(program: Program) -> Program:
    """Three suppressed addresses."""
    program.python(SET_UP)
    return program


def listed(program: Program, *arguments: str) -> list[str]:
    return [row["address"] for row in json.loads(program.ok("suppressions", "list", "--json", *arguments))]


def test_the_list_shows_why_with_the_servers_words_explained(busy: Program) -> None:
    text = busy.ok("suppressions", "list")
    assert "a@x.example  bounced, since " in text
    assert "– 550 5.1.1 no such user\n    This address doesn't exist at the other server" in text
    assert "b@y.example  complained, since " in text
    assert listed(busy) == ["c@xn--bcher-kva.example", "b@y.example", "a@x.example"]
    assert listed(busy, "--text", "X.example") == ["a@x.example"]
    assert listed(busy, "--limit", "1") == ["c@xn--bcher-kva.example"]
    assert busy.ok("suppressions", "list", "--text", "nobody") == "No such address is suppressed.\n"


def test_released_addresses_are_off_the_list_however_they_are_written(busy: Program) -> None:
    assert busy.ok("suppressions", "release", "A@X.example") == "a@x.example gets mail again.\n"
    assert json.loads(busy.ok("suppressions", "release", "c@bücher.example", "--json")) == [
        {"address": "c@xn--bcher-kva.example", "released": True}
    ]
    assert listed(busy) == ["b@y.example"]


def test_a_typing_error_releases_nobody(busy: Program) -> None:
    done = busy.run("suppressions", "release", "b@y.example", "d@y.example")
    assert (done.code, done.out) == (1, "")
    assert "Not on the list: d@y.example. Nothing was changed." in done.err
    assert len(listed(busy)) == 3


def test_an_empty_list_says_so(program: Program) -> None:
    assert program.ok("suppressions", "list") == "No address is suppressed.\n"
    assert json.loads(program.ok("suppressions", "list", "--json")) == []
