"""The composer's server side: kinds of mail, drafts with files, what stops a mail, completion, hints, preview."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.blobs import store
from postvak.mail.parse import parse
from postvak.models import (
    Agent,
    Brand,
    Channel,
    CustomerAddress,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Ticket,
    Wording,
)
from postvak.models.draft import Draft, DraftFile
from tests.clock import Clock
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
ANN, CAS = "ann@customer.example", "cas@partner.example"
PNG = b"\x89PNG\r\n\x1a\n lamp"


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox) -> Ticket:
    return receive(mailbox, mail(cc="Amy <amy@customer.example>, support+x@example.org"))


def send(desk: Client, ticket: Ticket, **more: object) -> Any:
    return desk.post(f"/tickets/{ticket.number}/answers/?in=open", {"to": ANN, "kind": "reply", **more})


def save(desk: Client, ticket: Ticket | None = None, **more: object) -> Any:
    return desk.post("/drafts/", {"ticket": ticket.number if ticket else "", "kind": "reply", "quotes": "1", **more})


def upload(desk: Client, draft: int, name: str, content: bytes, content_type: str, **more: str) -> Any:
    return desk.post(f"/drafts/{draft}/files/", {"file": SimpleUploadedFile(name, content, content_type), **more})


def sent() -> Any:
    return parse(store.get(OutgoingMail.objects.order_by("-pk")[0].blob_id))


def field(html: str, name: str) -> str:
    return re.search(rf'name="{name}" value="([^"]*)"', html)[1]  # type: ignore[index]


# -- what the composer starts with ------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "to", "cc"), [("reply", ANN, ""), ("all", ANN, "amy@customer.example"), ("forward", "", "")]
)
def test_each_kind_starts_with_its_recipients(desk: Client, ticket: Ticket, kind: str, to: str, cc: str) -> None:
    html = page(desk, f"/tickets/{ticket.number}/?compose={kind}")
    assert (field(html, "kind"), field(html, "to"), field(html, "cc")) == (kind, to, cc)
    assert ("support+x@example.org is an address of ours" in html) == (kind == "all")


def test_an_answer_goes_where_its_author_wants_it_and_says_so(desk: Client, mailbox: Mailbox) -> None:
    ticket = receive(mailbox, mail(reply_to="Ann at home <ann@home.example>"))
    html = page(desk, f"/tickets/{ticket.number}/composer/")
    assert field(html, "to") == "ann@home.example"
    assert "ann@customer.example asks for answers to this address." in html


@pytest.mark.parametrize(
    "reply_to", ["support@example.org", "not an address", ", ".join(f"a{n}@x.example" for n in range(9))]
)
def test_a_reply_to_that_can_not_be_meant_is_left_alone(desk: Client, mailbox: Mailbox, reply_to: str) -> None:
    ticket = receive(mailbox, mail(reply_to=reply_to))
    assert field(page(desk, f"/tickets/{ticket.number}/composer/"), "to") == ANN


def test_the_salutation_stands_there_and_is_no_draft_by_itself(desk: Client, ticket: Ticket, brand: Brand) -> None:
    Wording.objects.create(brand=brand, part=Wording.Part.SALUTATION, text="Dear {{ customer.name }},")
    html = page(desk, f"/tickets/{ticket.number}/composer/")
    assert "Dear Ann Archer," in html
    assert save(desk, ticket, html="<p>Dear Ann Archer,</p>").json() == {"draft": None}
    assert save(desk, ticket, html="<p>Dear Ann Archer,</p><p>no</p>").json()["draft"]


# -- drafts ----------------------------------------------------------------------------


def test_what_is_typed_is_kept_comes_back_and_goes_when_it_is_sent(desk: Client, ticket: Ticket) -> None:
    first = save(
        desk, ticket, html="<p>Hello <b>Ann</b><script>x()</script></p>", cc=CAS, subject="New\nsubject"
    ).json()
    again = save(
        desk, ticket, html="<p>Hello <b>Ann</b>!</p>", cc=CAS, draft=first["draft"], revision=first["revision"]
    ).json()
    assert (again["draft"], again["revision"]) == (first["draft"], first["revision"] + 1)
    html = page(desk, f"/tickets/{ticket.number}/composer/")
    assert (field(html, "draft"), field(html, "cc"), field(html, "revision")) == (str(first["draft"]), CAS, "2")
    assert "&lt;p&gt;Hello &lt;b&gt;Ann&lt;/b&gt;!&lt;/p&gt;" in html
    assert send(desk, ticket, html="<p>Hello Ann</p>", draft=first["draft"]).status_code == 302
    assert not Draft.objects.exists()


def test_nothing_typed_makes_no_draft_and_taking_all_away_removes_it(desk: Client, ticket: Ticket) -> None:
    assert save(desk, ticket, html="<p><br></p>").json() == {"draft": None}
    key = save(desk, ticket, html="<p>x</p>").json()["draft"]
    assert save(desk, ticket, html="", draft=key, revision=1).json() == {"draft": None}
    assert not Draft.objects.exists()
    assert save(desk, ticket, html="", keep="1").json()["draft"]


def test_an_older_revision_is_told_and_overwrites_nothing(desk: Client, ticket: Ticket) -> None:
    key = save(desk, ticket, html="<p>one</p>").json()["draft"]
    save(desk, ticket, html="<p>two</p>", draft=key, revision=1)
    late = save(desk, ticket, html="<p>three</p>", draft=key, revision=1)
    assert (late.status_code, late.json()["revision"], late.json()["html"]) == (409, 2, "<p>two</p>")
    other_window = save(desk, ticket, html="<p>four</p>")
    assert (other_window.status_code, other_window.json()["draft"]) == (409, key)
    assert Draft.objects.get().text == "two"


def test_a_draft_that_was_sent_in_another_window_is_not_sent_or_saved_again(desk: Client, ticket: Ticket) -> None:
    key = save(desk, ticket, html="<p>one</p>").json()["draft"]
    send(desk, ticket, html="<p>one</p>", draft=key)
    assert save(desk, ticket, html="<p>one</p>", draft=key, revision=1).status_code == 409
    response = send(desk, ticket, html="<p>one</p>", draft=key)
    assert response.status_code == 422
    assert "in another window" in response.content.decode()
    assert OutgoingMail.objects.count() == 1


def test_files_are_uploaded_once_shown_and_sent_and_their_bytes_are_let_go(desk: Client, ticket: Ticket) -> None:
    key = save(desk, ticket, keep="1").json()["draft"]
    plan = upload(desk, key, "plan.pdf", b"%PDF-1", "application/pdf")
    assert plan.status_code == 201
    assert plan.json() | {"total": 0} == {
        "id": plan.json()["id"], "name": "plan.pdf", "size": 6, "size_text": plan.json()["size_text"],
        "content_type": "application/pdf", "content_id": "", "url": f"/drafts/{key}/files/{plan.json()['id']}/",
        "total": 0, "limit": 25 * 1024 * 1024,
    }  # fmt: skip
    picture = upload(desk, key, "lamp.png", PNG, "image/png", inline="1").json()
    shown = desk.get(picture["url"])
    assert (shown.content, shown.headers["Content-Type"]) == (PNG, "image/png")
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert desk.get(plan.json()["url"]).headers["Content-Type"] == "application/octet-stream"
    html = f'<p>See <img src="{picture["url"]}" data-cid="{picture["content_id"]}"></p>'
    assert send(desk, ticket, html=html, draft=key).status_code == 302
    assert [(one.name, one.is_inline) for one in sent().attachments] == [("lamp.png", True), ("plan.pdf", False)]
    assert not DraftFile.objects.exists()
    body = desk.get(f"/messages/{Message.objects.get(kind='outgoing').pk}/body/").content.decode()
    assert re.search(r'<img src="/attachments/\d+/">', body)


def test_a_picture_in_the_text_must_be_a_picture(desk: Client, ticket: Ticket) -> None:
    key = save(desk, ticket, keep="1").json()["draft"]
    assert upload(desk, key, "x.svg", b"<svg onload=x()>", "image/svg+xml", inline="1").status_code == 415


def test_more_than_the_channel_takes_is_refused_with_a_sentence(desk: Client, ticket: Ticket, channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).update(size_limit=200_000)
    key = save(desk, ticket, keep="1").json()["draft"]
    assert upload(desk, key, "a.bin", b"a" * 60_000, "application/zip").status_code == 201
    refused = upload(desk, key, "b.bin", b"b" * 60_000, "application/zip")
    assert refused.status_code == 413
    assert "“b.bin”" in refused.json()["text"]
    removed = desk.post(f"/drafts/{key}/files/{DraftFile.objects.get().pk}/removal/").json()
    assert removed == {"total": 0, "limit": 200_000}
    assert upload(desk, key, "b.bin", b"b" * 60_000, "application/zip").status_code == 201


def test_without_a_script_files_are_chosen_once_even_when_the_mail_is_stopped(desk: Client, ticket: Ticket) -> None:
    file = SimpleUploadedFile("plan.pdf", b"%PDF-1", "application/pdf")
    response = send(desk, ticket, text="Hello", to="nobody", files=file, status="closed")
    assert response.status_code == 422
    html = response.content.decode()
    assert "plan.pdf" in html
    assert "Choose the attachments again" not in html
    assert field(html, "status") == "closed"
    assert send(desk, ticket, text="Hello", draft=field(html, "draft")).status_code == 302
    assert [one.name for one in sent().attachments] == ["plan.pdf"]


def test_the_team_sees_a_draft_and_goes_on_with_a_copy(
    desk: Client, ticket: Ticket, support: Queue, cas: Agent
) -> None:
    key = save(desk, ticket, html="<p>Half a sentence</p>").json()["draft"]
    upload(desk, key, "plan.pdf", b"%PDF-1", "application/pdf")
    desk.force_login(cas)
    assert "Half a sentence" not in page(desk, "/drafts/")
    assert desk.post(f"/drafts/{key}/copies/").status_code == 404
    support.members.add(cas)
    assert "Half a sentence" in page(desk, "/drafts/")
    assert "Half a sentence" not in page(desk, "/drafts/?own=1")
    assert "Bob Baker is writing on this ticket, too." in page(desk, f"/tickets/{ticket.number}/composer/")
    assert desk.post(f"/drafts/{key}/removal/").status_code == 404
    response = desk.post(f"/drafts/{key}/copies/")
    assert response.headers["Location"].startswith(f"/tickets/{ticket.number}/?compose=reply")
    mine = Draft.objects.get(agent=cas)
    assert (mine.text, [one.name for one in mine.files.all()]) == ("Half a sentence", ["plan.pdf"])
    desk.post(f"/drafts/{mine.pk}/removal/")
    assert Draft.objects.get().agent.name == "Bob Baker"
    assert store.get(str(DraftFile.objects.get().blob_id)) == b"%PDF-1"


def test_who_stopped_typing_minutes_ago_is_not_writing(
    desk: Client, ticket: Ticket, support: Queue, admin: Agent, clock: Clock
) -> None:
    save(desk, ticket, html="<p>Half a sentence</p>")
    desk.force_login(admin)
    assert "is writing" in page(desk, f"/tickets/{ticket.number}/composer/")
    clock.advance(minutes=3)
    assert "is writing" not in page(desk, f"/tickets/{ticket.number}/composer/")


def test_an_empty_draft_is_gone_after_a_day_and_one_with_words_stays(desk: Client, ticket: Ticket) -> None:
    save(desk, ticket, keep="1")
    save(desk, ticket, html="<p>words</p>", kind="all")
    Draft.objects.update(changed_at=timezone.now() - timedelta(days=2))
    page(desk, "/drafts/")
    assert Draft.objects.get().text == "words"


# -- what stops a mail ----------------------------------------------------------------------------


def test_a_new_domain_and_an_open_placeholder_stop_once_each(desk: Client, ticket: Ticket) -> None:
    known = field(page(desk, f"/tickets/{ticket.number}/composer/"), "known")
    form = {"html": "<p>Dear {{ customer.name }}</p>", "to": f"{ANN}, {CAS}", "known": known}
    despite: list[str] = []
    for sentence in ("customer.name", "partner.example takes no part"):
        response = send(desk, ticket, despite=despite, **form)
        assert response.status_code == 422
        html = response.content.decode()
        assert sentence in html
        despite = re.findall(r'name="despite" value="([^"]*)"', html)
        form["draft"] = field(html, "draft")
    assert despite == ["placeholders", "@partner.example"]
    assert send(desk, ticket, despite=despite, **form).status_code == 302


# -- other kinds ----------------------------------------------------------------------------


def test_forwarding_leaves_the_status_unless_another_is_chosen(desk: Client, ticket: Ticket) -> None:
    html = page(desk, f"/tickets/{ticket.number}/?compose=forward")
    assert send(desk, ticket, kind="forward", to=CAS, about=field(html, "about"), status="").status_code == 302
    assert "From: Ann Archer" in sent().text
    ticket.refresh_from_db()
    assert ticket.status.key == "new"


def test_redirecting_and_sending_again(desk: Client, ticket: Ticket, clock: Clock) -> None:
    about = ticket.messages.get().pk
    refused = desk.post(f"/tickets/{ticket.number}/redirects/", {"about": about, "to": "nobody"})
    assert refused.status_code == 422
    assert "is not an e-mail address" in refused.content.decode()
    assert desk.post(f"/tickets/{ticket.number}/redirects/", {"about": about, "to": CAS}).status_code == 302
    send(desk, ticket, text="Hello")
    answer = Message.objects.get(purpose="", kind="outgoing")
    assert desk.post(f"/messages/{answer.pk}/repeats/", {"to": ""}).status_code == 302
    assert [one.purpose for one in Message.objects.filter(kind="outgoing").order_by("pk")] == ["redirect", "", "again"]
    html = page(desk, f"/tickets/{ticket.number}/")
    assert f"Redirected to {CAS} as it came" in html


def test_a_new_mail_from_its_page(desk: Client, support: Queue) -> None:
    html = page(desk, f"/new/?queue={support.pk}&to={CAS}")
    assert field(html, "to") == CAS
    refused = desk.post("/new/", {"queue": support.pk, "to": CAS, "html": "<p>Hello</p>", "status": "customer"})
    assert refused.status_code == 422
    assert "no subject" in refused.content.decode()
    draft = field(refused.content.decode(), "draft")
    assert "Hello" in page(desk, "/drafts/")
    assert "Hello" in page(desk, f"/new/?draft={draft}")
    form = {
        "queue": support.pk,
        "to": CAS,
        "html": "<p>Hello</p>",
        "subject": "Order",
        "status": "customer",
        "draft": draft,
    }
    response = desk.post("/new/", form)
    ticket = Ticket.objects.get()
    assert response.headers["Location"] == f"/tickets/{ticket.number}/"
    assert (ticket.subject, CustomerAddress.objects.get().email, Draft.objects.count()) == ("Order", CAS, 0)


def test_nobody_writes_from_a_queue_that_he_does_not_see(desk: Client, sales: Queue) -> None:
    form = {"queue": sales.pk, "to": CAS, "text": "Hello", "subject": "Order", "status": "customer"}
    assert desk.post("/new/", form).status_code == 422
    assert not Ticket.objects.exists()


def test_an_address_of_another_queue_is_not_chosen_by_its_number(desk: Client, ticket: Ticket, sales: Queue) -> None:
    assert sales.address is not None
    send(desk, ticket, text="Hello", address=sales.address.pk)
    assert sent().author.email == "support@example.org"


# -- completion, hints, preview ----------------------------------------------------------------------------


def emails(response: Any) -> list[str]:
    return [one["email"] for one in response.json()["people"]]


def test_people_of_the_ticket_come_first_and_nobody_of_a_hidden_queue(
    desk: Client, ticket: Ticket, mailbox: Mailbox, sales: Queue
) -> None:
    receive(mailbox, mail(sender="Ann Hidden <ann@hidden.example>", to="sales@example.org", message_id="h@x.example"))
    receive(mailbox, mail(sender="Anna Known <anna@known.example>", message_id="k@x.example"))
    assert emails(desk.get("/recipients/", {"q": "ann", "ticket": ticket.number})) == [ANN, "anna@known.example"]
    assert emails(desk.get("/recipients/", {"q": "known anna"})) == ["anna@known.example"]
    assert emails(desk.get("/recipients/", {"q": "", "ticket": ticket.number})) == [ANN, "amy@customer.example"]
    send(desk, ticket, text="Hi", to="zoe@wrote.example")
    assert emails(desk.get("/recipients/", {"q": "zoe"})) == ["zoe@wrote.example"]


def test_hints_while_typing(desk: Client, ticket: Ticket) -> None:
    form = {"to": f"{ANN}, {CAS}", "cc": "support+a@example.org nonsense", "bcc": "", "ticket": ticket.number}
    found = desk.post("/recipients/hints/", form).json()["hints"]
    assert [(one["kind"], one["address"]) for one in found] == [
        ("ours", "support+a@example.org"),
        ("invalid", "nonsense"),
        ("new_domain", CAS),
    ]
    assert desk.post("/recipients/hints/", {**form, "ticket": ""}).json()["hints"][-1]["kind"] == "invalid"


def test_the_preview_is_the_finished_mail_and_nothing_is_kept(desk: Client, ticket: Ticket) -> None:
    key = save(desk, ticket, keep="1").json()["draft"]
    picture = upload(desk, key, "lamp.png", PNG, "image/png", inline="1").json()
    html = f'<p>Hi<img src="{picture["url"]}" data-cid="{picture["content_id"]}"></p><script>x()</script>'
    form = {"ticket": ticket.number, "kind": "reply", "to": ANN, "quotes": "1", "html": html, "draft": key}
    response = desk.post("/compose/preview/", form)
    shown = response.content.decode()
    assert "data:image/png;base64," in shown
    assert "Hello, my lamp flickers." in shown
    assert "<script" not in shown
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert not OutgoingMail.objects.exists()
    first = desk.post("/compose/preview/", {"queue": "", "html": "<p>Hi</p>"})
    assert "Choose the queue" in first.content.decode()
