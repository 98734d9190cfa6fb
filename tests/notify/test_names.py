"""Whose name and which address a mail comes from."""

import pytest

from postvak.models import Address, Agent, Brand, Channel, NameMode, Queue, Ticket
from postvak.send.sender import CannotAnswer, sender_for, sender_of
from tests.notify.desk import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    return desk.ticket


def brand_has(mode: NameMode) -> None:
    Brand.objects.update(name_mode=mode)


def now(ticket: Ticket) -> Ticket:
    return Ticket.objects.get(pk=ticket.pk)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (NameMode.ADDRESS, "Example Support"),
        (NameMode.AGENT, "Bob Baker"),
        (NameMode.BOTH, "Bob Baker via Example Support"),
    ],
)
def test_the_brand_says_whose_name_stands_before_the_address(
    ticket: Ticket, bob: Agent, mode: NameMode, expected: str
) -> None:
    brand_has(mode)
    assert sender_for(now(ticket), agent=bob).name == expected
    assert sender_of(ticket.queue.__class__.objects.get(pk=ticket.queue_id), agent=bob).name == expected


def test_the_address_may_want_it_otherwise_than_the_brand(ticket: Ticket, bob: Agent) -> None:
    brand_has(NameMode.AGENT)
    Address.objects.update(name_mode=NameMode.ADDRESS)
    assert sender_for(now(ticket), agent=bob).name == "Example Support"


@pytest.mark.parametrize("mode", NameMode)
def test_automatic_mail_never_has_the_name_of_an_agent(ticket: Ticket, mode: NameMode) -> None:
    brand_has(mode)
    assert sender_for(now(ticket)).name == "Example Support"


def test_an_address_without_a_name_has_that_of_its_brand(ticket: Ticket, bob: Agent) -> None:
    brand_has(NameMode.BOTH)
    Brand.objects.update(name="Example Ltd")
    Address.objects.update(display_name="")
    assert sender_for(now(ticket), agent=bob).name == "Bob Baker via Example Ltd"


def test_the_agents_choice_comes_before_the_address_that_the_customer_wrote_to(
    ticket: Ticket, bob: Agent, sales: Queue
) -> None:
    Ticket.objects.update(reply_address=ticket.queue.address)
    assert sender_for(now(ticket), agent=bob).address.email == "support@example.org"
    assert sender_for(now(ticket), agent=bob, choice=sales.address).address.email == "sales@example.org"


def test_an_invalid_choice_is_refused_with_its_name(ticket: Ticket, bob: Agent, sales: Queue) -> None:
    Address.objects.filter(pk=sales.address_id).update(is_valid=False)
    with pytest.raises(CannotAnswer, match="sales@example.org") as refused:
        sender_for(now(ticket), agent=bob, choice=Address.objects.get(pk=sales.address_id))
    assert refused.value.field == "address"


def test_a_queue_without_an_address_sends_by_another_one_of_its_brand(
    channel: Channel, brand: Brand, sales: Queue
) -> None:
    bare = Queue.objects.create(name="Bare", brand=brand)
    assert sender_of(bare).address.email == "sales@example.org"


def test_an_address_of_another_brand_is_never_taken_by_itself(channel: Channel, brand: Brand, sales: Queue) -> None:
    bare = Queue.objects.create(name="Bare", brand=Brand.objects.create(name="Other"))
    with pytest.raises(CannotAnswer, match="Bare"):
        sender_of(bare)
