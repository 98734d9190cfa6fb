"""Questions about names that must not hold anything up: remembered, limited together, given up where nobody answers."""

from time import monotonic

import pytest
from dns.resolver import NoResolverConfiguration, Resolver

from postvak.net import answers
from postvak.net.answers import NONE, UNREACHABLE, Answer, Names
from postvak.net.dns_records import Lookup
from tests.servers import free_port
from tests.servers.nameserver import asking, nameserver

RECORDS = {
    "one.example": ['"v=DKIM1; " "p=abc"'],
    "alias.example": ["CNAME one.example."],
    "empty.example": [],
}
ONE = Answer(Lookup.found, ("v=DKIM1; p=abc",))


def test_an_answer_is_asked_for_once_also_that_there_is_none() -> None:
    with nameserver(RECORDS, kind="TXT") as (resolver, asked):
        ask = Names(lambda: resolver).asker()
        assert [ask("one.example"), ask("One.Example."), ask("alias.example")] == [ONE, ONE, ONE]
        assert [ask("unknown.example"), ask("unknown.example"), ask("empty.example")] == [NONE] * 3
        assert sorted(asked) == ["alias.example", "empty.example", "one.example", "unknown.example"]


@pytest.mark.parametrize(
    "name", ["", "localhost", "a..b", "x" * 64 + ".example", "printer.local", "a.test", "bücher.example", "a." * 130]
)
def test_what_no_name_server_can_know_is_not_asked(name: str) -> None:
    with nameserver(RECORDS, kind="TXT") as (resolver, asked):
        assert Names(lambda: resolver).asker()(name) == NONE
        assert not asked


def test_servers_and_addresses() -> None:
    with nameserver({"one.example": ["20 b.one.example.", "10 A.one.example."]}, kind="MX") as (resolver, _):
        assert Names(lambda: resolver).asker()("one.example", "MX").values == ("a.one.example", "b.one.example")
    with nameserver({"one.example": ["192.0.2.1"]}, kind="A") as (resolver, _):
        assert Names(lambda: resolver).asker()("one.example", "A").values == ("192.0.2.1",)


def test_all_questions_of_a_mail_together_have_one_limit() -> None:
    with nameserver(RECORDS, kind="TXT", delay=0.15) as (resolver, _asked):
        names = Names(lambda: resolver)
        ask, begun = names.asker(0.4), monotonic()
        found = [ask(f"{number}.example") for number in range(10)]
        assert monotonic() - begun < 2
        assert found[0] == NONE
        assert found[-1] == UNREACHABLE
        assert names.asker()("one.example") == ONE, "another mail has its own limit"


def test_where_nobody_answers_only_one_mail_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PROBE_SECONDS", 0.1)
    with nameserver({}, delay=5) as (resolver, asked):
        names = Names(lambda: resolver)
        assert names.asker(0.2)("one.example") == UNREACHABLE
        begun, before = monotonic(), len(asked)
        assert {names.asker()(f"{number}.example") for number in range(100)} == {UNREACHABLE}
        assert monotonic() - begun < 0.1
        assert len(asked) == before
        monkeypatch.setattr(answers, "monotonic", lambda: begun + 100)
        assert names.broken_until < begun + 100, "after a minute somebody tries again"


def test_a_slow_domain_is_its_own_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(lambda: asking("127.0.0.1", free_port()))
    monkeypatch.setattr(names, "look_for_anybody", lambda resolver: None)
    names.asker(0.05)("slow.example")
    with nameserver(RECORDS, kind="TXT") as (resolver, _asked):
        names.make_resolver = lambda: resolver
        assert names.asker()("slow.example") == UNREACHABLE, "remembered for a while"
        assert names.asker()("one.example") == ONE


def test_without_a_network_nobody_waits() -> None:
    def nobody() -> Resolver:
        raise NoResolverConfiguration

    names = Names(nobody)
    assert names.asker()("one.example") == UNREACHABLE
    assert names.broken_until > monotonic() + 50
