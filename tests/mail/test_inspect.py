"""`describe` answers in the schema by which others compare parsers, and never raises."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postvak.mail import inspect
from postvak.mail.inspect import describe
from postvak.mail.parse import parse

CORPUS = sorted(path for path in (Path(__file__).parent / "corpus").iterdir() if path.is_dir())
# The fields of the shared corpora's schema that need no keys and no name server.
# fmt: off
ANSWERED = {
    "subject", "from_addr", "from_name", "to", "cc", "reply_to", "message_id", "date", "body_text", "body_html", "html_present",
    "attachments", "is_bounce", "bounced_recipients", "bounce_status", "bounce_hard", "is_auto", "no_autoreply", "is_ooo",
    "is_feedback", "is_spam", "reply_text", "forwarded_from", "signed", "encrypted",
}
OWN = {
    "kind", "kind_reason", "defects", "language", "segments", "remote", "tracking", "misleading_links", "missing_content_ids",
    "events", "contacts", "reports", "parts", "fingerprint", "references", "in_reply_to", "delivered_to", "sender",
}
# fmt: on


def described(name: str) -> dict[str, Any]:
    folder = next(path for path in CORPUS if path.name.endswith(name))
    return dict(describe((folder / "mail.eml").read_bytes()))


def html(source: str) -> dict[str, Any]:
    return dict(describe(b"From: ann@klant.example\nContent-Type: text/html; charset=utf-8\n\n" + source.encode()))


@pytest.mark.parametrize("folder", CORPUS, ids=lambda path: path.name)
def test_every_field_is_answered_and_can_be_written_as_json(folder: Path) -> None:
    fields = describe((folder / "mail.eml").read_bytes())
    assert set(fields) == ANSWERED | OWN
    assert json.loads(json.dumps(fields)) == fields


@pytest.mark.parametrize("folder", CORPUS, ids=lambda path: path.name)
def test_it_says_the_same_as_the_parser(folder: Path) -> None:
    raw = (folder / "mail.eml").read_bytes()
    fields, mail = dict(describe(raw)), parse(raw)
    assert (fields["subject"], fields["body_text"], fields["kind"]) == (mail.subject, mail.text, mail.kind)
    assert [one["index"] for one in fields["attachments"]] == [one.index for one in mail.attachments]  # type: ignore[union-attr,index,call-overload]
    assert "".join(one["text"] for one in fields["segments"]) == mail.text  # type: ignore[union-attr,index,misc,call-overload]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_described(raw: bytes) -> None:
    assert not [code for code in describe(raw)["defects"] if str(code).startswith("failed")]  # type: ignore[union-attr]


def test_a_failure_of_ours_is_a_defect_and_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(inspect, "examine", broken)
    fields = html("<p>Hallo</p>")
    assert "failed:html:RecursionError" in fields["defects"]
    assert fields["body_text"] == "Hallo"
    monkeypatch.setattr(inspect, "understand", broken)
    assert describe(b"x")["defects"] == ["failed:RecursionError"]


def test_a_file_has_its_hash_its_true_type_and_its_danger() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/pdf; name=a.pdf\n"
        b"Content-Transfer-Encoding: base64\n\niVBORw0KGgoAAAANSUhEUgAA\n"
        b"--b\nContent-Type: text/plain; name=b.txt.js\n\nx\n--b--\n"
    )
    picture, script = describe(raw)["attachments"]  # type: ignore[misc]
    content = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0"
    assert picture["sha256"] == hashlib.sha256(content).hexdigest()  # type: ignore[index,call-overload]
    assert (picture["mime"], picture["sniffed"]) == ("application/pdf", "image/png")  # type: ignore[index,call-overload]
    assert script["danger"] == "hidden_name"  # type: ignore[index,call-overload]


def test_remote_content_is_listed_and_invisible_pictures_are_told_apart() -> None:
    found = html(
        '<img src="https://x.example/a.png"><img src="//x.example/p.gif" width=1 height="1">'
        '<div style="background:url(https://x.example/b.png)"></div><table background="http://x.example/c"></table>'
        '<style>@import "https://x.example/s.css";</style><img src="cid:weg@1"><img src="data:image/gif;base64,R0">'
    )
    assert set(found["remote"]) == {
        "https://x.example/a.png",
        "//x.example/p.gif",
        "https://x.example/b.png",
        "http://x.example/c",
        "https://x.example/s.css",
    }
    assert found["tracking"] == ["//x.example/p.gif"]
    assert found["missing_content_ids"] == ["weg@1"]


@pytest.mark.parametrize(
    ("link", "misleading"),
    [
        ('<a href="https://evil.example/login">https://bank.example/login</a>', True),
        ('<a href="https://evil.example"><b>www.bank.example</b></a>', True),
        ('<a href="https://bank.example.evil.example/">bank.example</a>', True),
        ('<a href="mailto:x@evil.example">ann@bank.example</a>', True),
        ('<a href="https://www.bank.example/a">bank.example</a>', False),
        ('<a href="https://login.bank.example/a">https://bank.example/</a>', False),
        ('<a href="mailto:ann@bank.example?subject=x">ann@bank.example</a>', False),
        ('<a href="https://evil.example">click here</a>', False),
        ('<a href="#top">bank.example</a>', False),
    ],
)
def test_a_link_that_leads_elsewhere_than_it_says_is_listed(link: str, misleading: bool) -> None:
    assert bool(html(f"<p>{link}</p>")["misleading_links"]) is misleading


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hallo, de printer doet het niet meer. Kunnen jullie mij helpen?", "nl"),
        ("Guten Tag, der Drucker funktioniert nicht mehr.", "de"),
        ("The printer is not working any more.", "en"),
        ("Bonjour, l'imprimante ne marche plus, pouvez-vous nous aider ?", "fr"),
        ("Hola, la impresora no funciona desde ayer, ¿pueden ayudar?", "es"),
        ("Buongiorno, la stampante non funziona più.", "it"),
        ("Olá, a impressora não está a funcionar.", "pt"),
        ("Dzień dobry, drukarka nie działa od wczoraj.", "pl"),
        ("Принтер не работает", "ru"),
        ("プリンターが動きません", "ja"),
        ("Vielen Dank!", "de"),
        ("4711-0815", ""),
    ],
)
def test_the_language_shows_in_the_small_words(text: str, language: str) -> None:
    assert describe(f"Subject: 1\nContent-Type: text/plain; charset=utf-8\n\n{text}\n".encode())["language"] == language


@pytest.mark.parametrize(
    ("head", "body", "signed", "encrypted"),
    [
        ('multipart/signed; protocol="application/pgp-signature"; boundary=b', b"--b\n\nx\n--b--\n", "pgp", False),
        ('multipart/signed; protocol="application/pkcs7-signature"; boundary=b', b"--b\n\nx\n--b--\n", "smime", False),
        ('multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b', b"--b\n\nx\n--b--\n", False, "pgp"),
        ("application/pkcs7-mime; smime-type=enveloped-data", b"x", False, "smime"),
        ("application/x-pkcs7-mime; smime-type=signed-data", b"x", "smime", False),
        ("application/pkcs7-mime", b"0\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0", "smime", False),
        ("application/pkcs7-mime", b"0\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0", False, "smime"),
        ("text/plain", b"-----BEGIN PGP SIGNED MESSAGE-----\n", "pgp", False),
        ("text/plain", b"-----BEGIN PGP MESSAGE-----\n", False, "pgp"),
        ("text/plain", b"no -----BEGIN PGP MESSAGE-----\n", False, False),
    ],
)
def test_signed_and_encrypted_mails_are_known_by_their_structure(
    head: str, body: bytes, signed: object, encrypted: object
) -> None:
    found = describe(f"Content-Type: {head}\n\n".encode() + body)
    assert (found["signed"], found["encrypted"]) == (signed, encrypted)


def test_appointments_and_contacts_are_read_out_of_their_files() -> None:
    found = described("calendar-and-contact")
    assert found["events"] == [
        {
            "method": "REQUEST",
            "uid": "1@klant.example",
            "summary": "Lamp, nieuw",
            "start": "2026-11-21T10:15:00+01:00",
            "end": "2026-11-21T10:00:00+00:00",
            "location": "",
            "organizer": "ann@klant.example",
            "attendees": [],
        }
    ]
    assert found["contacts"] == [
        {"name": "Ann Jansen", "organisation": "", "emails": ["ann@klant.example"], "phones": ["+31201234567"]}
    ]
    assert len(found["attachments"]) == 2
