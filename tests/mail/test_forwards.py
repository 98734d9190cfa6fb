"""Whose mail does a forwarded one come from?"""

import pytest

from postvak.mail.forwards import original_author
from postvak.mail.parse import parse

HEAD = "From: bob@example.org\r\nTo: support@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
INNER = "From: Ann <ann@customer.example>\r\nSubject: Lamp\r\nMessage-ID: <x@y>\r\n\r\nIt flickers.\r\n"


def inline(text: str, subject: str = "Fwd: Lamp") -> bytes:
    return (HEAD.format(subject=subject) + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text).encode()


def attached(*inner: str, kind: str = "message/rfc822") -> bytes:
    parts = "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{one}\r\n" for one in inner)
    head = HEAD.format(subject="A mail") + 'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return f"{head}--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n{parts}--b--\r\n".encode()


def author(raw: bytes) -> str:
    return original_author(raw, parse(raw))


@pytest.mark.parametrize(
    "block",
    [
        "---------- Forwarded message ---------\nFrom: Ann <ann@customer.example>\nDate: x\nSubject: Lamp\nTo: bob@example.org\n\nHi",
        "-----Original Message-----\nFrom: Ann [mailto:ann@customer.example]\nSent: Friday\nTo: Bob\nSubject: Lamp\n\nHi",
        "-----Ursprüngliche Nachricht-----\nVon: Ann <ann@customer.example>\nGesendet: Freitag\nAn: Bob\nBetreff: Lampe\n\nHi",
        "Van: Ann <ann@customer.example>\nVerzonden: vrijdag\nAan: Bob\nOnderwerp: Lamp\n\nHi",
        "Begin forwarded message:\n\n> From: Ann <ann@customer.example>\n> Subject: Lamp\n> Date: x\n> To: bob@example.org\n>\n> Hi",
        "-------- Forwarded Message --------\nSubject: Lamp\nDate: x\nFrom: Ann <ann@customer.example>\nTo: bob@example.org\n\nHi",
    ],
)
@pytest.mark.parametrize("above", ["", "Please take this one.\n\n"])
def test_a_forward_in_the_text(block: str, above: str) -> None:
    assert author(inline(above + block)) == "ann@customer.example"


def test_an_answer_that_quotes_is_no_forward() -> None:
    quoted = "Thanks!\n\nOn Friday Ann <ann@customer.example> wrote:\n> It flickers.\n"
    assert author(inline(quoted, "Re: Lamp")) == ""


def test_an_attached_mail() -> None:
    assert author(attached(INNER)) == "ann@customer.example"


def test_several_attached_mails_are_nobodys() -> None:
    assert author(attached(INNER, INNER)) == ""


def test_attached_mails_without_sender_and_other_files_are_nobodys() -> None:
    assert author(attached("Subject: x\r\n\r\nHi")) == ""
    assert author(attached(INNER, kind="text/plain")) == ""
    assert author(attached("")) == ""


def test_a_plain_mail_is_nobodys_forward() -> None:
    assert author(inline("Hello, my lamp flickers.", "Lamp")) == ""


def test_any_bytes_are_read_without_an_exception() -> None:
    for raw in (b"", b"\x00\xff" * 1000, b"Content-Type: message/rfc822\r\n\r\n" * 200):
        assert author(raw) == ""
