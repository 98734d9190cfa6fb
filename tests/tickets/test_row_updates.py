"""Many rows written at once, each with values of its own."""

import pytest
from django.utils import timezone

from postvak.models import Mailbox, Message, Queue, Ticket
from postvak.models.row_updates import update_rows
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def tickets(mailbox: Mailbox, support: Queue) -> list[Ticket]:
    """Three, with a message each."""
    accept(mailbox, [Arrived(f"rows/{n}", mail(message_id=f"rows-{n}@x", subject=f"Lamp {n}")) for n in range(3)])
    process_due("test:1:x")
    return list(Ticket.objects.order_by("pk"))


def test_each_row_gets_its_own_values_and_nothing_else_changes(
    tickets: list[Ticket], sales: Queue, django_assert_num_queries
) -> None:
    first, second, third = tickets
    now = timezone.now()
    first.queue, first.fields, first.pending_until = sales, {"order": ["7"]}, now
    second.fields, second.subject = {"order": ["8", "é"]}, "not written"
    with django_assert_num_queries(1):
        update_rows([first, second], ["queue", "fields", "pending_until"])
    stored = {ticket.pk: ticket for ticket in Ticket.objects.all()}
    assert (stored[first.pk].queue, stored[first.pk].fields, stored[first.pk].pending_until) == (
        sales,
        {"order": ["7"]},
        now,
    )
    assert (stored[second.pk].queue_id, stored[second.pk].fields) == (second.queue_id, {"order": ["8", "é"]})
    assert (stored[second.pk].subject, stored[second.pk].pending_until) == ("Lamp 1", None)
    assert (stored[third.pk].fields, stored[third.pk].subject) == ({}, "Lamp 2")


def test_columns_may_be_named_like_words_of_sql(tickets: list[Ticket]) -> None:
    message = Message.objects.get(ticket=tickets[0])
    message.to, message.references = [["Bob", "bob@example.org"]], ["a@x"]
    update_rows([message], ["to", "references"])
    message.refresh_from_db()
    assert (message.to, message.references) == ([["Bob", "bob@example.org"]], ["a@x"])


def test_a_name_that_is_no_column_is_refused_and_no_rows_are_no_query(
    tickets: list[Ticket], django_assert_num_queries
) -> None:
    with pytest.raises(KeyError):
        update_rows(tickets, ["subjekt"])
    with django_assert_num_queries(0):
        update_rows([], ["subject"])
