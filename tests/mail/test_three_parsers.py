"""What we write is read as it was meant by three parsers that have nothing in common (three_readers.py)."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imapclient import IMAPClient

from postvak.mail.compose import Draft, File, compose
from postvak.mail.values import Address
from tests.mail.three_readers import Part, Read, by_dovecot, by_python, by_rust, lines
from tests.servers.dovecot import Dovecot

pytestmark = pytest.mark.servers
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
NAMES = (
    "", "Ann", "Jansen, Ann", 'Ann "the fox" Jansen', "Müller, Jürgen", "back\\slash", "a@b.example", "=?utf-8?Q?x?=", "O'Neill (sales)",
    "Zoë 🦊", "👩‍👩‍👧 Familie", "山田 太郎", "محمد", "<script>", "semi;colon: group", "J. R. R.", "Ann " * 40 + "Ä", "x" * 200, "Ä" * 150,
)  # fmt: skip
SUBJECTS = (
    "", "Re: Printer", "Grüße aus Köln", "🦊" * 60, "word " * 80 + "end", "x" * 400, "=?utf-8?Q?not_encoded?=",
    "Ä" * 300, "a" * 74 + "ß", "[#2026112100017] 100 % – „fertig“", "Subject: Bcc: x@y.example",
)  # fmt: skip
FILE_NAMES = (
    "a.pdf", "Grüße.pdf", "100% sicher; wirklich.txt", 'quo"te.txt', "back\\slash.txt", "山田.docx", "🦊.png", "x" * 200 + ".pdf",
    "ä" * 120 + ".pdf", "it's.txt", "comma, and 'quote'.csv", "plus+space .txt", "=?utf-8?Q?x?=.txt",
)  # fmt: skip
DOMAINS = ("klant.example", "bücher.example", "日本語.example", "xn--bcher-kva.example", "sub.straße.example")
DRAFT = Draft(
    author=Address("Bob", "help@desk.example"),
    to=(Address("Ann Jansen", "ann@klant.example"),),
    subject="Re: Printer",
    text="Hello Ann,\n\nit prints again.\n",
    message_id="pv.1.abc.def@desk.example",
    date=datetime(2026, 11, 21, 9, 15, tzinfo=UTC),
)
Check = Callable[..., None]
numbers = count()


@pytest.fixture(scope="module")
def client(dovecot: Dovecot) -> Iterator[IMAPClient]:
    """A mailbox of its own, to which each mail is appended."""
    dovecot.add_user("readers", "secret")
    end = dovecot.imap_endpoint("readers", "secret")
    unverified = ssl._create_unverified_context()  # noqa: S323 - loopback
    with IMAPClient(end.host, port=end.port, ssl=True, ssl_context=unverified, timeout=60) as found:
        found.login("readers", "secret")
        found.select_folder("INBOX")
        yield found


@contextmanager
def appended(client: IMAPClient, raw: bytes) -> Iterator[int]:
    """Key of the mail in the mailbox, as long as the test looks at it."""
    client.append("INBOX", raw)
    client.noop()
    key = max(client.search(["ALL"]))
    yield key
    client.delete_messages([key], silent=True)
    client.expunge()


@pytest.fixture(scope="module")
def check(client: IMAPClient) -> Check:
    """All three read what was meant. Python's parser loses blanks of subjects and odd names: `besides` are its fields."""

    def all_three(draft: Draft, **meant: object) -> None:
        raw = compose(draft)
        expected = replace(meant_by(draft), **meant)  # type: ignore[arg-type]
        assert by_python(raw) == expected, "Python"
        assert by_rust(raw) == expected, "Rust"
        with appended(client, raw) as key:
            assert by_dovecot(client, key) == expected, "Dovecot"

    return all_three


def meant_by(draft: Draft) -> Read:
    files = [Part(one.name, one.content_type, one.content, one.content_id) for one in draft.attachments]
    shown = [one for one in files if one.content_id]
    return Read(
        subject=draft.subject,
        author=(draft.author.name, draft.author.email),
        to=tuple((one.name, one.email) for one in draft.to),
        cc=tuple((one.name, one.email) for one in draft.cc),
        message_id=draft.message_id,
        references=draft.references,
        text=lines(draft.text),
        html=lines(draft.html),
        files=tuple([*shown, *(one for one in files if not one.content_id)]),
    )


@pytest.mark.parametrize("name", NAMES)
def test_display_names(check: Check, name: str) -> None:
    people = (Address(name, "ann@klant.example"), Address("Bob", "bob@klant.example"))
    check(replace(DRAFT, author=Address(name, "help@desk.example"), to=people, cc=(Address(name, "cas@x.example"),)))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects(check: Check, subject: str) -> None:
    check(replace(DRAFT, subject=subject))


