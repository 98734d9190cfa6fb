"""What is understood of what agents type. No database."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postvak.tickets.search.dates import read_day
from postvak.tickets.search.operators import OPERATORS
from postvak.tickets.search.query import Query, parse
from postvak.tickets.search.wanted import Lexeme


def words(query: Query) -> list[set[str]]:
    return [{" ".join(lexeme.words) for lexeme in lexemes} for lexemes in query.wanted.required]


def test_each_word_is_wanted_in_its_forms_and_the_last_by_its_beginning() -> None:
    first, last = parse("Lampen knip").wanted.required
    assert Lexeme(("lampen",)) in first
    assert Lexeme(("lamp",)) in first
    assert Lexeme(("knip",), is_prefix=True) in last


def test_a_space_at_the_end_says_that_the_word_is_whole() -> None:
    (only,) = parse("knip ").wanted.required
    assert Lexeme(("knip",)) in only


def test_quotes_keep_words_together_in_every_style() -> None:
    for text in ('"rode lamp"', "“rode lamp”", "„rode lamp“", "«rode lamp»", '"rode lamp'):
        assert "rode lamp" in words(parse(text))[0]


def test_a_number_with_a_hyphen_is_a_phrase() -> None:
    assert words(parse("LD-200"))[0] == {"ld 200"}


def test_minus_excludes_words_phrases_and_operators() -> None:
    query = parse('lamp -factuur -"rode lamp" -from:jansen -is:closed')
    assert len(query.wanted.required) == 1
    assert len(query.wanted.excluded) == 3
    assert [(each.name, each.value, each.is_excluded) for each in query.filters] == [("is", "closed", True)]


@pytest.mark.parametrize(
    "text", ["is:unanswered", "is:onbeantwoord", "ist:unbeantwortet", "IS:Unbeantwortet", "is: unanswered"]
)
def test_operators_are_understood_in_three_languages(text: str) -> None:
    (only,) = parse(text).filters
    assert (only.name, only.value) == ("is", "unanswered")


@pytest.mark.parametrize("text", ["from:jansen", "van:jansen", "von:Jansen", 'van:"jansen"'])
def test_from_asks_for_the_sender_only(text: str) -> None:
    assert "f_jansen" in words(parse(text))[0]


def test_every_operator_of_the_help_is_understood_as_shown() -> None:
    for each in OPERATORS:
        for language in ("en", "nl", "de"):
            query = parse(each.shown(language))
            assert not query.problems, each.shown(language)
            assert not query.is_empty


def test_an_unknown_operator_is_a_word_and_is_said() -> None:
    query = parse("colour:red")
    assert words(query)[0] == {"colour red"}
    assert "colour:" in query.problems[0]


def test_addresses_of_pages_and_subjects_are_words_without_a_remark() -> None:
    assert parse("https://example.org/lamp").problems == ()
    assert parse("Printer: kapot").problems == ()
    assert len(parse("Printer: kapot").wanted.required) == 2


@pytest.mark.parametrize(
    "text", ["before:2026-13", "after:soon", "before:31.2.2026", "is:purple", "has:wings", "from:"]
)
def test_what_makes_no_sense_is_a_sentence(text: str) -> None:
    query = parse(text)
    assert query.is_empty
    assert query.problems[0].endswith(".")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-05", date(2026, 11, 5)),
        ("5.11.2026", date(2026, 11, 5)),
        ("05-11-2026", date(2026, 11, 5)),
        ("2026-11", date(2026, 11, 1)),
        ("11.2026", date(2026, 11, 1)),
        ("2026", date(2026, 1, 1)),
        ("2026-02-30", None),
        ("x", None),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, day: date | None) -> None:
    assert read_day(text) == day


def test_before_and_after_are_limits_and_minus_turns_them() -> None:
    query = parse("after:2026-01 before:2026-03 -after:2026-02")
    assert query.since is not None
    assert query.until is not None
    assert (query.since.month, query.until.month) == (1, 2)


PIECES = st.sampled_from(
    ['"', "-", ":", "from:", "van:", "is:", "before:", "number:", "has:", "*", "(", ")", "NEAR", "AND", "OR", "NOT"]
    + ["lamp", "'", "''", "\\", "\x00", "^", "{", "}", "&", "|", "!", "<->", "ä", "ß", "2026", " ", "  ", "x:y", "+", "_", "\ud800"]
)  # fmt: skip
TYPED = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=15).map("".join))


@settings(max_examples=400, deadline=None)
@given(TYPED)
def test_whatever_is_typed_is_understood_somehow(text: str) -> None:
    query = parse(text)
    assert all(lexeme.words and all(lexeme.words) for some in query.wanted.required for lexeme in some)
    assert all(sentence for sentence in query.problems)
