"""Mails that go out once more: bytes in front, bytes exchanged, nothing else touched."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postvak.mail.compose import Draft, compose
from postvak.mail.parse import parse
from postvak.mail.resent import CannotTravel, again, redirected
from postvak.mail.values import Address
from tests.mails import mail

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
US, CAS = Address("Süpport", "support@example.org"), Address("Cas", "cas@partner.example")


def redirect(raw: bytes) -> bytes:
    return redirected(raw, author=US, to=(CAS,), message_id="pv.1@example.org", date=NOW)


def test_a_redirected_mail_is_the_original_with_a_block_in_front() -> None:
    raw = mail(x_odd=" \tas it was")
    out = redirect(raw)
    assert out.endswith(raw)
    block = out[: -len(raw)].decode()
    assert [line.partition(":")[0] for line in block.splitlines()] == [
        "Resent-Date",
        "Resent-Message-ID",
        "Resent-From",
        "Resent-To",
    ]
    assert parse(out).message_id == parse(raw).message_id


def test_bare_line_ends_become_those_of_the_wire_and_nothing_else() -> None:
    assert redirect(b"From: a@b.example\n\n\xff binary \x01\n").endswith(
        b"From: a@b.example\r\n\r\n\xff binary \x01\r\n"
    )


@pytest.mark.parametrize(
    "raw", [b"", b"no header at all", b"Subject: x\r\n\r\nnul \x00", b"Subject: x\r\n\r\n" + b"y" * 1200]
)
def test_what_no_server_takes_is_refused(raw: bytes) -> None:
    with pytest.raises(CannotTravel):
        redirect(raw)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_writes_a_header(name: str, other: str) -> None:
    raw = mail()
    out = redirected(raw, author=Address(name, US.email), to=(Address(other, CAS.email),), message_id="a@b", date=NOW)
    names = [
        line.partition(":")[0] for line in out[: -len(raw)].decode().split("\r\n") if line and line[0] not in " \t"
    ]
    assert names == ["Resent-Date", "Resent-Message-ID", "Resent-From", "Resent-To"]


def test_a_mail_sent_again_keeps_thread_words_and_files_and_has_a_new_id() -> None:
    first = Draft(
        author=US, to=(CAS,), cc=(Address("", "boss@partner.example"),), subject="Lämp [#1]", text="Häl\n", html="<p>Häl</p>",
        message_id="pv.1@example.org", in_reply_to="c@x.example", references=("b@x.example", "c@x.example"), date=NOW,
    )  # fmt: skip
    raw = compose(first)
    out = again(
        raw, author=US, to=(Address("", "new@partner.example"),), cc=(), message_id="pv.2@example.org", date=NOW
    )
    old, new = parse(raw), parse(out)
    assert (new.message_id, [one.email for one in new.to], new.cc) == ("pv.2@example.org", ["new@partner.example"], ())
    assert (new.references, new.in_reply_to, new.text, new.html) == (
        old.references,
        old.in_reply_to,
        old.text,
        old.html,
    )
    assert (new.author, new.subject) == (old.author, old.subject)
    assert b"boss@" not in out
    assert out.count(b"Message-ID:") == 1


def test_a_signature_over_the_old_header_does_not_go_along() -> None:
    raw = b"DKIM-Signature: v=1;\r\n\tb=abc\r\nFrom: a@example.org\r\nTo: x@y.example\r\n\r\nhi\r\n"
    assert b"DKIM" not in again(raw, author=US, to=(CAS,), cc=(), message_id="a@b", date=NOW)
