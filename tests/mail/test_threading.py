"""Tokens, ticket numbers and subjects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.threading import (
    bare_subject,
    canonical_message_id,
    check_digit,
    is_hook,
    is_ticket_number,
    make_message_id,
    numbered,
    numbers_in_subject,
    read_token,
    reply_subject,
    written_subject,
)

KEY = b"a key of this test"
NUMBER = "20261121000173"
RANDOM = "31415926536"
PLAIN = "10042"
HOOKS = st.sampled_from(["#", "", "Ticket#", "Zaak§", "Ticket: ", "(", ".*"])
PLACES = st.sampled_from(["right", "left", "none"])
NUMBERS = st.one_of(
    st.integers(0, 10**7).map(lambda n: f"20261121{n:05d}").map(lambda digits: digits + check_digit(digits)),
    st.integers(10**9, 10**10 - 1).map(str).map(lambda digits: digits + check_digit(digits)),
    st.integers(10_000, 10**10 - 1).map(str),
)


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
    [f"order {NUMBER}", NUMBER, f"#{NUMBER[:-1]}4", f"#{NUMBER}9", "#123", "#1234567890123", f"tickets{NUMBER}"],
)
def test_other_numbers_are_not_taken_for_tickets(subject: str) -> None:
    assert numbers_in_subject(subject) == ()


@pytest.mark.parametrize("number", [RANDOM, PLAIN])
@pytest.mark.parametrize(
    "spelling",
    [
        "Re: x [#{}]",
        "[Ticket#{}] x",
        "Ticket: {} x",
        "x #{}",
        "Ticket# {}: x",
        "[ #{} ] x",
        "AW: ticket nr. {}",
        "＃{} x",
    ],
)
def test_numbers_of_the_other_generators_are_found_in_every_spelling(spelling: str, number: str) -> None:
    assert numbers_in_subject(spelling.format(number)) == (number,)


def test_a_short_number_needs_the_hook_before_it() -> None:
    assert numbers_in_subject("Order 10042, invoice [10042], room 4711") == ()
    assert numbers_in_subject("x [10042]", hook="") == ("10042",)
    assert numbers_in_subject("x [10042", hook="") == ()


def test_a_random_number_with_a_wrong_digit_is_none() -> None:
    assert check_digit(RANDOM) == "0"
    assert numbers_in_subject(f"[#{RANDOM[:-1]}9]") == ()


def test_digits_of_other_scripts_are_none_of_ours() -> None:
    assert numbers_in_subject("#１００４２ #١٠٠٤٢") == ()


def test_a_subject_full_of_numbers_has_a_few_candidates_only() -> None:
    assert len(numbers_in_subject(" ".join(f"#{n}" for n in range(10_000, 11_000)))) == 20


@given(st.text(max_size=200), NUMBERS, HOOKS, PLACES.filter(lambda place: place != "none"))
def test_what_we_write_into_a_subject_we_find_again(subject: str, number: str, hook: str, place: str) -> None:
    ours = reply_subject(subject, number, hook=hook, place=place)
    found = numbers_in_subject(ours, hook=hook)
    assert number in found or len(found) == 20


@given(st.text(max_size=300), HOOKS)
def test_any_subject_can_be_searched_for_numbers(subject: str, hook: str) -> None:
    assert all(number.isascii() and number.isdigit() for number in numbers_in_subject(subject, hook=hook))


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
        ("Order #10042 [urgent]", "Order #10042 [urgent]"),
        (f"Parcel #{RANDOM}", f"Parcel #{RANDOM}"),
        (f"x [#{RANDOM}]", "x"),
        ("回复：答复: 转发：Odp: YNT: Ref: Tr: RV: Antwort: Rif: x", "x"),
        ("", ""),
    ],
)
def test_prefixes_and_numbers_are_folded(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare
    assert reply_subject(subject, NUMBER) == (f"Re: {bare} [#{NUMBER}]" if bare else f"Re: [#{NUMBER}]")


@given(st.text(max_size=200), NUMBERS, HOOKS, PLACES)
def test_answering_an_answer_changes_nothing(subject: str, number: str, hook: str, place: str) -> None:
    once = reply_subject(subject, number, hook=hook, place=place)
    assert reply_subject(once, number, hook=hook, place=place) == once


@given(st.text(max_size=200), NUMBERS, HOOKS, PLACES)
def test_what_an_agent_wrote_changes_once_only(subject: str, number: str, hook: str, place: str) -> None:
    once = written_subject(subject, number, hook=hook, place=place)
    assert written_subject(once, number, hook=hook, place=place) == once


@pytest.mark.parametrize(
    ("place", "ours"), [("right", "Re: x [#10042]"), ("left", "[#10042] Re: x"), ("none", "Re: x")]
)
def test_the_number_stands_where_the_administrator_wants_it(place: str, ours: str) -> None:
    assert reply_subject("AW: x", PLAIN, place=place) == ours
    assert reply_subject("AW: [#10042] Re: x [#10042]", PLAIN, place=place) == ours


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Fwd: x", "Fwd: x [#10042]"),
        ("WG: Re: x", "Fwd: x [#10042]"),
        ("[#10042] Fw: x", "Fwd: x [#10042]"),
        ("Re: Fwd: x", "Re: x [#10042]"),
        ("x", "x [#10042]"),
    ],
)
def test_a_forwarded_mail_of_an_agent_stays_one(typed: str, sent: str) -> None:
    assert written_subject(typed, PLAIN) == sent


def test_an_empty_subject_gets_the_number_alone() -> None:
    assert numbered("", PLAIN) == "[#10042]"


@pytest.mark.parametrize(
    ("text", "good"),
    [("#", True), ("Ticket#", True), ("", True), ("T1", False), ("[", False), (":", False), ("Re:", False)],
)
def test_a_hook_has_neither_digits_nor_brackets(text: str, good: bool) -> None:
    assert is_hook(text) is good
    assert not is_hook("x" * 21)


def test_subjects_are_never_cut() -> None:
    assert "x" * 3000 in reply_subject("x" * 3000, NUMBER)


def test_message_ids_are_stored_short_and_plain() -> None:
    assert canonical_message_id(" <a b@c> ") == "ab@c"
    assert canonical_message_id("<" + "x" * 300 + ">").startswith("sha256:")
    assert len(canonical_message_id("x" * 9999)) == 71
