"""What is new in a reply; nothing is lost."""

from __future__ import annotations

import time
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


@pytest.mark.parametrize(
    "text",
    [
        "On 3 May 2026 I mailed ann@mail.example the following things:\n\n1. the invoice\n",
        "On 3 May 2026 Ann wrote to me that all of the following needs to be done before June:\n\nPaint the house.\n",
        "Van: Utrecht\nAan: Amsterdam\nDatum: 3 mei\nTijd: 9:00\n\nKunt u dat boeken?\n",
        "I need from: A\nto: B\n",
        "From the start:\nTo the end\nDate: today\n",
        "-- not a signature, just a dash\nand more\n",
        "----- Enter your answer below -----\nIt was fine.\n",
        "Name: Ann\nDate: 3 May 2026\nSubject: printer\nMessage: it burns\n",
        "A line\n>From the mailbox, not a quotation\nA line\n",
    ],
)
def test_texts_that_look_like_quotations_stay_new(text: str) -> None:
    assert _kinds(f"Hello,\n\n{text}") == ["new"]


def test_an_introduction_may_share_the_last_line_of_an_answer() -> None:
    segments = split_reply("Yes please. On Fri, 20 Nov 2026 at 17:00, Bob <bob@desk.example> wrote:\n> Shall I?\n")
    assert [(segment.kind, segment.text[:11]) for segment in segments] == [
        ("new", "Yes please."),
        ("quoted", "On Fri, 20 "),
    ]


def test_a_quoted_line_that_was_broken_on_its_way_is_quoted_whole() -> None:
    text = f"Yes.\n\n> {'long words of a quotation ' * 3}that went over the\nend of the line\n> and on\n"
    assert _kinds(text) == ["new", "quoted"]


def test_a_short_answer_between_quoted_lines_is_no_broken_line() -> None:
    text = f"> {'long words of a quotation ' * 3}with a question?\nyes\n> and on\n"
    assert _kinds(text) == ["quoted", "new", "quoted"]


def test_text_below_a_lone_introduction_is_shown() -> None:
    text = "On Fri, 20 Nov 2026 at 17:00, Bob <bob@desk.example> wrote:\n\nShall I?\n\nYes please.\n"
    assert _kinds(text) == ["quoted", "new"]


@pytest.mark.parametrize(
    "piece",
    ["-", "-\n", "--\n", "_", "=", ">", "> \n", "\n", "a:\n", "From: a\n", "On 1 May 2026 a:\n", "x\n\n", "Groet,\n", "wrote:", "On ",
     "On 1 May\n", "<a@b\n>:\n", "a:\n> b\n", "Groet,\nAnn\n> x\n", "-- \n> x\n", "confidential ", "_____\nFrom: a\n", "1.1.20", "a@"],
)  # fmt: skip
def test_a_bomb_of_text_is_split_in_linear_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    started = time.process_time()
    assert "".join(segment.text for segment in split_reply(text)) == text
    assert time.process_time() - started < 3


def test_a_line_of_dashes_is_cheap() -> None:
    text = "-" * 200_000
    started = time.process_time()
    assert _kinds(text) == ["new"]
    assert time.process_time() - started < 0.05


PIECES = st.sampled_from(
    [
        "Groet,\nAnn\n",
        "Sent from my iPhone\n",
        "____\n",
        "This is confidential; if you received this in error, delete it at once.\n",
        "Begin forwarded message:\n",
        "Subject: y\n",
        "Yes. On 1 May 2026 Bob wrote:\n",
        "<a@b.example\n>:\n",
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
