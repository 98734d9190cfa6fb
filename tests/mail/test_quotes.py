"""What is new in a reply; nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.quotes import quote_reply, split_reply

AT = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)


def _kinds(text: str) -> list[str]:
    return [segment.kind for segment in split_reply(text)]


def _new(text: str) -> str:
    return "".join(segment.text for segment in split_reply(text) if segment.kind == "new").strip()


@pytest.mark.parametrize(
    "introduction",
    [
        "On Fri, 20 Nov 2026 at 17:00, Help <help@desk.example> wrote:",
        "On Fri, 20 Nov 2026 at 17:00, Help Desk of the very long name\n<help@desk.example> wrote:",
        "Op vr 20 nov 2026 om 17:00 schreef Help <help@desk.example>:",
        "Op 20-11-2026 om 17:00 heeft Help het volgende geschreven:",
        "Am 20.11.2026 um 17:00 schrieb Help <help@desk.example>:",
        "Help schrieb am 20.11.2026:",
    ],
)
def test_a_quotation_begins_with_its_introduction(introduction: str) -> None:
    text = f"It works.\n\n{introduction}\n\n> Does it work?\n> Bob\n"
    assert _new(text) == "It works."
    assert _kinds(text)[0] == "new"
    assert _kinds(text)[-1] == "quoted"


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----",
        "-----Oorspronkelijk bericht-----",
        "-----Ursprüngliche Nachricht-----",
        "________________________________\nVan: Help <help@desk.example>\nVerzonden: vrijdag\nAan: Ann",
        "Von: Help <help@desk.example>\nGesendet: Freitag, 20. November 2026\nAn: Ann\nBetreff: x",
        "From: Help <help@desk.example>\nSent: Friday\nTo: Ann\nSubject: x",
        "On Fri, 20 Nov 2026 at 17:00, Help <help@desk.example> wrote:",
    ],
)
def test_everything_below_a_separator_is_quoted(separator: str) -> None:
    text = f"It works.\n\n{separator}\n\nDoes it work?\n"
    assert _new(text) == "It works."
    assert _kinds(text) == ["new", "quoted"]


def test_answers_between_quotes_are_new() -> None:
    text = "On 20 Nov 2026 Bob wrote:\n> One?\nYes.\n> Two?\nNo.\n"
    assert _kinds(text) == ["quoted", "new", "quoted", "new"]


def test_a_signature_is_recognised() -> None:
    assert _kinds("Text\n-- \nAnn\nx@y\n") == ["new", "signature"]


@pytest.mark.parametrize(
    "text", ["Ann wrote: it works", "I wrote:\nhello", "On Monday I wrote to you", "Van: ik weet het niet"]
)
def test_ordinary_sentences_are_new(text: str) -> None:
    assert _kinds(text) == ["new"]


PIECES = st.sampled_from(
    [
        "> a\n",
        "On 1 Jan Bob wrote:\n",
        "-- \n",
        "-----Original Message-----\r\n",
        "\n",
        "From: x\n",
        "To: y\n",
        "b\r",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=15).map("".join)))
def test_the_segments_joined_are_the_text(text: str) -> None:
    segments = split_reply(text)
    assert "".join(segment.text for segment in segments) == text
    assert all(left.kind != right.kind for left, right in zip(segments, segments[1:], strict=False))


@pytest.mark.parametrize("language", ["nl", "de", "en", "de-AT", "fr"])
def test_our_own_quotation_is_recognised_again(language: str) -> None:
    text = "Answer\n\n" + quote_reply("Line\n\n> older\n", author="Ann <ann@x.example>", at=AT, language=language)
    assert _new(text) == "Answer"
    assert text.endswith("> Line\n>\n>> older\n")


def test_the_introduction_is_in_the_language_of_the_customer() -> None:
    assert quote_reply("x", author="Ann", at=AT, language="nl").startswith(
        "Op 21 november 2026 om 09:05 schreef Ann:\n"
    )
    assert quote_reply("x", author="Ann", at=AT, language="de").startswith(
        "Am 21. November 2026 um 09:05 schrieb Ann:\n"
    )
    assert quote_reply("x", author="Ann", at=AT, language="en").startswith(
        "On November 21, 2026 at 09:05, Ann wrote:\n"
    )
