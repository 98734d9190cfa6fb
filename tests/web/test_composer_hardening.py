"""The composer at odd moments: two windows, no script, odd input. Nothing typed is lost, nothing leaves unseen."""

from typing import Any

import pytest
from django.test import Client

from postvak.models import Agent, Brand, Channel, Mailbox, Message, OutgoingMail, Queue, Ticket, Wording
from postvak.models.draft import Draft
from postvak.web.desk.writing import addresses
from tests.mails import mail
from tests.web.test_composer import ANN, CAS, field, save, send
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
OPEN = "Hello {{ customer.first_name }}"


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox) -> Ticket:
    return receive(mailbox, mail())


def text_in(html: str) -> str:
    return html.partition('id="answer-text"')[2].partition(">")[2].partition("</textarea>")[0]


def test_a_second_window_that_could_not_send_shows_its_own_text_and_spares_the_first(
    desk: Client, ticket: Ticket
) -> None:
    send(desk, ticket, text=f"{OPEN}, first window")
    html = send(desk, ticket, text=f"{OPEN}, second window", draft="", revision="").content.decode()
    assert "second window" in text_in(html)
    assert "first window" in Draft.objects.get().text


def test_an_older_window_that_could_not_send_does_not_overwrite_the_newer_one(desk: Client, ticket: Ticket) -> None:
    first = save(desk, ticket, text="One").json()
    save(desk, ticket, text="Two, newer", draft=first["draft"], revision=1)
    html = send(desk, ticket, text=f"{OPEN}, old", draft=first["draft"], revision=1).content.decode()
    assert "old" in text_in(html)
    assert Draft.objects.get().text == "Two, newer"


def test_an_older_version_of_a_draft_is_not_sent_unseen_and_is_on_the_second_click(
    desk: Client, ticket: Ticket
) -> None:
    first = save(desk, ticket, text="One").json()["draft"]
    save(desk, ticket, text="Two", draft=first, revision=1)
    stopped = send(desk, ticket, text="One", draft=first, revision=1)
    html = stopped.content.decode()
    assert (stopped.status_code, OutgoingMail.objects.count()) == (422, 0)
    assert "newer version" in html
    send(desk, ticket, text="One", draft=first, revision=field(html, "revision"), despite=field(html, "despite"))
    assert Message.objects.get(kind="outgoing").text == "One"
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Bob <bob@example.com>, notanaddress", ("bob@example.com", "notanaddress")),
        ("bob@, Ann <ann@example.com>", ("bob@", "ann@example.com")),
        ("jo, amy@example.com, Bob <bob@example.com>", ("jo", "amy@example.com", "bob@example.com")),
        ("Smith, Ann <ann@example.com>", ("ann@example.com",)),
        ('"Smith; Ann" <ann@example.com>; bob@example.com', ("ann@example.com", "bob@example.com")),
        ("Ann <ann@example.com>\nbob@example.com", ("ann@example.com", "bob@example.com")),
        ("Ann <ann@example.com", ("ann@example.com",)),
    ],
)
def test_nobody_among_the_recipients_is_left_out_silently(typed: str, found: tuple[str, ...]) -> None:
    assert addresses(typed) == found


def test_undoing_a_redirected_mail_puts_no_words_of_the_customer_into_an_answer(desk: Client, ticket: Ticket) -> None:
    desk.post(f"/tickets/{ticket.number}/redirects/", {"about": ticket.messages.get().pk, "to": CAS})
    answer: Any = desk.post(f"/outgoing/{OutgoingMail.objects.get().pk}/undo/", follow=True)
    assert "Into the composer again" not in answer.content.decode()
    assert not Draft.objects.exists()


@pytest.mark.parametrize("number", ["9" * 30, "²", "-1"])
@pytest.mark.parametrize("path", ["?compose=reply&about={}", "?again={}", "news/?after={}"])
def test_odd_numbers_in_addresses_are_no_error(desk: Client, ticket: Ticket, number: str, path: str) -> None:
    assert desk.get(f"/tickets/{ticket.number}/{path.format(number)}").status_code == 200


def test_a_note_can_not_be_answered_by_its_number(desk: Client, ticket: Ticket) -> None:
    desk.post(f"/tickets/{ticket.number}/notes/", {"text": "SECRET"})
    note = Message.objects.get(kind="note")
    html = page(desk, f"/tickets/{ticket.number}/?compose=reply&about={note.pk}")
    assert field(html, "to") == ANN
    assert field(html, "about") != str(note.pk)


