"""Addresses out of headers as people and programs really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.addresses import is_valid_recipient, normalise, read_addresses, without_subaddress


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("ann@x.example", [("", "ann@x.example")]),
        ("Ann <ann@x.example>", [("Ann", "ann@x.example")]),
        (
            '"Jansen, Ann" <ann@x.example>, bob@x.example',
            [("Jansen, Ann", "ann@x.example"), ("", "bob@x.example")],
        ),
        ("ann@x.example (Ann Jansen)", [("Ann Jansen", "ann@x.example")]),
        ("Team: ann@x.example, Bob <bob@x.example>;", [("", "ann@x.example"), ("Bob", "bob@x.example")]),
        ("undisclosed-recipients:;", []),
        ("=?utf-8?Q?M=C3=BCller,_J=C3=BCrgen?= <j@x.example>", [("Müller, Jürgen", "j@x.example")]),
        ('"=?utf-8?B?Sm9zw6k=?=" <j@x.example>', [("José", "j@x.example")]),
        (b"J\xfcrgen <j@x.example>", [("Jürgen", "j@x.example")]),
        ("Müller <j@bücher.example>", [("Müller", "j@bücher.example")]),
        ("ann@x.example; bob@x.example", [("", "ann@x.example"), ("", "bob@x.example")]),
        ("<@relay.example:ann@x.example>", [("", "ann@x.example")]),
        ("Ann <mailto:ann@x.example>", [("Ann", "ann@x.example")]),
        ("Ann <ann@x.example", [("Ann", "ann@x.example")]),
        ('"a b"@x.example', [("", '"a b"@x.example')]),
        ("Ann (((broken <ann@x.example>", [("Ann (((broken", "ann@x.example")]),
        ("Ann\r\n <ann@x.example>", [("Ann", "ann@x.example")]),
        ("", []),
        ("<>", []),
    ],
)
def test_a_header_is_read_as_well_as_possible(header: bytes | str, expected: list[tuple[str, str]]) -> None:
    assert [(one.name, one.email) for one in read_addresses(header)] == expected


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_header_at_all_can_be_read(header: bytes | str) -> None:
    for one in read_addresses(header):
        assert one.email
        (one.name + one.email).encode("utf-8")


def test_addresses_are_compared_in_lower_case_and_ascii() -> None:
    assert normalise(" Ann@Bücher.Example ") == "ann@xn--bcher-kva.example"
    assert normalise("straße@straße.example") == "straße@xn--strae-oqa.example"


def test_the_detail_of_an_address_can_be_left_out() -> None:
    assert without_subaddress("ann+shop+x@x.example") == "ann@x.example"
    assert without_subaddress("+x@x.example") == "+x@x.example"
    assert without_subaddress("ann") == "ann"


@pytest.mark.parametrize("email", ["ann@x.example", "a.b+c@x-y.example", "o'neil@x.example", "jürgen@bücher.example"])
def test_sensible_addresses_may_be_typed(email: str) -> None:
    assert is_valid_recipient(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@x.example",
        "ann@x",
        "a b@x.example",
        "ann@x.example\n",
        "ann@x..example",
        "ann@-x.example",
    ]
    + [
        ".ann@x.example",
        "a..b@x.example",
        "ann@[1.2.3.4]",
        "ann@1.2.3.4",
        "Ann <ann@x.example>",
        "a@b@x.example",
        "a,b@x.example",
    ],
)
def test_what_is_no_address_may_not_be_typed(email: str) -> None:
    assert not is_valid_recipient(email)
