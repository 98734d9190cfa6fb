"""TXT records: asked for now, with the way in which it failed."""

import pytest

from postvak.net import dns_records
from postvak.net.dns_records import Lookup, Texts, texts_at
from tests.servers import free_port
from tests.servers.nameserver import asking, nameserver

RECORDS = {
    "one.example": ['"v=DKIM1; " "p=abc"'],
    "two.example": ['"a"', '"b"'],
    "alias.example": ["CNAME one.example."],
    "circle.example": ["CNAME round.example."],
    "round.example": ["CNAME circle.example."],
    "dangling.example": ["CNAME nowhere.example."],
    "empty.example": [],
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("one.example", Texts(Lookup.found, ("v=DKIM1; p=abc",))),
        ("alias.example", Texts(Lookup.found, ("v=DKIM1; p=abc",))),
        ("unknown.example", Texts(Lookup.none)),
        ("empty.example", Texts(Lookup.none)),
        ("dangling.example", Texts(Lookup.none)),
        ("circle.example", Texts(Lookup.loop)),
        ("a..b", Texts(Lookup.none)),
        ("x" * 64 + ".example", Texts(Lookup.none)),
    ],
)
def test_what_is_there_and_why_not(name: str, found: Texts, monkeypatch: pytest.MonkeyPatch) -> None:
    with nameserver(RECORDS, kind="TXT") as (resolver, _asked):
        monkeypatch.setattr(dns_records, "system_resolver", lambda: resolver)
        assert texts_at(name) == found


def test_several_records_all_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with nameserver(RECORDS, kind="TXT") as (resolver, _asked):
        monkeypatch.setattr(dns_records, "system_resolver", lambda: resolver)
        assert sorted(texts_at("two.example").records) == ["a", "b"]


def test_no_name_server_is_told_apart_from_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = asking("127.0.0.1", free_port())
    monkeypatch.setattr(dns_records, "system_resolver", lambda: resolver)
    assert texts_at("one.example").lookup is Lookup.unreachable
