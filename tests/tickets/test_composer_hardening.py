"""Odd mails and odd moments: what an agent wrote is neither lost nor doubled, and nobody gets what isn't for him."""

from datetime import timedelta

import pytest

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.mail.parse import parse
from postvak.mail.values import Mail
from postvak.models import Agent, Channel, Message, Queue, Ticket
from postvak.models.draft import Draft
from postvak.send.by_hand import correct_recipient
from postvak.tickets import drafts
from postvak.tickets.answer import Answer, answer
from postvak.tickets.drafts import Place, Typed, from_taken_back, save
from postvak.tickets.first_mail import first_mail
from postvak.tickets.posting import Sending
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.repeat import repeat
from postvak.tickets.take_back import take_back
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
ANN, CAS = "ann@customer.example", "cas@partner.example"
UNDO = timedelta(seconds=60)


@pytest.fixture
def ticket(receive: Receive, channel: Channel) -> Ticket:
    return receive()


def sent(message: Message) -> Mail:
    return parse(store.get(str(message.blob_id)))


def again(message: Message, by: Agent) -> Draft:
    draft = from_taken_back(take_back(message.outgoing, by=by), by=by)
    assert draft is not None
    return draft


def test_a_first_mail_that_was_taken_back_keeps_subject_html_and_pictures(
    support: Queue, channel: Channel, bob: Agent
) -> None:
    lamp = File("lamp.png", "image/png", b"lamp", "a1@postvak")
    html = '<p><b>Look</b> <img src="cid:a1@postvak"></p>'
    what = Answer(to=(CAS,), subject="Our offer", html=html, files=(lamp,), undo=UNDO)
    draft = again(first_mail(support, what, by=bob), bob)
    assert (draft.subject, draft.html) == ("Our offer", html)
    assert [one.content_id for one in draft.files.all()] == ["a1@postvak"]


def test_a_forward_without_words_that_was_taken_back_has_the_mail_once(ticket: Ticket, bob: Agent) -> None:
    about = ticket.messages.get()
    draft = again(answer(ticket, Answer(to=(CAS,), kind="forward", about=about, undo=UNDO), by=bob), bob)
    assert draft.text == ""


def test_a_redirected_mail_that_was_taken_back_becomes_no_answer_with_the_customers_words(
    ticket: Ticket, bob: Agent
) -> None:
    message = redirect(ticket, Redirect(about=ticket.messages.get(), to=[CAS], undo=UNDO), by=bob)
    assert from_taken_back(take_back(message.outgoing, by=bob), by=bob) is None
    assert not Draft.objects.exists()


def test_html_that_speaks_of_cid_in_its_text_can_be_quoted(receive: Receive, channel: Channel, bob: Agent) -> None:
    html = '<p>Why does &lt;img src="cid:logo@x"&gt; stay empty?</p>'
    head = (
        "From: ann@customer.example\r\nTo: support@example.org\r\nSubject: Why\r\nMessage-ID: <h@customer.example>\r\n"
    )
    ticket = receive(f"{head}MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n".encode())
    message = answer(ticket, Answer(to=(ANN,), text="Hi"), by=bob)
    assert 'src="cid:logo@x"&gt; stay empty' in sent(message).html


def test_a_corrected_recipient_gets_the_mail_again_and_the_wrong_one_does_not(ticket: Ticket, bob: Agent) -> None:
    message = answer(ticket, Answer(to=("an@customer.example",), text="Hi"), by=bob)
    correct_recipient(message.outgoing.deliveries.get(), ANN, by=bob)
    fresh = repeat(message, (), Sending(), by=bob)
    assert list(fresh.outgoing.deliveries.values_list("recipient", flat=True)) == [ANN]


def test_a_draft_for_many_people_is_not_cut_in_the_middle_of_one(ticket: Ticket, bob: Agent) -> None:
    many = ", ".join(f"person.{number}@customer.example.com" for number in range(1000))
    draft = save(Place(bob, ticket, "reply"), Typed(to=many, text="Hi"), draft=None, revision=0)
    draft.refresh_from_db()
    assert draft.to == many


def test_who_is_asked_about_a_forward_gets_an_answer_and_the_customer_still_waits(
    receive: Receive, ticket: Ticket, bob: Agent
) -> None:
    forward = answer(ticket, Answer(to=(CAS,), kind="forward", status_key="", text="What is that?"), by=bob)
    asked = receive(sender=CAS, in_reply_to=f"<{forward.message_id}>", references=f"<{forward.message_id}>")
    assert asked == ticket
    ticket.refresh_from_db()
    before = (ticket.waiting_since, ticket.preview)
    answer(ticket, Answer(to=(CAS,), about=ticket.messages.last(), text="Thanks", status_key=""), by=bob)
    ticket.refresh_from_db()
    assert (ticket.waiting_since, ticket.preview) == before
    assert ticket.waiting_since is not None


def test_thousands_of_recipients_large_and_deep_html_are_no_error(ticket: Ticket, bob: Agent) -> None:
    many = tuple(f"person.{number}@customer.example" for number in range(1000))
    message = answer(ticket, Answer(to=(ANN,), bcc=many, html="<div>" * 5000 + "x" * 2_100_000), by=bob)
    assert message.outgoing.deliveries.count() == 1001
    raw = store.get(str(message.blob_id))
    assert b"person." not in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_two_pages_that_bring_back_one_mail_at_once_make_one_draft(
    ticket: Ticket, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = take_back(answer(ticket, Answer(to=(ANN,), text="Hi", undo=UNDO), by=bob).outgoing, by=bob)
    first = from_taken_back(message, by=bob)
    looks = iter([lambda place: None, drafts.find])  # the second page looked before the first one wrote
    monkeypatch.setattr(drafts, "find", lambda place: next(looks)(place))
    assert from_taken_back(message, by=bob) == first
