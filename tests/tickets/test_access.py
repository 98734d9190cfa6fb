"""Who sees what: Bob works in Support, Cas in Sales, Eva administers."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db.models import QuerySet

from postvak.mail.compose import File
from postvak.models import Agent, Attachment, Channel, Mailbox, Message, OutgoingMail, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.access import (
    assignable_agents,
    visible_attachments,
    visible_messages,
    visible_outgoing,
    visible_queues,
    visible_receipts,
    visible_tickets,
)
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import move, note
from tests.mails import mail

pytestmark = pytest.mark.django_db

Visible = Callable[[Agent], QuerySet[Any]]
EVERYTHING: tuple[Visible, ...] = (
    visible_tickets,
    visible_messages,
    visible_attachments,
    visible_outgoing,
    visible_receipts,
)


@pytest.fixture
def desk(mailbox: Mailbox, channel: Channel, bob: Agent, cas: Agent, admin: Agent) -> dict[str, Ticket]:
    """One answered ticket with a note and a file in Support, one in Sales, one in the default queue."""
    for name in ("support", "sales", "nobody"):
        accept(mailbox, [Arrived(name, mail(to=f"{name}@example.org", subject=name, message_id=f"{name}@x.example"))])
    while process_due("test:1:x"):
        pass
    tickets = {ticket.subject: ticket for ticket in Ticket.objects.all()}
    for name, agent in (("support", bob), ("sales", cas)):
        files = (File("price.txt", "text/plain", b"1 euro"),)
        answer(tickets[name], Answer(to=("ann@customer.example",), text="Here", files=files), by=agent)
        note(tickets[name], "Between us", by=agent)
    return tickets


def tickets_of(rows: Iterable[Any]) -> set[str]:
    """Subjects of the tickets that the rows belong to."""
    return {ticket_of(row).subject for row in rows}


def ticket_of(row: Ticket | Message | Attachment | OutgoingMail | Receipt) -> Ticket:
    if isinstance(row, Ticket):
        return row
    message = row.message if isinstance(row, (Attachment, OutgoingMail)) else None
    found = message.ticket if message else row.ticket  # type: ignore[union-attr]
    assert found is not None
    return found


@pytest.mark.parametrize("visible", EVERYTHING)
def test_bob_sees_support_only_and_cas_sales_only(
    desk: dict[str, Ticket], bob: Agent, cas: Agent, visible: Visible
) -> None:
    assert tickets_of(visible(bob)) == {"support"}
    assert tickets_of(visible(cas)) == {"sales"}


@pytest.mark.parametrize("visible", EVERYTHING)
def test_an_administrator_sees_everything(desk: dict[str, Ticket], admin: Agent, visible: Visible) -> None:
    assert visible(admin).count() == visible(admin).model._default_manager.count()
    assert {"support", "sales"} <= tickets_of(visible(admin))


@pytest.mark.parametrize("visible", EVERYTHING)
def test_an_agent_of_no_queue_sees_nothing(desk: dict[str, Ticket], visible: Visible) -> None:
    newcomer = Agent.objects.create_user("dan@example.org", "correct horse battery", name="Dan")
    assert not visible(newcomer).exists()


@pytest.mark.parametrize("visible", EVERYTHING)
def test_what_bob_sees_is_there_once_even_in_two_queues(
    desk: dict[str, Ticket], bob: Agent, sales: Queue, visible: Visible
) -> None:
    sales.members.add(bob)
    keys = list(visible(bob).values_list("pk", flat=True))
    assert len(keys) == len(set(keys))
    assert tickets_of(visible(bob)) == {"support", "sales"}


@pytest.mark.parametrize("visible", EVERYTHING)
def test_a_moved_ticket_changes_hands_with_all_that_belongs_to_it(
    desk: dict[str, Ticket], bob: Agent, cas: Agent, sales: Queue, visible: Visible
) -> None:
    move(desk["support"], sales, by=bob)
    assert not visible(bob).exists()
    assert tickets_of(visible(cas)) == {"support", "sales"}


def test_a_member_who_leaves_the_queue_sees_it_no_more(desk: dict[str, Ticket], bob: Agent, support: Queue) -> None:
    support.members.remove(bob)
    assert not visible_tickets(bob).exists()
    assert not visible_queues(bob).exists()


def test_the_queues_of_each(bob: Agent, cas: Agent, admin: Agent) -> None:
    assert [queue.name for queue in visible_queues(bob)] == ["Support"]
    assert [queue.name for queue in visible_queues(cas)] == ["Sales"]
    assert [queue.name for queue in visible_queues(admin)] == ["Inbox", "Sales", "Support"]


def test_notes_are_seen_by_who_sees_the_ticket(desk: dict[str, Ticket], bob: Agent) -> None:
    assert list(visible_messages(bob).values_list("kind", flat=True)) == ["incoming", "outgoing", "note"]


def test_a_held_mail_without_a_ticket_is_for_administrators(
    mailbox: Mailbox, bob: Agent, cas: Agent, admin: Agent
) -> None:
    accept(mailbox, [Arrived("held", b"")])
    process_due("test:1:x")
    assert visible_receipts(admin).get().outcome == "held"
    assert not visible_receipts(bob).exists()
    assert not visible_receipts(cas).exists()


def test_a_held_mail_of_a_mailbox_with_a_fixed_queue_is_for_that_queue(
    mailbox: Mailbox, bob: Agent, cas: Agent, support: Queue
) -> None:
    mailbox.queue = support
    mailbox.save()
    accept(mailbox, [Arrived("held", b"")])
    process_due("test:1:x")
    assert visible_receipts(bob).count() == 1
    assert not visible_receipts(cas).exists()


def test_a_mail_on_a_ticket_goes_by_the_ticket_and_not_by_the_mailbox(
    mailbox: Mailbox, bob: Agent, cas: Agent, support: Queue, sales: Queue
) -> None:
    mailbox.queue = support
    mailbox.save()
    accept(mailbox, [Arrived("one", mail())])
    process_due("test:1:x")
    move(Ticket.objects.get(), sales, by=bob)
    assert not visible_receipts(bob).exists()
    assert visible_receipts(cas).count() == 1


def test_a_queue_is_assignable_to_its_members_and_to_administrators_who_are_valid(
    bob: Agent, cas: Agent, admin: Agent, support: Queue
) -> None:
    support.members.add(admin)
    assert list(assignable_agents(support)) == [bob, admin]
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    assert list(assignable_agents(support)) == [admin]
