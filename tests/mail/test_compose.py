"""What we write: readable by anyone, threads kept together, nothing smuggled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postvak.mail.compose import Draft, File, compose
from postvak.mail.parse import attachment_content, parse
from postvak.mail.values import Address

DRAFT = Draft(
    author=Address("Bob", "help@desk.example"),
    to=(Address("Ann Jansen", "ann@klant.example"),),
    subject="Re: Printer",
    text="Hello Ann,\n\nit prints again.\n",
    message_id="pv.1.abc.def@desk.example",
    date=datetime(2026, 11, 21, 9, 15, tzinfo=UTC),
)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=120).map(
    lambda s: " ".join(s.split())
)
BODY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=400)


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS, BODY, st.binary(max_size=200))
def test_what_is_composed_can_be_read_again(name: str, subject: str, text: str, content: bytes) -> None:
    file = File("Grüße 1.bin", "application/x-thing", content)
    draft = replace(DRAFT, author=Address(name, "help@desk.example"), subject=subject, text=text, attachments=(file,))
    raw = compose(draft)
    mail = parse(raw)
    assert mail.subject == subject
    assert mail.author is not None
    assert mail.author.email == "help@desk.example"
    assert mail.text.rstrip("\n") == text.rstrip("\n") or not text.strip()
    assert [one.name for one in mail.attachments] == ["Grüße 1.bin"]
    assert attachment_content(raw, mail.attachments[0].index)[1] == content
    assert mail.date == DRAFT.date
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "name", ["Jansen, Ann", 'Ann "the fox"', "Müller, Jürgen", "back\\slash", "a@b", "=?utf-8?Q?x?="]
)
def test_display_names_come_back_as_they_were(name: str) -> None:
    mail = parse(compose(replace(DRAFT, to=(Address(name, "ann@klant.example"), Address("", "bob@klant.example")))))
    assert [(one.name, one.email) for one in mail.to] == [
        (name, "ann@klant.example"),
        ("", "bob@klant.example"),
    ]


def test_long_references_are_folded_at_blanks_and_never_encoded() -> None:
    ids = tuple(f"{number}.{'x' * 120}@mail.example" for number in range(12))
    raw = compose(replace(DRAFT, in_reply_to=ids[-1], references=ids))
    assert b"=?" not in raw
    assert parse(raw).references == ids
    assert parse(raw).in_reply_to == ids[-1:]


def test_more_than_twenty_references_are_trimmed_in_the_middle() -> None:
    ids = tuple(f"{number}@mail.example" for number in range(50))
    found = parse(compose(replace(DRAFT, references=ids))).references
    assert len(found) == 20
    assert found[:5] == ids[:5]
    assert found[-15:] == ids[-15:]


def test_html_images_and_files_are_nested_as_mail_clients_expect() -> None:
    files = (File("logo.png", "image/png", b"\x89PNG", "logo@1"), File("a.pdf", "application/pdf", b"%PDF"))
    raw = compose(replace(DRAFT, html='<p>Hi <img src="cid:logo@1"></p>', attachments=files))
    order = [
        raw.index(kind) for kind in (b"multipart/mixed", b"multipart/alternative", b"text/plain", b"multipart/related")
    ]
    assert order == sorted(order)
    mail = parse(raw)
    assert [(one.name, one.is_inline) for one in mail.attachments] == [("logo.png", True), ("a.pdf", False)]
    assert raw.count(b"MIME-Version") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "x\r\nBcc: eve@evil.example"},
        {"subject": "x\ny"},
        {"message_id": "a@b\r\nX: y"},
        {"message_id": ""},
        {"in_reply_to": "a b@c"},
        {"references": ("a@b", "c\n@d")},
        {"to": (Address("", "ann@klant.example\r\nBcc: eve@evil.example"),)},
        {"to": (Address("", "ann@klant.example>, <eve@evil.example"),)},
        {"to": (Address("Ann", ""),)},
        {"headers": (("X-Thing", "a\nb"),)},
        {"headers": (("X Thing", "a"),)},
        {"headers": (("X-Thing: y\r\nX", "a"),)},
        {"headers": (("Bcc", "eve@evil.example"),)},
        {"headers": (("Content-Type", "text/html"),)},
        {"attachments": (File("a\r\nX: y", "text/plain", b""),)},
        {"attachments": (File("a", "text/plain", b"", "x\r\ny"),)},
        {"date": datetime(2026, 11, 21)},  # noqa: DTZ001 - the point of this case
    ],
)
def test_nothing_can_be_smuggled_into_the_header(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z“].*\.$"):
        compose(replace(DRAFT, **change))


def test_line_breaks_in_display_names_are_flattened() -> None:
    raw = compose(replace(DRAFT, to=(Address("Ann\r\nBcc: eve@evil.example", "ann@klant.example"),)))
    assert b"\r\nBcc" not in raw
    assert [one.email for one in parse(raw).to] == ["ann@klant.example"]


def test_international_addresses_are_written() -> None:
    raw = compose(replace(DRAFT, to=(Address("", "jürgen@bücher.example"),)))
    assert "To: jürgen@xn--bcher-kva.example\r\n".encode() in raw


def test_odd_media_types_become_plain_bytes() -> None:
    files = (
        File("a.eml", "message/rfc822", b"From: x"),
        File("b", "nonsense", b"x"),
        File("c", "multipart/mixed", b"x"),
    )
    mail = parse(compose(replace(DRAFT, attachments=files)))
    assert {one.content_type for one in mail.attachments} == {"application/octet-stream"}


@pytest.mark.parametrize("files", [(), (File("a.txt", "text/plain", b"x"),)])
def test_whole_mails_go_along_as_they_came_but_for_bare_line_feeds(files: tuple[File, ...]) -> None:
    first = b"From: a@b.example\r\nSubject: caf\xe9\r\n\r\nFrom here  \r\n.\r\n"
    raw = compose(replace(DRAFT, attachments=files, originals=(first, b"Subject: two\n\nlines\n")))
    listed = [one for one in parse(raw).attachments if one.content_type == "message/rfc822"]
    contents = [attachment_content(raw, one.index)[1] for one in listed]
    assert contents == [first, b"Subject: two\r\n\r\nlines\r\n"]
    assert parse(raw).defects == ()


def test_own_headers_are_added() -> None:
    mail = parse(compose(replace(DRAFT, headers=(("Auto-Submitted", "auto-replied"), ("X-Thing", "café " * 40)))))
    assert mail.header("auto-submitted") == "auto-replied"
    assert mail.header("x-thing") == ("café " * 40).strip()
