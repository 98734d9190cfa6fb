"""The agents' workplace through the test client: lists, ticket, answers, notes, properties, downloads, traces."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from postvak.models import Agent, Channel, Delivery, Mailbox, Message, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

pytestmark = pytest.mark.django_db

HTML = (
    b"From: Ann Archer <ann@customer.example>\r\nTo: support@example.org\r\nSubject: Picture\r\n"
    b"Message-ID: <h1@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b'<p onclick="steal()">Hello <b>you</b></p><script>steal()</script><img src="https://tracker.example/p.gif">'
    b'<img src="cid:logo"><form action="https://evil.example"><input name=p></form>\r\n'
    b"--b\r\nContent-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline; filename=logo.png\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
    b'--b\r\nContent-Type: text/html; name="page.html"\r\nContent-Disposition: attachment; filename="page.html"\r\n\r\n'
    b"<script>alert(1)</script>\r\n--b--\r\n"
)


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel) -> Client:
    """Bob is logged in; he works in the queue Support."""
    client.force_login(bob)
    return client


def receive(mailbox: Mailbox, *raws: bytes) -> Ticket:
    accept(mailbox, [Arrived(f"desk/{Receipt.objects.count()}/{n}", raw) for n, raw in enumerate(raws)])
    while process_due("test:1:x"):
        pass
    return Ticket.objects.order_by("-pk")[0]


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def test_the_list_shows_what_waits_and_the_navigation_counts_it(desk: Client, mailbox: Mailbox) -> None:
    receive(mailbox, mail(), mail(message_id="m2@x.example", subject="Second lamp", text="other"))
    html = page(desk, "/")
    assert "The lamp flickers" in html
    assert "Second lamp" in html
    assert re.search(r"All open.*?2</span>", html, re.DOTALL)


def test_a_list_goes_on_where_the_page_ended_without_repeating(
    no_automatic_mail: None, desk: Client, mailbox: Mailbox
) -> None:
    receive(mailbox, *(mail(message_id=f"n{n}@x.example", subject=f"Number {n:03d}", text=str(n)) for n in range(70)))
    first = page(desk, "/list/open/")
    older = re.search(r'href="(/list/open/\?before=[^"]+)"', first)
    assert older is not None
    second = page(desk, older[1].replace("&amp;", "&"))
    subjects = [set(re.findall(r"Number \d{3}", html)) for html in (first, second)]
    assert (len(subjects[0]), len(subjects[1])) == (60, 10)
    assert not subjects[0] & subjects[1]


def test_opening_a_ticket_marks_it_read(desk: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail())
    assert ticket.is_unread
    assert "Hello, my lamp flickers." in page(desk, f"/tickets/{ticket.number}/")
    ticket.refresh_from_db()
    assert not ticket.is_unread


def test_the_body_of_a_mail_is_harmless(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, HTML).messages.get()
    response = desk.get(f"/messages/{message.pk}/body/")
    html = response.content.decode()
    assert "<b>you</b>" in html
    for harm in ("<script", "onclick", "tracker.example", "<form", "<input"):
        assert harm not in html
    assert re.search(r'<img[^>]+src="/attachments/\d+/"', html)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-same-origin" in policy
    assert "allow-scripts" not in policy
    assert "https:" not in policy


def test_the_quotation_of_an_html_mail_is_folded_and_nothing_of_it_is_lost(desk: Client, mailbox: Mailbox) -> None:
    quoted = (
        b"From: Ann <ann@customer.example>\r\nTo: support@example.org\r\nSubject: Re: Picture\r\n"
        b"Message-ID: <q1@customer.example>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b'<div>It works now, thank you!</div><div class="gmail_quote"><div>On Sat, 21 Nov 2026 at 10:00, Support '
        b'wrote:<br></div><blockquote class="gmail_quote">Try <b>another</b> bulb.</blockquote></div>\r\n'
    )
    message = receive(mailbox, quoted).messages.get()
    html = desk.get(f"/messages/{message.pk}/body/").content.decode()
    before, fold, folded = html.partition('<details class="postvak-fold">')
    assert "It works now, thank you!" in before
    assert fold
    assert "Try <b>another</b> bulb." in folded


def test_remote_pictures_come_only_when_asked_for(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, HTML).messages.get()
    response = desk.get(f"/messages/{message.pk}/body/?remote=1")
    assert "https://tracker.example/p.gif" in response.content.decode()
    assert "img-src 'self' data: https: http:" in response.headers["Content-Security-Policy"]


def test_attachments_are_downloads_that_no_browser_runs(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, HTML).messages.get()
    row = message.attachments.get(name="page.html")
    response = desk.get(f"/attachments/{row.pk}/")
    assert response.content.strip() == b"<script>alert(1)</script>"
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("name", "warns"), [("invoice.pdf.exe", True), ("macro.docm", True), ("photo.jpg", False)])
def test_attachments_that_can_do_harm_are_marked(desk: Client, mailbox: Mailbox, name: str, warns: bool) -> None:
    ticket = receive(mailbox, HTML.replace(b"page.html", name.encode()))
    assert ("can do harm when opened" in page(desk, f"/tickets/{ticket.number}/")) is warns


def test_the_original_is_byte_for_byte_what_came(desk: Client, mailbox: Mailbox) -> None:
    message = receive(mailbox, HTML).messages.get()
    assert desk.get(f"/messages/{message.pk}/original.eml").content == HTML
    assert desk.get(f"/receipts/{message.receipts.get().pk}/original.eml").content == HTML


def test_an_answer_goes_to_the_outbox_and_the_ticket_waits(desk: Client, bob: Agent, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail())
    response = desk.post(
        f"/tickets/{ticket.number}/answers/?in=open",
        {
            "to": "ann@customer.example",
            "text": "Please send it back.",
            "status": "customer",
            "files": SimpleUploadedFile("label.pdf", b"%PDF-1.4", "application/pdf"),
        },
    )
    assert response.status_code == 302
    answer = ticket.messages.get(kind=Message.Kind.OUTGOING)
    assert (answer.agent, answer.text) == (bob, "Please send it back.")
    assert [a.name for a in answer.attachments.all()] == ["label.pdf"]
    assert Delivery.objects.get().recipient == "ann@customer.example"
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.answer) == ("customer", "waiting")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"to": "not an address"}, "is not an e-mail address"),
        ({"to": "", "cc": ""}, "at least one recipient"),
        ({"text": " "}, "no text yet"),
    ],
)
def test_a_wrong_answer_is_explained_and_keeps_what_was_typed(
    desk: Client, mailbox: Mailbox, change: dict[str, str], said: str
) -> None:
    ticket = receive(mailbox, mail())
    typed = {"to": "ann@customer.example", "text": "My long answer", "cc": "kept@x.example", "status": "open", **change}
    response = desk.post(f"/tickets/{ticket.number}/answers/", typed)
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert (change.get("text") or "My long answer").strip() in html
    assert not Delivery.objects.exists()
    ticket.refresh_from_db()
    assert ticket.status.key == "new"


def test_a_note_stays_inside(desk: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail())
    desk.post(f"/tickets/{ticket.number}/notes/", {"text": "He called, too."})
    assert ticket.messages.get(kind=Message.Kind.NOTE).text == "He called, too."
    assert not Delivery.objects.exists()
    assert "He called, too." in page(desk, f"/tickets/{ticket.number}/")


def test_properties_change_and_history_tells_by_whom(desk: Client, bob: Agent, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail())
    for name, values in (
        ("status", {"status": "closed"}),
        ("assignee", {"agent": str(bob.pk)}),
        ("priority", {"priority": "5"}),
    ):
        assert desk.post(f"/tickets/{ticket.number}/{name}/", values).status_code == 302
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.is_open, ticket.assignee, ticket.priority_id) == ("closed", False, bob, 5)
    html = page(desk, f"/tickets/{ticket.number}/")
    assert "Status changed from “new” to “closed”" in html
    assert "Priority changed from “normal” to “very high”" in html


def test_nobody_moves_a_ticket_where_he_may_not_look(desk: Client, mailbox: Mailbox, sales: Queue) -> None:
    ticket = receive(mailbox, mail())
    assert desk.post(f"/tickets/{ticket.number}/queue/", {"queue": str(sales.pk)}).status_code == 404


def test_why_is_this_here_says_it_in_words(desk: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail())
    html = page(desk, f"/receipts/{ticket.receipts.get().pk}/")
    assert "The mail was sent to support@example.org." in html
    assert "ann@customer.example wrote for the first time." in html


def test_a_held_mail_is_listed_with_its_cause_and_can_be_tried_again(
    client: Client, admin: Agent, mailbox: Mailbox
) -> None:
    client.force_login(admin)
    accept(mailbox, [Arrived("held/1", b"")])
    process_due("test:1:x")
    receipt = Receipt.objects.get()
    assert "The mail is empty" in page(client, "/held/")
    assert client.post(f"/receipts/{receipt.pk}/attempts/").status_code == 302
    receipt.refresh_from_db()
    assert receipt.state == "received"


def test_a_page_asks_the_database_a_fixed_number_of_times(
    desk: Client, mailbox: Mailbox, django_assert_max_num_queries: object
) -> None:
    ticket = receive(
        mailbox,
        mail(),
        *(mail(message_id=f"r{n}@x.example", in_reply_to="<m1@customer.example>", text=str(n)) for n in range(30)),
    )
    page(desk, f"/tickets/{ticket.number}/?in=open")  # which marks it read
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        page(desk, f"/tickets/{ticket.number}/?in=open")
    with django_assert_max_num_queries(10):  # type: ignore[operator]
        page(desk, "/list/open/")