@pytest.mark.parametrize("name", FILE_NAMES)
def test_file_names(check: Check, name: str) -> None:
    check(
        replace(DRAFT, attachments=(File(name, "application/pdf", b"%PDF"), File("b.bin", "application/x-b", PICTURE)))
    )


@pytest.mark.parametrize("domain", DOMAINS)
def test_international_domains_are_written_in_ascii(check: Check, domain: str) -> None:
    ascii_domain = ".".join(
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in domain.split(".")
    )
    check(replace(DRAFT, to=(Address("Ann", f"ann@{domain}"),)), to=(("Ann", f"ann@{ascii_domain}"),))


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..\n.\n", "From here\n>From there\n", "-- \nBob\n", "trailing blanks  \n\t\nend", "x" * 5000, "ß" * 3000, "=3D =\n", "🦊\n" * 50,
        "--===============\n", "a\n" * 2000,
    ],
)  # fmt: skip
def test_texts_line_by_line(check: Check, text: str) -> None:
    check(replace(DRAFT, text=text))


def test_html_with_pictures_and_files(check: Check) -> None:
    files = (
        File("logo.png", "image/png", PICTURE, "logo.1@desk.example"),
        File("Foto ä.png", "image/png", PICTURE[::-1], "2@desk.example"),
        File("Größe.csv", "text/csv", "a;b\r\nä;ö\r\n".encode()),
        File("empty.txt", "text/plain", b""),
    )
    html = '<p>Hi&nbsp;ä <img src="cid:logo.1@desk.example"><img src="cid:2@desk.example"></p>\n' + "<p>x</p>" * 500
    check(replace(DRAFT, html=html, attachments=files))


def test_a_long_chain_of_references(check: Check) -> None:
    ids = tuple(f"{number}.{'x' * 150}@mail.example" for number in range(20))
    check(replace(DRAFT, in_reply_to=ids[-1], references=ids))


def test_a_whole_mail_goes_along(check: Check) -> None:
    original = b"From: Ann <ann@klant.example>\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n-- \r\nAnn\r\n"
    file = File("a.pdf", "application/pdf", b"%PDF")
    draft = replace(DRAFT, attachments=(file,), originals=(original,))
    raw = compose(draft)
    python, rust = by_python(raw).files[-1], by_rust(raw).files[-1]
    assert python.content_type == rust.content_type == "message/rfc822"
    assert python.content.replace(b"\r\n", b"\n") == original.replace(b"\r\n", b"\n")
    assert rust.content == original


def test_dovecot_finds_the_mail_in_the_mail(client: IMAPClient) -> None:
    original = b"From: Ann <ann@klant.example>\r\nSubject: inside\r\n\r\nHello\r\n"
    with appended(client, compose(replace(DRAFT, originals=(original,)))) as key:
        found = client.fetch([key], ["BODYSTRUCTURE", "BODY.PEEK[2]", "BODY.PEEK[2.TEXT]"])[key]
    inside = found[b"BODYSTRUCTURE"][0][1]
    assert (inside[0].lower(), inside[1].lower()) == (b"message", b"rfc822")
    assert inside[7][1] == b"inside"
    assert found[b"BODY[2]"] == original
    assert found[b"BODY[2.TEXT]"] == b"Hello\r\n"


def test_forty_megabytes(check: Check) -> None:
    content = bytes(range(256)) * (40 * 4096)
    check(replace(DRAFT, attachments=(File("Größe.bin", "application/octet-stream", content),)))


# ---- anything ----------------------------------------------------------------

LETTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co", "Zl", "Zp"))
ONE_LINE = st.text(LETTERS, max_size=150).map(lambda text: " ".join(text.split()))
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=300)
ID = st.from_regex(r"[a-zA-Z0-9._+-]{1,100}@[a-z0-9.-]{1,40}", fullmatch=True)
FILE_NAME = st.text(LETTERS.filter(lambda one: one not in "/"), min_size=1, max_size=90).map(str.strip).filter(bool)


@st.composite
def drafts(draw: Any) -> Draft:
    people = st.builds(Address, ONE_LINE, st.just("ann@klant.example"))
    files = st.builds(
        File, FILE_NAME, st.sampled_from(["application/pdf", "image/png", "text/plain"]), st.binary(max_size=300)
    )
    return replace(
        DRAFT,
        author=draw(people),
        to=tuple(draw(st.lists(people, min_size=1, max_size=4))),
        cc=tuple(draw(st.lists(people, max_size=3))),
        subject=draw(ONE_LINE),
        text=draw(TEXT),
        html=draw(st.just("") | TEXT.map(lambda text: f"<p>{text}</p>")),
        references=tuple(draw(st.lists(ID, max_size=20))),
        attachments=tuple(draw(st.lists(files, max_size=3))),
    )


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(draft=drafts())
def test_anything_else(check: Check, draft: Draft) -> None:
    check(draft)
