"""From whom and by which channel an answer goes out, and what can't be answered."""

from collections.abc import Iterator, Sequence

import pytest

from postvak.models import (
    Address,
    Agent,
    Channel,
    Delivery,
    History,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Status,
    Ticket,
)
from postvak.tickets.answer import Answer, CannotAnswer, answer, sender_for
from postvak.tickets.change import set_status
from tests.mails import mail
from tests.send.answering import (
    ANN,
    Write,
    mark,
    receive,
    send_everything,
)  # fmt: skip

pytestmark = [pytest.mark.django_db, pytest.mark.servers]


# -- from whom and by which channel ------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("address", "mailbox", "brand", "default"), "address"),
        (("mailbox", "brand", "default"), "mailbox"),
        (("brand", "default"), "brand"),
        (("default",), "default"),
    ],
)
@pytest.mark.parametrize("extra_invalid", [False, True])
def test_the_channel_is_that_of_the_address_the_mailbox_the_brand_or_the_default_one(
    mailbox: Mailbox, support: Queue, given: Sequence[str], expected: str, extra_invalid: bool
) -> None:
    places = ("address", "mailbox", "brand", "default")
    channels = {
        place: Channel.objects.create(name=place, kind="file", is_default=place == "default", is_valid=place in given)
        for place in places
        if place in given or extra_invalid
    }
    Address.objects.update(channel=channels.get("address"))
    Mailbox.objects.update(reply_via=channels.get("mailbox"))
    support.brand.channel = channels.get("brand")
    support.brand.save()
    ticket = receive(Mailbox.objects.get(pk=mailbox.pk), mail()).ticket
    assert sender_for(Ticket.objects.get(pk=ticket.pk)).channel.name == expected  # type: ignore[union-attr]


def test_the_sender_is_the_address_that_the_customer_wrote_to(
    channel: Channel, mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    mailbox.queue = sales
    mailbox.save()
    ticket = receive(mailbox, mail(to="support@example.org")).ticket
    assert ticket is not None
    sender = sender_for(ticket)
    assert ticket.queue == sales
    assert (sender.address.email, sender.name) == ("support@example.org", "Example Support")


def test_without_a_valid_reply_address_the_queues_address_sends_under_the_brands_name(
    channel: Channel, mailbox: Mailbox, support: Queue, sales: Queue
) -> None:
    mailbox.queue = sales
    mailbox.save()
    ticket = receive(mailbox, mail(to="support@example.org")).ticket
    Address.objects.filter(email="support@example.org").update(is_valid=False)
    sender = sender_for(Ticket.objects.get(pk=ticket.pk))  # type: ignore[union-attr]
    assert (sender.address.email, sender.name) == ("sales@example.org", sales.brand.name)


# -- what can't be answered --------------------------------------------------------------


@pytest.fixture
def nothing_written(ticket: Ticket, bob: Agent) -> Iterator[None]:
    """Afterwards everything is as before."""

    def everything() -> list[object]:
        counts = [model.objects.count() for model in (Message, OutgoingMail, Delivery, History)]
        return [counts, Ticket.objects.values().get(pk=ticket.pk)]

    before = everything()
    yield
    assert everything() == before


@pytest.mark.usefixtures("nothing_written", "channel")
@pytest.mark.parametrize(
    ("what", "field"),
    [
        (Answer(to=(), text="Hello"), "to"),
        (Answer(to=("support@example.org",), text="Hello"), "to"),
        (Answer(to=("not an address",), text="Hello"), "to"),
        (Answer(to=(ANN,), cc=("a@b@c",), text="Hello"), "cc"),
        (Answer(to=(ANN,), bcc=("x@y.example\r\nBcc: evil@x.example",), text="Hello"), "bcc"),
        (Answer(to=(ANN,), text=" \n "), "text"),
        (Answer(to=(ANN,), text="Hello", status_key="no-such"), "status"),
    ],
)
def test_an_answer_that_can_not_be_sent_writes_nothing(ticket: Ticket, bob: Agent, what: Answer, field: str) -> None:
    with pytest.raises(CannotAnswer) as caught:
        answer(ticket, what, by=bob)
    assert caught.value.field == field
    assert caught.value.text


@pytest.mark.usefixtures("nothing_written")
def test_without_a_channel_nothing_can_be_sent(ticket: Ticket, bob: Agent) -> None:
    with pytest.raises(CannotAnswer, match="sending channel"):
        answer(ticket, Answer(to=(ANN,), text="Hello"), by=bob)


@pytest.mark.usefixtures("channel")
def test_without_an_address_nothing_can_be_sent(mailbox: Mailbox, bob: Agent) -> None:
    ticket = receive(mailbox, mail(to="nobody@elsewhere.example")).ticket
    Address.objects.update(is_valid=False)
    assert ticket is not None
    ticket.queue.members.add(bob)
    with pytest.raises(CannotAnswer, match="Inbox"):
        answer(ticket, Answer(to=(ANN,), text="Hello"), by=bob)
    assert not OutgoingMail.objects.exists()


def test_an_answered_ticket_that_is_closed_by_hand_stays_marked_until_its_mail_is_out(
    smtp: Channel, ticket: Ticket, bob: Agent, write: Write
) -> None:
    write()
    set_status(Ticket.objects.get(pk=ticket.pk), Status.objects.get(key="closed"), by=bob)
    assert mark(ticket) == "waiting"
    send_everything()
    assert mark(ticket) == ""
    ticket.refresh_from_db()
    assert ticket.status.key == "closed"
