"""Mail exchangers: asked for with short patience, remembered, and nobody is disturbed when there is no answer."""

import time

import pytest

from postvak.net.exchangers import Exchangers, look_up
from postvak.net.providers import provider_of
from tests.servers import free_port
from tests.servers.nameserver import asking, nameserver

RECORDS = {
    "example.org": ["20 backup.example.", "10 Example-Org.mail.protection.outlook.com."],
    "takes-none.example": ["0 ."],
    "xn--bcher-kva.example": ["10 aspmx.l.google.com."],
    "empty.example": [],
}


def test_exchangers_come_with_the_preferred_one_first_and_name_the_provider() -> None:
    with nameserver(RECORDS) as (resolver, _asked):
        found = Exchangers(resolver).of("Example.ORG.")
    assert found == ("example-org.mail.protection.outlook.com", "backup.example")
    provider = provider_of("info@example.org", found)
    assert provider is not None
    assert provider.name == "Microsoft 365"


@pytest.mark.parametrize("domain", ["takes-none.example", "empty.example", "unknown.example"])
def test_a_domain_without_exchangers_has_none(domain: str) -> None:
    with nameserver(RECORDS) as (resolver, asked):
        assert look_up(domain, resolver) == ()
    assert asked == [domain]


def test_a_domain_with_other_letters_is_asked_for_in_ascii() -> None:
    with nameserver(RECORDS) as (resolver, _asked):
        assert look_up("bücher.example", resolver) == ("aspmx.l.google.com",)


@pytest.mark.parametrize(
    "domain", ["", "example", "a..example", "x" * 64 + ".example", f"{'a.' * 130}example", "\udcff.x"]
)
def test_what_is_no_domain_is_not_asked_for(domain: str) -> None:
    with nameserver(RECORDS) as (resolver, asked):
        assert look_up(domain, resolver) == ()
    assert not asked


def test_an_answer_is_remembered_and_a_question_is_asked_once_by_many() -> None:
    with nameserver(RECORDS, delay=0.3) as (resolver, asked):
        exchangers = Exchangers(resolver)
        assert exchangers.of("example.org", patience=0.0) is None
        assert exchangers.of("example.org", patience=0.0) is None
        assert exchangers.of("example.org")
        assert exchangers.of("example.org", patience=0.0)
    assert asked == ["example.org"]


def test_a_silent_name_server_takes_two_seconds_at_most_and_none_at_all_no_time() -> None:
    started = time.monotonic()
    with nameserver(RECORDS, delay=5.0) as (resolver, _asked):
        assert look_up("example.org", resolver) == ()
    assert 1.5 < time.monotonic() - started < 3.0
    assert look_up("example.org", asking("127.0.0.1", free_port())) == ()
