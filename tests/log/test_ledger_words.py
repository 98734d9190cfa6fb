"""The search of the ledger: what somebody types never fails, and finds what it should, on both databases."""

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.log.ledger import words
from postvak.log.ledger.words import MOST_PIECES, Piece, newest, pieces_of
from postvak.models import LedgerEntry, Mailbox
from tests.mails import mail
from tests.process.arrivals import receive

pytestmark = pytest.mark.django_db
END = 2**63 - 1


def found(text: str) -> list[str]:
    """Subjects of the lines, newest first."""
    pieces = pieces_of(text)
    keys = newest(pieces, END, 100) if pieces else []
    subjects = LedgerEntry.objects.in_bulk(keys)
    return [subjects[key].subject for key in keys]


@pytest.fixture
def lines(mailbox: Mailbox) -> None:
    receive(
        mailbox,
        mail(subject="The lamp flickers", message_id="CA+abc=12@mail.customer.example"),
        mail(subject="Größe der Lampe", message_id="m2@x.example", sender="Jürgen <j.weiss@weiss.example>", text="two"),
        mail(subject="Invoice 2026-0912", message_id="m3@x.example", sender="o'hara_1@x.example", text="three"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lamp", ["Größe der Lampe", "The lamp flickers"]),
        ("lamp flickers", ["The lamp flickers"]),
        ("flickers lamp", ["The lamp flickers"]),
        ("flick", ["The lamp flickers"]),
        ("flick lamp", []),
        ('"lamp flickers"', ["The lamp flickers"]),
        ('"flickers lamp"', []),
        ('"lamp flick"', []),
        ('"lamp flickers', ["The lamp flickers"]),
        ("ann@customer.example", ["The lamp flickers"]),
        ("ANN@Customer.Example", ["The lamp flickers"]),
        ("<CA+abc=12@mail.customer.example>", ["The lamp flickers"]),
        ("ca+abc=12@mail", ["The lamp flickers"]),
        ("weiss.exam", ["Größe der Lampe"]),
        ("größe", ["Größe der Lampe"]),
        ("GRÖSSE", []),
        ("j.weiss@weiss.example lampe", ["Größe der Lampe"]),
        ("o'hara_1@x.example", ["Invoice 2026-0912"]),
        ("2026-0912", ["Invoice 2026-0912"]),
        ("support@example.org", ["Invoice 2026-0912", "Größe der Lampe", "The lamp flickers"]),
        ("nobody@customer.example", []),
        ("in", []),
        ("", []),
        ("*", []),
        ('"', []),
        ("AND", []),
        ("lamp OR invoice", []),
        ("NEAR(lamp flickers)", []),
        ("subject:lamp", []),
        ("lamp*", ["Größe der Lampe", "The lamp flickers"]),
        ("!lamp & (", ["The lamp flickers"]),
        ("'; DROP TABLE postvak_ledgerentry; --", []),
        ("\x00lamp\x00", ["Größe der Lampe", "The lamp flickers"]),
    ],
)
def test_what_is_typed_finds_these_lines(lines: None, text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_the_ticket_number_finds_the_mail_that_opened_it(lines: None) -> None:
    line = LedgerEntry.objects.get(subject="The lamp flickers")
    assert line.ticket is not None
    assert found(line.ticket.number) == ["The lamp flickers"]
    assert found(line.ticket.number[:8])[-1] == "The lamp flickers"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.text(alphabet="\"'*:()^-+&|!<> \\ab\x00ſİ\u0301𝓐", max_size=30))
def test_nothing_that_is_typed_is_a_syntax_error(db: None, text: str) -> None:
    found(text)


def test_of_very_many_words_only_the_first_are_looked_for() -> None:
    assert len(pieces_of("word " * 500)) == MOST_PIECES


def test_only_the_last_word_may_be_a_beginning_and_not_a_very_short_one() -> None:
    assert pieces_of("lamp fli") == [Piece(("lamp",)), Piece(("fli",), is_prefix=True)]
    assert pieces_of("lamp fl") == [Piece(("lamp",)), Piece(("fl",))]


@pytest.mark.parametrize(
    ("text", "is_prefix"),
    [
        ("ann@customer.example", False), ("<ann@mail>", False), ("<m1@customer.example>", False), ("m1@[10.0.0.123", True),
        ("ann@customer", True), ("customer.example", True), ("@customer.example", False), ("ann@b.customer.co", False),
    ],
)  # fmt: skip
def test_a_whole_address_is_no_beginning(text: str, is_prefix: bool) -> None:
    assert [piece.is_prefix for piece in pieces_of(text)] == [is_prefix]


def test_a_page_goes_on_below_a_key(lines: None) -> None:
    first, second, third = newest(pieces_of("support@example.org"), END, 100)
    assert newest(pieces_of("support@example.org"), END, 1) == [first]
    assert newest(pieces_of("support@example.org"), first, 100) == [second, third]


@pytest.mark.parametrize(("near", "few", "far", "rare"), [(1, 1, 1, 1), (2, 3, 5, 7), (5, 2, 50, 4), (40, 500, 9, 9)])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_on_postgresql_the_newest_are_found_however_it_is_cut_into_pieces(
    db: None, monkeypatch: pytest.MonkeyPatch, limit: int, near: int, few: int, far: int, rare: int
) -> None:
    for name, value in {"NEAR": near, "FEW": few, "FAR": far, "RARE": rare}.items():
        monkeypatch.setattr(words, name, value)
    now = timezone.now()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            direction="in", at=now, state="held", subject=f"{'old' if n < 9 else 'new'} {'lamp' if n % 7 == 3 else 'x'}"
        )
        for n in range(60)
    )
    for text in ("lamp", "old", "new", "old lamp", "lam", "nothing"):
        wanted = text.split()
        lines = LedgerEntry.objects.order_by("-pk")
        expected = [line.pk for line in lines if all(word in line.subject for word in wanted)]
        assert newest(pieces_of(text), END, limit) == expected[:limit], text
