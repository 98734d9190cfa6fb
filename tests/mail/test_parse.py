"""The corpus of own mails, and what must hold for any bytes at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.mail.parse import attachment_content, parse
from postvak.mail.values import Kind, Mail

CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if path.is_dir())
RAW = [(path / "mail.eml").read_bytes() for path in CORPUS]
SIMPLE = ("subject", "message_id", "text", "kind", "kind_reason")
LISTS = ("in_reply_to", "references", "defects")


def _described(mail: Mail) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(mail, name) for name in SIMPLE}
    found |= {name: list(getattr(mail, name)) for name in LISTS}
    found["author"] = [mail.author.name, mail.author.email] if mail.author else None
    found["to"] = [address.email for address in mail.to]
    found["date"] = mail.date.isoformat() if mail.date else None
    found["html"] = bool(mail.html)
    found["attachment_names"] = [one.name for one in mail.attachments]
    found["reports"] = [
        [one.action, one.recipient, one.status, one.diagnostic, one.original_message_id] for one in mail.reports
    ]
    return found


@pytest.mark.parametrize("folder", CORPUS, ids=lambda path: path.name)
def test_a_mail_of_the_corpus_is_understood_as_written_beside_it(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    mail = parse((folder / "mail.eml").read_bytes())
    for piece in expected.pop("text_has", []):
        assert piece in mail.text
    for piece in expected.pop("text_lacks", []):
        assert piece not in mail.text
    for wanted, got in zip(expected.pop("attachments", []), mail.attachments, strict=False):
        assert {name: getattr(got, name) for name in wanted} == wanted
    found = _described(mail)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("raw", RAW, ids=[path.name for path in CORPUS])
def test_every_attachment_can_be_cut_out_by_its_number(raw: bytes) -> None:
    for info in parse(raw).attachments:
        described, content = attachment_content(raw, info.index)
        assert described == info
        assert len(content) == info.size


def test_a_number_that_is_no_attachment_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        attachment_content(RAW[0], 0)
    with pytest.raises(LookupError):
        attachment_content(b"", 7)


def _texts(value: object) -> Iterator[str]:
    """Every string inside a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _texts(one)
    elif is_dataclass(value):
        for one in fields(value):
            yield from _texts(getattr(value, one.name))


def _assert_storable(mail: Mail) -> None:
    for text in _texts(mail):
        assert "\0" not in text
        text.encode("utf-8")
    assert not any("\n" in value for _, value in mail.headers)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_at_all_are_parsed_and_storable(raw: bytes) -> None:
    _assert_storable(parse(raw))


SNIPPETS = st.sampled_from(
    [
        b"\0",
        b"\xff\xfe",
        b"=?utf-8?Q?=",
        b"?=",
        b"\r\n",
        b"\n\n",
        b"--R\r\n",
        b"--b--",
        b"<",
        b'"',
        b"((",
        b";",
        b"\xed\xa0\x80",
    ]
    + [
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"charset=utf-7",
        b"charset=utf-16",
        b"filename*1*='",
        b"&#xD800;",
    ]
    + [
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n",
        b"message/rfc822",
    ]
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RAW), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), SNIPPETS), max_size=8))
def test_a_damaged_mail_is_parsed_and_storable(raw: bytes, wounds: list[tuple[int, int, bytes]]) -> None:
    for at, length, put in wounds:
        raw = raw[:at] + put + raw[at + length :]
    mail = parse(raw)
    _assert_storable(mail)
    for info in mail.attachments:
        assert attachment_content(raw, info.index)[0] == info


def test_the_same_mail_by_two_routes_has_one_fingerprint() -> None:
    raw = RAW[0]
    other = b"Received: from a by b\r\nDelivered-To: sales@desk.example\r\n" + raw + b"\r\n\r\n"
    assert parse(raw).fingerprint == parse(other).fingerprint == parse(raw.replace(b"\r\n", b"\n")).fingerprint
    assert parse(raw).fingerprint != parse(raw.replace(b"eerste", b"tweede")).fingerprint
    assert parse(raw).fingerprint != parse(raw.replace(b"10:15", b"10:16")).fingerprint


def test_without_a_message_id_every_byte_counts() -> None:
    raw = RAW[0].replace(b"Message-ID:", b"X-Was:")
    assert parse(raw).fingerprint != parse(b"Received: x\r\n" + raw).fingerprint


def test_delivered_to_headers_come_in_their_fixed_order() -> None:
    raw = (
        b"Envelope-To: c@x\r\nX-Original-To: b@x\r\nDelivered-To: a@x\r\n"
        b"X-Envelope-To: <d@x>\r\nDelivered-To: a2@x\r\n\r\n"
    )
    assert parse(raw).delivered_to == ("a@x", "a2@x", "b@x", "c@x", "d@x")


def test_headers_are_found_in_any_letter_case() -> None:
    mail = parse(b"X-Thing: =?utf-8?Q?caf=C3=A9?=\r\nX-THING: second\r\n\r\n")
    assert mail.header("x-thing") == "café"
    assert mail.header("absent") == ""


