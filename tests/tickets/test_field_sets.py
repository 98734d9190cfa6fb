"""Custom fields of a queue, required ones, links, and those of customers and organisations."""

import pytest

from postvak.models import Agent, Channel, Customer, CustomField, Message, Organisation, Queue, Status, Ticket
from postvak.send.sender import CannotAnswer
from postvak.tickets import bulk
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from postvak.tickets.customers import merge_customers
from postvak.tickets.field_sets import CannotClose, completed, fields_of_ticket, used_by
from postvak.tickets.fields import WrongValues, kept_value, set_fields
from postvak.tickets.phone import Call, CannotNote, note_call
from postvak.tickets.rules.ageing import change
from postvak.tickets.rules.known import KnownRule
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db


def field(key: str, *queues: Queue, **facts: object) -> CustomField:
    made = CustomField.objects.create(**{"key": key, "label": key.title(), **facts})
    made.queues.set(queues)
    return made


@pytest.fixture
def closed() -> Status:
    return Status.objects.get(key="closed")


@pytest.fixture
def ticket(receive: Receive, bob: Agent, channel: Channel) -> Ticket:
    return receive(recipient="support@example.org", to="support@example.org")


def test_a_ticket_has_the_fields_of_its_queue_and_those_with_a_value(
    ticket: Ticket, support: Queue, sales: Queue
) -> None:
    assert ticket.queue == support
    field("everywhere"), field("here", support, sales), field("there", sales), field("old", sales, is_valid=False)
    field("person", holder="customer")
    assert [one.key for one in fields_of_ticket(ticket)] == ["everywhere", "here"]
    ticket.fields = {"there": ["x"], "old": ["y"]}
    assert [one.key for one in fields_of_ticket(ticket)] == ["everywhere", "here", "there"]


def test_nobody_closes_a_ticket_while_a_required_field_is_empty(
    ticket: Ticket, support: Queue, sales: Queue, bob: Agent, closed: Status
) -> None:
    order = field("order", support, is_required=True)
    field("there", sales, is_required=True)
    field("person", holder="customer", is_required=True)
    with pytest.raises(CannotClose, match="this field is empty: Order"):
        set_status(ticket, closed, by=bob)
    with pytest.raises(CannotAnswer, match="Order"):
        answer(ticket, Answer(to=("ann@customer.example",), text="Bye", status_key="closed"), by=bob)
    assert not Message.objects.filter(kind="outgoing", agent=bob).exists()
    left = bulk.start("status", {"status": "closed"}, [ticket.pk], by=bob)
    assert "Order" in str(left.skipped)
    call = Call(queue=support, customer=ticket.customer, subject="Rang", text="Hi", status=closed)  # type: ignore[arg-type]
    with pytest.raises(CannotNote, match="Order"):
        note_call(call, by=bob)
    ticket.refresh_from_db()
    assert ticket.is_open
    set_fields(ticket, {order: ["4711"]}, by=bob)
    set_status(ticket, closed, by=bob)
    assert not Ticket.objects.get(pk=ticket.pk).is_open


def test_a_rule_may_close_it_and_other_changes_need_nothing(ticket: Ticket, bob: Agent, closed: Status) -> None:
    field("order", is_required=True)
    set_status(ticket, Status.objects.get(key="internal"), by=bob)
    rule = KnownRule(id=1, key="", name="Silence", trigger="waiting", recipients=(), status_id=closed.pk)
    assert change([ticket], {ticket.pk: rule}, {closed.pk: closed}) == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://example.org/7?a=b#c", "https://example.org/7?a=b#c"),
        ("HTTP://example.org", "http://example.org"),
        ("mailto:ann@customer.example?subject=x", "mailto:ann@customer.example?subject=x"),
        ("example.org", None),
        ("javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html,x", None),
        ("https://", None),
        ("http://[broken", None),
        ("mailto:nobody", None),
        ("https://a.example/ b", None),
    ],
)
def test_a_link_leads_to_the_web_or_to_a_mail(typed: str, kept: str | None) -> None:
    if kept is None:
        with pytest.raises(ValueError, match="is no link"):
            kept_value("link", (), typed)
    else:
        assert kept_value("link", (), typed) == kept


def test_values_of_a_customer_are_checked_and_what_is_required_has_to_be_there() -> None:
    contract, size = field("contract", holder="customer", is_required=True), field("size", kind="number")
    with pytest.raises(WrongValues) as wrong:
        completed([contract, size], {}, {"size": ["tall"]})
    assert set(wrong.value.sentences) == {"contract", "size"}
    old = {"contract": ["7"], "gone": ["kept"]}
    assert completed([contract, size], old, {"size": ["1,5"]}) == {**old, "size": ["1.5"]}


def test_how_many_have_a_value_is_counted_by_kind(ticket: Ticket, django_assert_max_num_queries: object) -> None:
    one, two, three = field("one"), field("two", holder="customer"), field("three", holder="organisation")
    Ticket.objects.filter(pk=ticket.pk).update(fields={"one": ["x"], "two": ["not of a ticket"]})
    Customer.objects.create(fields={"two": ["x"]})
    Organisation.objects.create(name="Acme", fields={"one": ["not its own"]})
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        assert used_by([one, two, three]) == {one.pk: 1, two.pk: 1, three.pk: 0}


def test_of_two_customers_who_are_one_the_values_are_kept(bob: Agent) -> None:
    gone = Customer.objects.create(name="A", fields={"a": ["1"], "b": ["1"]})
    stays = Customer.objects.create(name="B", fields={"b": ["2"]})
    merge_customers(gone, stays, by=bob)
    stays.refresh_from_db()
    assert stays.fields == {"a": ["1"], "b": ["2"]}
