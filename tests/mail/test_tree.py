"""The tree of parts: limits, delimiters and headers that are not as the RFCs want them."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from postvak.mail.parse import attachment_content, parse
from postvak.mail.tree import MAX_DEPTH, MAX_PARTS, Tree, build, strip_envelope

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/mail.eml"))
# These break the rules in ways in which the standard library reads less than we do.
BROKEN = {"21", "22", "23", "24", "25", "26", "27", "39"}


def shape(tree: Tree) -> list[tuple[str, int]]:
    return [(part.content_type, part.parent) for part in tree.parts]


def multipart(body: bytes, boundary: bytes = b"b") -> Tree:
    return build(b"Content-Type: multipart/mixed; boundary=" + boundary + b"\n\n" + body)


@pytest.mark.parametrize(
    "path", [p for p in CORPUS if p.parent.name[:2] not in BROKEN], ids=lambda path: path.parent.name
)
def test_sound_mails_are_split_like_the_standard_library_does(path: Path) -> None:
    raw = strip_envelope(path.read_bytes())
    theirs: list[tuple[str, int]] = []
    stack = [(email.message_from_bytes(raw, policy=email.policy.compat32), -1)]
    while stack:
        part, parent = stack.pop()
        index = len(theirs)
        theirs.append((part.get_content_type(), parent))
        inside = part.get_payload() if part.get_content_maintype() == "multipart" else []
        stack.extend((child, index) for child in reversed(inside) if isinstance(child, email.message.Message))
    assert shape(build(raw)) == theirs


def test_the_bytes_of_a_part_end_before_the_line_end_of_its_delimiter() -> None:
    tree = multipart(b"pre\r\n--b\r\n\r\none\r\n\r\n--b\r\n\r\ntwo\n--b--\r\nafter\r\n")
    assert [part.body for part in tree.parts[1:]] == [b"one\r\n", b"two"]
    assert (tree.root.preamble, tree.root.epilogue) == (b"pre\r\n", b"after\r\n")


def test_a_boundary_that_begins_like_another_is_its_own() -> None:
    tree = multipart(
        b"--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nin\n--ab--\n--a\n\nout\n--a--\n", b"a"
    )
    assert shape(tree) == [("multipart/mixed", -1), ("multipart/mixed", 0), ("text/plain", 1), ("text/plain", 0)]


def test_a_delimiter_of_the_outer_multipart_ends_inner_ones_that_were_never_closed() -> None:
    tree = multipart(b"--b\nContent-Type: multipart/related; boundary=c\n\n--c\n\nin\n--b\n\nout\n--b--\n")
    assert [part.body for part in tree.parts if not part.is_multipart] == [b"in", b"out"]
    assert "multipart_cut" in tree.defects


def test_parts_of_no_bytes_are_parts() -> None:
    assert shape(multipart(b"--b\n--b\n\n--b--\n")) == [("multipart/mixed", -1), ("text/plain", 0), ("text/plain", 0)]


def test_a_mail_with_the_line_ends_of_old_macintoshes_is_read() -> None:
    mail = parse(b"From: ann@klant.example\rSubject: Lamp\r\rStuk\rkapot\r")
    assert (mail.subject, mail.text) == ("Lamp", "Stuk\nkapot\n")


def test_a_mail_in_utf_16_is_read() -> None:
    assert parse("Subject: Grüße\r\n\r\nText\r\n".encode("utf-16")).subject == "Grüße"


def test_beyond_fifty_levels_and_a_thousand_parts_all_is_one_file_and_nothing_is_lost() -> None:
    many = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(b"--b\n\npart %d\n" % n for n in range(2000))
    assert len(build(many).parts) == MAX_PARTS
    mail = parse(many)
    content = attachment_content(many, mail.attachments[-1].index)[1]
    assert "part 997" in mail.text
    assert content.strip().startswith(b"part 998")
    assert content.endswith(b"part 1999\n")
    deep = (
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(60)) + b"\nbottom\n"
    )
    assert len(build(deep).parts) == MAX_DEPTH + 1
    assert b"bottom" in attachment_content(deep, parse(deep).attachments[0].index)[1]


def test_a_line_of_blanks_ends_a_header_only_if_none_follows() -> None:
    assert parse(b"Subject: a\n \nX-Thing: b\n\nText").header("x-thing") == "b"
    assert parse(b"Subject: a\n \nThis is text.\n").text == "This is text.\n"


def test_a_text_that_only_claims_to_be_base64_stays() -> None:
    assert (
        parse(b"Content-Transfer-Encoding: base64\n\nThe lamp is broken again.\n").text == "The lamp is broken again.\n"
    )


def test_names_of_charsets_that_only_python_knows_are_read() -> None:
    assert parse(b"Content-Type: text/plain; charset=cp-866\n\n\x8f\xe0\xa8\xa2\xa5\xe2").text == "Привет"
    assert "charset_unknown" in parse(b"Content-Type: text/plain; charset=unicode_escape\n\n\\u0041 \xe9").defects


def test_a_date_as_machines_write_it_is_read() -> None:
    date = parse(b"Date: 2026-11-21T10:15:00+01:00\n\n").date
    assert date is not None
    assert date.isoformat() == "2026-11-21T09:15:00+00:00"
