"""What a ticket shows of classification: a chip beside its property, why, accepting and dismissing; and the spam button with its undo."""

import html

import pytest
from django.test import Client

from postvak.models import Agent, History, Mailbox, Prediction, Queue, Ticket
from postvak.tickets import people
from tests.mails import mail
from tests.web.classified import classifier, prediction, version
from tests.web.test_desk import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]


@pytest.fixture
def ticket(mailbox: Mailbox, bob: Agent, sales: Queue) -> Ticket:
    """Bob works in both queues; the ticket is in Support."""
    people.give(sales, bob, "agent")
    return receive(mailbox, mail())


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    client.force_login(bob)
    return client


def head(desk: Client, ticket: Ticket) -> str:
    text = html.unescape(desk.get(f"/tickets/{ticket.number}/").text)
    return text[text.index('class="ticket-head"') : text.index('class="pane-conv"')]


def why(desk: Client, row: Prediction, **headers: str) -> str:
    answer = desk.get(f"/tickets/{row.ticket.number}/proposals/{row.pk}/?in=open", headers=headers)
    assert answer.status_code == 200
    return " ".join(html.unescape(answer.text).split())


def accept(desk: Client, row: Prediction, way: str = "acceptance") -> int:
    return desk.post(f"/tickets/{row.ticket.number}/proposals/{way}/?in=open", {"proposal": row.pk}).status_code


def test_a_proposed_queue_stands_beside_the_queue_and_is_accepted_with_one_click_or_key(
    desk: Client, ticket: Ticket, bob: Agent, sales: Queue
) -> None:
    row = prediction(ticket, sales.pk)
    text = head(desk, ticket)
    assert "Sales? 93 %" in text
    assert 'data-key="y"' in text
    assert accept(desk, row) == 302
    ticket.refresh_from_db()
    assert ticket.queue == sales
    assert History.objects.get(ticket=ticket, code="queue").agent == bob
    assert "93 %" not in head(desk, ticket)


def test_a_dismissed_one_is_gone_and_changes_nothing(
    desk: Client, ticket: Ticket, sales: Queue, support: Queue
) -> None:
    row = prediction(ticket, sales.pk)
    assert accept(desk, row, "dismissal") == 302
    ticket.refresh_from_db()
    assert ticket.queue == support
    assert "Sales?" not in head(desk, ticket)
    row.refresh_from_db()
    assert row.role == "dismissed"


@pytest.mark.parametrize("role", ["shadow", "audit"])
def test_what_is_only_counted_is_not_shown(desk: Client, ticket: Ticket, sales: Queue, role: str) -> None:
    row = prediction(ticket, sales.pk, role=role)
    assert "93 %" not in head(desk, ticket)
    assert desk.get(f"/tickets/{ticket.number}/proposals/{row.pk}/").status_code == 404
    assert accept(desk, row) == 404


def test_only_who_may_do_it_sees_it(client: Client, desk: Client, ticket: Ticket, bob: Agent, sales: Queue) -> None:
    """A reader sees no proposal, and nobody the name of a queue that he doesn't see."""
    row = prediction(ticket, sales.pk)
    prediction(ticket, "spam", target="spam")
    people.take_away(sales, bob)
    assert "Sales" not in head(desk, ticket)
    assert desk.get(f"/tickets/{ticket.number}/proposals/{row.pk}/").status_code == 404
    assert "Spam? 93 %" in head(desk, ticket)
    accept(desk, row)
    ticket.refresh_from_db()
    assert ticket.queue.name == "Support"
    people.give(ticket.queue, bob, "reader")
    assert "93 %" not in head(desk, ticket)
    assert accept(desk, row) == 404


def test_what_was_done_says_so_with_a_way_to_say_that_it_was_wrong(
    desk: Client, ticket: Ticket, support: Queue
) -> None:
    row = prediction(ticket, support.pk, role="acted", probability=0.97, would_act=True)
    text = head(desk, ticket)
    assert "put here by classification, 97 %" in text
    assert 'data-key="y"' not in text
    assert 'popovertarget="p-queue"' in why(desk, row, hx_request="true")
    page = why(desk, row)
    assert "choices/?of=queue" in page
    assert "</html>" in page


def test_why_names_words_others_the_version_and_what_acting_would_take(
    desk: Client, ticket: Ticket, sales: Queue, support: Queue
) -> None:
    made = version(classifier(fewest=30), {str(sales.pk): 12, str(support.pk): 400}, tickets=412)
    words = [["invoice", 0.4], ["<b>mahnung</b>", 0.2], ["lamp", -0.1]]
    row = prediction(ticket, sales.pk, model=made, words=words, others=[[str(support.pk), 0.06]])
    text = why(desk, row, hx_request="true")
    assert (
        text.index("What spoke for it")
        < text.index("invoice")
        < text.index("What spoke against it")
        < text.index("lamp")
    )
    assert "Support 6 %" in text
    assert "version 1, which has learned from 412 tickets" in text
    assert "it needs 30 such tickets; it has learned 12" in text
    assert "<b>mahnung</b>" in html.unescape(text)
    raw = desk.get(f"/tickets/{ticket.number}/proposals/{row.pk}/").text
    assert "<b>mahnung</b>" not in raw


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"is_known": False}, "Nothing like this mail was ever learned"),
        ({"would_act": True}, "it is set up to propose only"),
        ({}, "It does this by itself from about 90 % on"),
    ],
)
def test_why_it_did_not_act(desk: Client, ticket: Ticket, sales: Queue, values: dict[str, bool], said: str) -> None:
    made = version(classifier(), {str(sales.pk): 100})
    assert said in why(desk, prediction(ticket, sales.pk, model=made, **values))


def test_priority_and_spam_are_proposed_too(desk: Client, ticket: Ticket) -> None:
    assert accept(desk, prediction(ticket, 4, target="priority")) == 302
    assert accept(desk, prediction(ticket, "spam", target="spam")) == 302
    ticket.refresh_from_db()
    assert (ticket.priority_id, ticket.is_spam) == (4, True)


def test_a_proposal_of_another_ticket_is_not_found(
    desk: Client, ticket: Ticket, mailbox: Mailbox, sales: Queue
) -> None:
    other = receive(mailbox, mail(subject="Another", message_id="other@x.example"))
    row = prediction(other, sales.pk)
    answer = desk.post(f"/tickets/{ticket.number}/proposals/acceptance/", {"proposal": row.pk})
    assert answer.status_code == 404
    assert desk.post(f"/tickets/{ticket.number}/proposals/acceptance/", {"proposal": "x"}).status_code == 404


def test_spam_is_one_click_and_can_be_undone(desk: Client, ticket: Ticket) -> None:
    assert "Mark as spam" in head(desk, ticket)
    desk.post(f"/tickets/{ticket.number}/spam/?in=open", {"spam": "1"})
    ticket.refresh_from_db()
    assert ticket.is_spam
    text = html.unescape(desk.get(f"/tickets/{ticket.number}/").text)
    assert f"Ticket {ticket.number} is marked as spam." in text
    undo = text.split("/undo/")[0].rsplit('"', 1)[1] + "/undo/"
    assert "No spam" in text
    desk.post(undo)
    ticket.refresh_from_db()
    assert not ticket.is_spam
