"""Tokens, ticket numbers and subjects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.threading import (
    bare_subject,
    canonical_message_id,
    check_digit,
    is_ticket_number,
    make_message_id,
    numbers_in_subject,
    read_token,
    reply_subject,
)

KEY = b"a key of this test"
NUMBER = "20261121000173"


@given(st.integers(0, 2**63), st.booleans())
def test_a_token_leads_back_to_its_ticket(ticket_id: int, upper: bool) -> None:
    message_id = make_message_id(ticket_id, key=KEY, domain="desk.example")
    assert read_token(message_id.upper() if upper else f" <{message_id}> ", key=KEY) == ticket_id


def test_a_token_is_new_every_time_unless_the_nonce_is_given() -> None:
    assert make_message_id(7, key=KEY, domain="d") != make_message_id(7, key=KEY, domain="d")
    assert make_message_id(7, key=KEY, domain="d", nonce="x1") == make_message_id(7, key=KEY, domain="d", nonce="x1")


def test_a_forged_token_leads_nowhere() -> None:
    message_id = make_message_id(7, key=KEY, domain="desk.example", nonce="abc")
    assert read_token(message_id, key=b"another key") is None
    assert read_token(message_id.replace("pv.7.", "pv.8."), key=KEY) is None
    assert read_token(message_id.replace(".abc.", ".abd."), key=KEY) is None


@given(st.text(max_size=80))
def test_any_text_can_be_asked_for_a_token(text: str) -> None:
    assert read_token(text, key=KEY) is None


def test_a_nonce_with_a_dot_is_refused() -> None:
    with pytest.raises(ValueError, match="nonce"):
        make_message_id(7, key=KEY, domain="d", nonce="a.b")


def test_the_check_digit_is_damms() -> None:
    assert check_digit("572") == "4"


@given(st.integers(0, 999_999), st.integers(0, 13), st.integers(1, 9))
def test_one_wrong_digit_makes_a_number_invalid(counter: int, at: int, by: int) -> None:
    digits = f"20261121{counter:06d}"
    number = digits + check_digit(digits)
    wrong = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
    assert is_ticket_number(number)
    assert not is_ticket_number(wrong)


@pytest.mark.parametrize("number", ["", "2026112100017", "20261321000173", "1999112100017x", "２０261121000173"])
def test_other_strings_are_no_ticket_numbers(number: str) -> None:
    assert not is_ticket_number(number)


@pytest.mark.parametrize(
    "subject",
    [
        f"Re: x [#{NUMBER}]",
        f"[Ticket#{NUMBER}] x",
        f"Ticket: {NUMBER} x",
        f"x #{NUMBER}",
        f"[Ticket {NUMBER}] x",
    ]
    + [
        f"AW: Ticket#{NUMBER}: x",
        f"[{NUMBER}] x",
        f"ticketnummer {NUMBER}",
        f"Ticket Nr. {NUMBER}",
        f"(#{NUMBER})",
    ],
)
def test_a_ticket_number_is_found_in_every_spelling(subject: str) -> None:
    assert numbers_in_subject(subject) == (NUMBER,)


@pytest.mark.parametrize(
    "subject",
    [f"order {NUMBER}", NUMBER, f"#{NUMBER[:-1]}4", f"#{NUMBER}9", "#123", "[#20261121]", f"tickets{NUMBER}"],
)
def test_other_numbers_are_not_taken_for_tickets(subject: str) -> None:
    assert numbers_in_subject(subject) == ()


def test_the_hook_can_be_chosen() -> None:
    assert numbers_in_subject(f"Zaak§{NUMBER}", hook="Zaak§") == (NUMBER,)
    assert reply_subject("x", NUMBER, hook="Zaak§") == f"Re: x [Zaak§{NUMBER}]"


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: AW: Re[2]: x", "x"),
        ("Antw: FW: WG: Doorst: Betr: x", "x"),
        ("RE : Re(3): SV:x", "x"),
        (f"Re: [#{NUMBER}] Re: x", "x"),
        (f"Re: x [#{NUMBER}] [Ticket#{NUMBER}]", "x"),
        ("Reset my password", "Reset my password"),
        ("Re", "Re"),
        ("Order #123 [urgent]", "Order #123 [urgent]"),
        ("", ""),
    ],
)
def test_prefixes_and_numbers_are_folded(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare
    assert reply_subject(subject, NUMBER) == (f"Re: {bare} [#{NUMBER}]" if bare else f"Re: [#{NUMBER}]")


@given(st.text(max_size=200))
def test_answering_an_answer_changes_nothing(subject: str) -> None:
    once = reply_subject(subject, NUMBER)
    assert reply_subject(once, NUMBER) == once


def test_subjects_are_never_cut() -> None:
    assert "x" * 3000 in reply_subject("x" * 3000, NUMBER)


def test_message_ids_are_stored_short_and_plain() -> None:
    assert canonical_message_id(" <a b@c> ") == "ab@c"
    assert canonical_message_id("<" + "x" * 300 + ">").startswith("sha256:")
    assert len(canonical_message_id("x" * 9999)) == 71
