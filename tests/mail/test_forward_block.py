"""What stands above a forwarded mail, in three languages, is known again by our own reader."""

from datetime import UTC, datetime

import pytest

from postvak.mail.forward_block import Passed, as_html, as_text
from postvak.mail.quotes import forwarded_from
from postvak.mail.values import Address

ANN = Address("Ann <b>Archer</b>", "ann@customer.example")
PASSED = Passed(
    ANN, datetime(2026, 11, 21, 9, 5, tzinfo=UTC), "The lamp\nflickers", [Address("", "support@example.org")]
)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("From: Ann", "Date: November 21, 2026, 09:05")), ("nl", ("Van: Ann", "Onderwerp: The lamp flickers")),
     ("de-AT", ("Von: Ann", "Betreff: The lamp flickers", "An: support@example.org")), ("xx", ("Subject: The lamp flickers",))],
)  # fmt: skip
def test_the_head_is_written_in_the_language_of_the_mail(language: str, words: tuple[str, ...]) -> None:
    text = as_text(PASSED, language)
    assert all(word in text for word in words)
    assert "Cc:" not in text
    assert forwarded_from(f"Look\n\n{text}\n\nHello") == "ann@customer.example"


def test_names_are_text_in_the_html() -> None:
    assert "Ann &lt;b&gt;Archer&lt;/b&gt;" in as_html(PASSED, "en")