def test_an_odd_line_does_not_end_the_header() -> None:
    mail = parse(b"Received: from a\r\nby b with c\r\nSubject : Hello\r\nFrom: ann@x.example\r\n\r\nText")
    assert (mail.subject, mail.text) == ("Hello", "Text")


def test_a_body_without_blank_line_stays_a_body() -> None:
    mail = parse(b"Subject: Hello\r\nThis is the text already\r\nand more\r\n")
    assert mail.subject == "Hello"
    assert "This is the text already" in mail.text


def test_texts_beside_attachments_are_all_shown() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nfirst\n--b\nContent-Type: image/png\n\nxx\n"
        b"--b\nContent-Type: text/html\n\n<p>second</p>\n--b--\n"
    )
    mail = parse(raw)
    assert mail.text == "first\nsecond"
    assert mail.html == "<pre>first</pre>\n<p>second</p>"


def test_flowed_lines_are_joined_but_not_the_signature() -> None:
    raw = b"Content-Type: text/plain; format=flowed\n\nOne long \nline.\n> quoted \n> too\n-- \nAnn\n"
    assert parse(raw).text == "One long line.\n> quoted too\n-- \nAnn\n"


def test_charsets_that_browsers_do_not_know_are_read() -> None:
    assert parse(b"Content-Type: text/plain; charset=utf-7\n\nFr+APY-sche").text == "Frösche"
    assert parse(b"Content-Type: text/plain; charset=ibm850\n\nFr\x94sche").text == "Frösche"
    assert parse(b"Content-Type: text/plain; charset=us-ascii\n\nFr\xc3\xb6sche").text == "Frösche"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (b"X-Postvak-Loop: support@example.org", Kind.LOOP),
        (b"Auto-Submitted: no", Kind.PERSONAL),
        (b"Auto-Submitted: auto-generated", Kind.AUTO_REPLY),
        (b"X-Autoreply: yes", Kind.AUTO_REPLY),
        (b"Precedence: auto_reply", Kind.AUTO_REPLY),
        (b"Precedence: list", Kind.BULK),
        (b"X-Auto-Response-Suppress: DR, RN", Kind.PERSONAL),
        (b"Return-Path: <>", Kind.AUTO_REPLY),
        (b"Return-Path: <ann@x.example>", Kind.PERSONAL),
        (b"Subject: Out of office", Kind.AUTO_REPLY),
        (b"Subject: Automatic reply: hello", Kind.AUTO_REPLY),
        (b"Subject: Abwesend bis 3. Januar", Kind.AUTO_REPLY),
        (b"Subject: Re: Automatisch antwoord: hallo", Kind.PERSONAL),
        (b"Subject: Automatisch antwoord instellen in Outlook", Kind.PERSONAL),
        (b"Subject: Out of office chairs", Kind.PERSONAL),
        (b"From: MAILER-DAEMON <>\nSubject: Mail delivery failed", Kind.BOUNCE),
        (b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b", Kind.RECEIPT),
    ],
)
def test_headers_tell_what_sort_of_mail_it_is(header: bytes, kind: Kind) -> None:
    mail = parse(header + b"\nTo: help@desk.example\n\nText\n")
    assert mail.kind is kind
    assert bool(mail.kind_reason) is (kind is not Kind.PERSONAL)


HOSTILE = {
    "nested multiparts": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
    ),
    "nested messages": b"Content-Type: message/rfc822\n\n" * 3000,
    "many parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 5000,
    "a long header": b"Subject: " + b"x" * 1_000_000 + b"\n\nText",
    "unfinished words": b"Subject: " + b"=?utf-8?Q?" * 20_000 + b"\n\nText",
    "parentheses": b"From: " + b"(" * 25_000 + b"\n\nText",
    "addresses": b"To: " + b"a@b.example, " * 10_000 + b"\n\nText",
    "quotes": b"From: " + b'"\\' * 25_000 + b"\n\nText",
    "parameters": b"Content-Type: text/plain" + b"".join(b"; name*%d=x" % n for n in range(5000)) + b"\n\nText",
    "deep html": b"Content-Type: text/html\n\n" + b"<div>" * 20_000 + b"Text",
    "blank lines": b"Subject: x\n\n" + b"\n" * 300_000,
    "odd header lines": b"Subject: x\n" + b"odd line\n" * 20_000 + b"From: a@b\n\nText",
    "brackets": b"References: " + b"<" * 50_000 + b"\n\nText",
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_mails_end_soon(raw: bytes) -> None:
    started = time.process_time()
    _assert_storable(parse(raw))
    assert time.process_time() - started < 4


def test_odd_bytes_beside_a_bounced_address_are_not_kept() -> None:
    raw = b"From: MAILER-DAEMON@x.example\nSubject: failure\n\nfailed:\n<ann@x.example\0\xff>:\nno\n"
    _assert_storable(parse(raw))


def test_limits_are_named_as_defects() -> None:
    assert "too_many_parts" in parse(HOSTILE["many parts"]).defects
    assert "too_deep" in parse(HOSTILE["nested multiparts"]).defects
    assert "header_too_large" in parse(HOSTILE["a long header"]).defects
