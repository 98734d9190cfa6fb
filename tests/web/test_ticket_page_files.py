"""Files of a mail: looked at on a page or in a dialog, all of them in one archive, dangerous ones with a warning."""

import io
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import pypdfium2
import pytest
from django.test import Client

from postvak.models import Agent, Attachment, Mailbox, Message
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}
PNG = b"\x89PNG\r\n\x1a\n lamp"
PROGRAM = b"MZ" + b"\0" * 58 + (64).to_bytes(4, "little") + b"PE\0\0"


def pdf(pages: int) -> bytes:
    document, written = pypdfium2.PdfDocument.new(), io.BytesIO()
    for _number in range(pages):
        document.new_page(200, 100)
    document.save(written)
    document.close()
    return written.getvalue()


FILES = (
    ("plan.pdf", "application/pdf", pdf(3)),
    ("notes.txt", "text/plain", "Grüße <b>from</b> the hall".encode()),
    ("lamp.png", "image/png", PNG),
    ("invoice.pdf.exe", "application/octet-stream", PROGRAM),
    ("notes.txt", "text/plain", b"the other notes"),
    ("../../etc/passwd", "application/x-own", b"\0\1\2"),
    ("broken.pdf", "application/pdf", b"%PDF-1.4 this is none"),
    ("page.html", "text/html", b"<script>alert(1)</script>"),
)


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def message(desk: Client, mailbox: Mailbox) -> Message:
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = "Ann <ann@customer.example>", "support@example.org", "Files"
    raw["Message-ID"] = "<files@customer.example>"
    raw.set_content("All of it.")
    for name, kind, content in FILES:
        main, _slash, sub = kind.partition("/")
        raw.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return receive(mailbox, raw.as_bytes(policy=SMTP)).messages.get()


def named(message: Message, name: str) -> Attachment:
    return message.attachments.filter(name__endswith=name).order_by("part")[0]


def look(client: Client, message: Message, name: str) -> str:
    return client.get(f"/attachments/{named(message, name).pk}/preview/", **HTMX).content.decode()  # type: ignore[arg-type]


def test_a_picture_is_shown(desk: Client, message: Message) -> None:
    assert f'<img src="/attachments/{named(message, "lamp.png").pk}/"' in look(desk, message, "lamp.png")


def test_a_text_is_shown_as_text_whatever_stands_in_it(desk: Client, message: Message) -> None:
    assert "Grüße &lt;b&gt;from&lt;/b&gt; the hall" in look(desk, message, "notes.txt")
    assert "<script>alert" not in look(desk, message, "page.html")
    assert "&lt;script&gt;alert(1)" in look(desk, message, "page.html")


def test_the_pages_of_a_pdf_are_pictures(desk: Client, message: Message) -> None:
    html, key = look(desk, message, "plan.pdf"), named(message, "plan.pdf").pk
    assert "3 pages" in html
    assert [f"/attachments/{key}/page.png?page={number}" in html for number in (1, 2, 3, 4)] == [
        True,
        True,
        True,
        False,
    ]
    picture = desk.get(f"/attachments/{key}/page.png?page=3")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(picture.content[16:20], "big") == 1240
    assert "sandbox" in picture.headers["Content-Security-Policy"]


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "99999999"])
def test_a_page_that_is_not_there_is_no_picture(desk: Client, message: Message, number: str) -> None:
    response = desk.get(f"/attachments/{named(message, 'plan.pdf').pk}/page.png?page={number}")
    is_picture = response.headers["Content-Type"] == "image/png"
    assert is_picture == (number in {"-1", "x", "99999999"}), "what is no number means the first page"


def test_a_broken_pdf_says_so(desk: Client, message: Message) -> None:
    assert "This PDF can&#39;t be shown here" in look(desk, message, "broken.pdf").replace("can't", "can&#39;t")


def test_what_can_do_harm_is_not_shown_and_warns_before_it_is_loaded(desk: Client, message: Message) -> None:
    html = look(desk, message, "invoice.pdf.exe")
    assert "This file can do harm when it is opened" in html
    assert "Its name hides what it is." in html
    assert html.index("can do harm") < html.index("Download all the same")
    assert html.count("download>") == 1


def test_a_file_of_another_kind_says_what_to_do_and_one_goes_on_to_its_neighbours(
    desk: Client, message: Message
) -> None:
    html = look(desk, message, "passwd")
    assert "Files of this kind can" in html
    keys = [row.pk for row in message.attachments.all()]
    at = keys.index(named(message, "passwd").pk)
    for neighbour in (keys[at - 1], keys[at + 1]):
        assert f'href="/attachments/{neighbour}/preview/"' in html


def test_without_a_script_a_file_is_looked_at_on_a_page(desk: Client, message: Message) -> None:
    key = named(message, "notes.txt").pk
    assert f'href="/attachments/{key}/preview/"' in page(desk, f"/tickets/{message.ticket.number}/")
    html = page(desk, f"/attachments/{key}/preview/")
    assert "<html" in html
    assert "Grüße" in html


def test_all_files_come_in_one_archive_with_names_that_lead_nowhere(desk: Client, message: Message) -> None:
    assert f'href="/messages/{message.pk}/files.zip"' in page(desk, f"/tickets/{message.ticket.number}/")
    response = desk.get(f"/messages/{message.pk}/files.zip")
    assert response.streaming
    assert response.headers["Content-Disposition"].endswith(f"{message.ticket.number}-{message.pk}.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[arg-type]
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(set(names)) == len(FILES)
    assert not [name for name in names if "/" in name or name.startswith(".")]
    assert {"notes.txt", "notes (2).txt"} <= set(names)
    assert archive.read("notes (2).txt") == b"the other notes"
    assert archive.read("plan.pdf") == FILES[0][2]


def test_nobody_looks_at_files_of_other_queues(client: Client, cas: Agent, message: Message) -> None:
    client.force_login(cas)
    key = named(message, "plan.pdf").pk
    for url in (
        f"/attachments/{key}/preview/",
        f"/attachments/{key}/page.png",
        f"/messages/{message.pk}/files.zip",
        f"/messages/{message.pk}/letter/?as=source",
    ):
        assert client.get(url).status_code == 404, url