def test_a_mail_that_was_moved_away_is_not_replaced_by_another_one_in_a_forward(
    desk: Client, ticket: Ticket, mailbox: Mailbox
) -> None:
    """The composer showed that one; another ticket's mail goes to nobody, and neither does the newest one instead."""
    other = receive(mailbox, mail(message_id="o@customer.example", subject="Other", text="OTHER"))
    answer = send(desk, ticket, kind="forward", to=CAS, text="See", about=other.messages.get().pk)
    assert (answer.status_code, OutgoingMail.objects.count()) == (422, 0)


@pytest.mark.parametrize("kind", ["reply", "forward"])
def test_a_draft_about_a_mail_that_was_moved_out_of_sight_shows_nothing_of_it(
    desk: Client, ticket: Ticket, mailbox: Mailbox, sales: Queue, kind: str
) -> None:
    other = receive(
        mailbox, mail(message_id="o@customer.example", sender="Zoe Zimmer <zoe@other.example>", subject="Other")
    )
    save(desk, ticket, kind=kind, to=CAS, text="See", about=ticket.messages.get().pk)
    Draft.objects.update(about=other.messages.get())
    Ticket.objects.filter(pk=other.pk).update(queue=sales)
    assert "Zoe Zimmer" not in page(desk, f"/tickets/{ticket.number}/?compose={kind}")


def test_a_form_that_is_sent_twice_without_a_script_is_one_mail(desk: Client, ticket: Ticket) -> None:
    once = field(page(desk, f"/tickets/{ticket.number}/composer/"), "once")
    send(desk, ticket, text="Hi", once=once)
    second = send(desk, ticket, text="Hi", once=once)
    assert (second.status_code, OutgoingMail.objects.count()) == (422, 1)
    send(desk, ticket, text="Hi", once=field(second.content.decode(), "once"))
    assert OutgoingMail.objects.count() == 2


def test_a_mail_that_is_redirected_or_repeated_twice_at_once_goes_once(desk: Client, ticket: Ticket) -> None:
    send(desk, ticket, text="Hi")
    html = page(desk, f"/tickets/{ticket.number}/?compose=redirect")
    redirected = {"about": ticket.messages.get(kind="incoming").pk, "to": CAS, "once": field(html, "once")}
    ours = Message.objects.get(kind="outgoing")
    for _click in range(2):
        desk.post(f"/tickets/{ticket.number}/redirects/", redirected)
        desk.post(f"/messages/{ours.pk}/repeats/", {"once": field(html, "once")})
    assert OutgoingMail.objects.count() == 3


@pytest.mark.parametrize("kind", ["forward", "note", "redirect"])
def test_only_who_is_answered_is_greeted(desk: Client, ticket: Ticket, brand: Brand, kind: str) -> None:
    Wording.objects.create(brand=brand, part="salutation", text="Dear {{ customer.first_name }},")
    assert "Dear Ann," in page(desk, f"/tickets/{ticket.number}/?compose=reply")
    assert "Dear Ann," not in page(desk, f"/tickets/{ticket.number}/?compose={kind}")


def test_who_takes_the_other_windows_version_takes_its_recipients_too(desk: Client, ticket: Ticket) -> None:
    first = save(desk, ticket, to=CAS, subject="Theirs", text="One").json()
    answer = save(desk, ticket, to=ANN, text="Two", draft=first["draft"], revision=0).json()
    assert (answer["to"], answer["cc"], answer["bcc"], answer["subject"]) == (CAS, "", "", "Theirs")


@pytest.mark.parametrize(
    "name", ["to", "subject", "text", "html", "own_time", "status", "original", "once", "tags", "despite", "kind"]
)
def test_an_answer_with_a_nul_in_it_is_sent_or_refused_but_no_error_page(
    desk: Client, ticket: Ticket, name: str
) -> None:
    assert send(desk, ticket, **{"text": "Hi", name: "a\x00b"}).status_code in {302, 422}


@pytest.mark.parametrize("name", ["to", "subject", "text", "html", "status"])
def test_a_new_or_redirected_mail_with_a_nul_in_it_is_no_error_page(
    desk: Client, ticket: Ticket, support: Queue, name: str
) -> None:
    new = {"queue": support.pk, "to": CAS, "subject": "New", "text": "Hi", name: "a\x00b"}
    assert desk.post("/new/", new).status_code in {302, 422}
    redirected = {"about": ticket.messages.get(kind="incoming").pk, "to": CAS, name: "a\x00b"}
    assert desk.post(f"/tickets/{ticket.number}/redirects/", redirected).status_code in {302, 422}
    assert desk.post(f"/tickets/{ticket.number}/notes/", {"text": "a\x00b"}).status_code == 302
