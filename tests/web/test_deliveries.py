"""The story of an outgoing mail on its ticket: where it is for each recipient, and what was said on the way."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Channel, Delivery, DeliveryEvent, Mailbox, OutgoingMail, Queue, Ticket
from postvak.tickets.answer import Answer, answer
from postvak.web.desk.deliveries import Story, story_of
from tests.mails import mail
from tests.send.answering import AMY, ANN, BOSS, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def outgoing(channel: Channel, mailbox: Mailbox, support: Queue, bob: Agent) -> OutgoingMail:
    ticket = receive(mailbox, mail()).ticket
    assert ticket is not None
    return answer(Ticket.objects.get(pk=ticket.pk), Answer(to=(ANN, AMY, BOSS), text="Hi"), by=bob).outgoing


def put(outgoing: OutgoingMail, recipient: str, state: str, said: str = "", remote_id: str = "") -> None:
    outgoing.deliveries.filter(recipient=recipient).update(state=state, said=said, remote_id=remote_id)


def happened(outgoing: OutgoingMail, recipient: str, *events: tuple[str, str], by: Agent | None = None) -> None:
    delivery = outgoing.deliveries.get(recipient=recipient)
    start = timezone.now()
    for minutes, (kind, said) in enumerate(events, start=delivery.events.count()):
        at = start + timedelta(minutes=minutes)
        DeliveryEvent.objects.create(delivery=delivery, at=at, kind=kind, said=said, agent=by)


def story(outgoing: OutgoingMail) -> Story:
    found = story_of(list(outgoing.deliveries.prefetch_related("events__agent")))
    assert found is not None
    return found


def told(outgoing: OutgoingMail, recipient: str = ANN) -> list[tuple[str, int]]:
    fate = next(fate for fate in story(outgoing).fates if fate.delivery.recipient == recipient)
    return [(line.kind, line.times) for line in fate.lines]


@pytest.mark.parametrize(
    ("states", "headline", "is_open"),
    [
        (("queued", "queued", "queued"), "It is not out yet.", False),
        (("accepted", "deferred", "accepted"), "It is not out yet for 1 of 3 recipients.", False),
        (("accepted", "delivered", "accepted"), "The server took it.", False),
        (("delivered", "delivered", "delivered"), "It arrived.", False),
        (("bounced", "delivered", "blocked"), "It did not arrive at 2 of 3 recipients.", True),
        (("in_doubt", "delivered", "delivered"), "Perhaps it did not arrive.", True),
        (("complained", "delivered", "delivered"), "1 recipient complained about it.", False),
        (("cancelled", "cancelled", "cancelled"), "Sending was stopped.", False),
        (("cancelled", "cancelled", "bounced"), "It did not arrive.", True),
    ],
)
def test_one_sentence_says_how_it_stands(
    outgoing: OutgoingMail, states: tuple[str, str, str], headline: str, is_open: bool
) -> None:
    for recipient, state in zip((ANN, AMY, BOSS), states, strict=True):
        put(outgoing, recipient, state)
    found = story(outgoing)
    assert (found.headline, found.is_open) == (headline, is_open)


def test_an_attempt_is_told_by_its_answer_and_the_same_answer_is_one_line(outgoing: OutgoingMail, bob: Agent) -> None:
    busy = (("attempt", ""), ("deferred", "451 4.3.0 busy"))
    happened(outgoing, ANN, *busy, *busy, *busy)
    happened(outgoing, ANN, ("retry", ""), by=bob)
    happened(outgoing, ANN, ("attempt", ""), ("accepted", "250 OK"), ("delivered", ""), ("bounced", "550 5.1.1 none"))
    assert told(outgoing) == [
        ("queued", 1), ("deferred", 3), ("retry", 1), ("accepted", 1), ("delivered", 1), ("bounced", 1),
    ]  # fmt: skip
    lines = story(outgoing).fates[0].lines
    assert (lines[1].until - lines[1].at, lines[2].who) == (timedelta(minutes=4), "Bob Baker")
    assert "tries again" in lines[1].why
    assert "for good" in lines[5].text
    assert "doesn't exist" in lines[5].why


def test_an_attempt_without_an_answer_is_told(outgoing: OutgoingMail) -> None:
    happened(outgoing, ANN, ("attempt", ""))
    assert told(outgoing)[-1] == ("attempt", 1)


def test_the_story_of_days_of_trying_has_an_end(outgoing: OutgoingMail) -> None:
    happened(outgoing, ANN, *[("deferred", f"451 try {number}") for number in range(100)])
    fate = story(outgoing).fates[0]
    assert (len(fate.lines), fate.earlier) == (60, 41)


def test_what_was_given_up_is_not_said_to_be_tried_again(outgoing: OutgoingMail) -> None:
    put(outgoing, ANN, "failed", "451 4.3.0 busy")
    put(outgoing, AMY, "deferred", "451 4.3.0 busy")
    given_up, trying = story(outgoing).fates[:2]
    assert "given up" in given_up.why
    assert "tries again" in trying.why


def test_the_page_tells_it_with_the_words_of_the_servers(client: Client, outgoing: OutgoingMail, bob: Agent) -> None:
    put(outgoing, ANN, "bounced", "smtp; 550 5.1.1 <nobody> unknown", "queue-77")
    happened(outgoing, ANN, ("attempt", ""), ("accepted", "250 OK"), ("bounced", "smtp; 550 5.1.1 <nobody> unknown"))
    client.force_login(bob)
    ticket = client.get(f"/tickets/{outgoing.message.ticket.number}/").content.decode()
    assert "It did not arrive at 1 of 3 recipients." in ticket
    assert "This address doesn&#39;t exist at the other server" in ticket
    page = client.get(f"/messages/{outgoing.message_id}/deliveries/").content.decode()
    for words in (
        "The server calls it queue-77.",
        "smtp; 550 5.1.1 &lt;nobody&gt; unknown",
        "This address doesn&#39;t exist at the other server",
        "Send to another address",
    ):
        assert words in page, words
    assert "The mail was opened." not in page
    happened(outgoing, AMY, ("opened", ""))
    assert "The mail was opened." in client.get(f"/messages/{outgoing.message_id}/deliveries/").content.decode()


def test_the_story_costs_the_same_for_many_recipients(
    client: Client, outgoing: OutgoingMail, bob: Agent, django_assert_max_num_queries: object
) -> None:
    Delivery.objects.bulk_create(
        Delivery(outgoing=outgoing, recipient=f"r{number}@customer.example", changed_at=timezone.now())
        for number in range(40)
    )
    client.force_login(bob)
    client.get(f"/tickets/{outgoing.message.ticket.number}/")
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get(f"/tickets/{outgoing.message.ticket.number}/")
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        client.get(f"/messages/{outgoing.message_id}/deliveries/")
