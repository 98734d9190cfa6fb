"""Header fields inside the protection: ours are read by us, and those of other programs as well."""

from __future__ import annotations

import pytest

from postvak.crypto.entities import read_entity, split
from postvak.crypto.protected_header import outer_subject, read, write

ENTITY = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
FIELDS = [
    ("From", b"Support <support@bedrijf.example>"),
    ("Subject", b"=?utf-8?q?Geheim_=C3=A9n_belangrijk?="),
    ("Bcc", b"eve@klant.example"),
    ("MIME-Version", b"1.0"),
    ("DKIM-Signature", b"v=1"),
]


def test_the_subject_stands_inside_and_dots_outside() -> None:
    inner = write(ENTITY, FIELDS, is_encrypted=True, hides_subject=True)
    entity = read_entity(inner)
    assert entity.parameters == {"charset": "utf-8", "protected-headers": "v1", "hp": "cipher"}
    told = [line.strip() for line in entity.headers.all("hp-outer")]
    assert told == [b"From: Support <support@bedrijf.example>", b"Subject: [...]"]
    assert not any(entity.headers.all(name) for name in ("bcc", "mime-version", "dkim-signature"))
    assert read(inner).subject == "Geheim én belangrijk"
    assert outer_subject(hides_subject=True, subject=FIELDS[1][1]) == b"[...]"


def test_a_signed_mail_has_its_header_inside_and_nothing_about_the_outside() -> None:
    entity = read_entity(write(ENTITY, FIELDS, is_encrypted=False, hides_subject=False))
    assert (entity.parameters["hp"], entity.headers.all("hp-outer")) == ("clear", [])
    assert entity.body == b"Hello\r\n"


@pytest.mark.parametrize(
    ("entity", "subject", "shown"),
    [
        # RFC 9788: the first lines of the text, and a div of the HTML, repeat the header
        (
            b'Subject: Plan\r\nContent-Type: text/plain; hp="cipher"; hp-legacy-display="1"\r\n\r\nSubject: Plan\r\n\r\nThe plan\r\n',
            "Plan",
            [b"The plan"],
        ),
        (
            b'Subject: Plan\r\nContent-Type: multipart/alternative; hp=cipher; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; hp-legacy-display=1\r\n\r\n'
            b'Subject: Plan\r\n\r\nThe plan\r\n--b\r\nContent-Type: text/html; hp-legacy-display=1\r\n\r\n<body><div class="header-protection-legacy-display">'
            b"<pre>Subject: Plan</pre></div><p>The plan</p></body>\r\n--b--\r\n",
            "Plan",
            [b"The plan", b"<body><p>The plan</p></body>"],
        ),
        # programs before that: a first part of its own
        (
            b'Subject: Plan\r\nContent-Type: multipart/mixed; boundary=b; protected-headers="v1"\r\n\r\n--b\r\nContent-Type: text/rfc822-headers; '
            b'protected-headers="v1"\r\n\r\nSubject: Plan\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThe plan\r\n--b--\r\n',
            "Plan",
            [b"The plan"],
        ),
        # S/MIME 3.1: the whole mail inside
        (
            b"Content-Type: message/rfc822; forwarded=no\r\n\r\nSubject: Plan\r\nContent-Type: text/plain\r\n\r\nThe plan\r\n",
            "Plan",
            [b"The plan"],
        ),
    ],
)  # fmt: skip
def test_what_only_repeats_the_header_for_old_programs_is_not_shown(
    entity: bytes, subject: str, shown: list[bytes]
) -> None:
    found = read(entity)
    part = read_entity(found.entity)
    assert found.subject == subject
    assert [read_entity(one).content.strip() for one in split(part)] or [part.content.strip()] == shown
    assert b"Subject: Plan" not in b"".join(read_entity(one).content for one in split(part)) + (
        b"" if split(part) else part.content
    )


@pytest.mark.parametrize(
    "entity",
    [
        ENTITY,
        b"Content-Type: text/plain; hp-legacy-display=1\r\n\r\nDear all\r\n\r\nwe meet at ten\r\n",  # not said to be encrypted
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSubject: x\r\n--b--\r\n",
        b"Content-Type: message/rfc822\r\n\r\nSubject: A forwarded mail\r\n\r\nHello\r\n",
        b"",
        b"\xff\x00",
    ],
)
def test_everything_else_stays_byte_for_byte(entity: bytes) -> None:
    assert (read(entity).entity, read(entity).subject) == (entity, "")
