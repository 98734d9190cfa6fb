"""What an agent may do in a queue: each verb asks for its right, and changes nothing without it."""

from collections.abc import Callable

import pytest

from postvak.models import (
    Agent,
    AutomaticMail,
    Customer,
    CustomField,
    Draft,
    History,
    Mailbox,
    Membership,
    Message,
    Priority,
    Queue,
    Status,
    Ticket,
    TicketType,
    Trace,
)
from postvak.tickets import bulk, change, drafts, links, marks, participants, properties, tags, trash
from postvak.tickets.access import May, NotAllowed, assignable_agents, demand, may_in, may_somewhere
from postvak.tickets.answer import Answer, answer
from postvak.tickets.customers import set_customer
from postvak.tickets.fields import set_fields
from postvak.tickets.first_mail import first_mail
from postvak.tickets.merge import merge
from postvak.tickets.move import move_message, split_off
from postvak.tickets.phone import Call, note_call
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.side import start
from postvak.tickets.take_back import take_back
from tests.mails import mail
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db
Verb = Callable[[Ticket, Ticket, Agent], object]
DEE = ("dee@third.example",)

VERBS: dict[str, dict[str, Verb]] = {
    "answer": {
        "answer": lambda one, two, by: answer(one, Answer(to=DEE, text="Hi"), by=by),
        "note": lambda one, two, by: change.note(one, "Hi", by=by),
        "side": lambda one, two, by: start(one, Answer(to=DEE, subject="S", text="Hi"), by=by),
        "redirect": lambda one, two, by: redirect(one, Redirect(about=one.messages.get(), to=DEE), by=by),
        "first mail": lambda one, two, by: first_mail(one.queue, Answer(to=DEE, subject="S", text="Hi"), by=by),
        "phone": lambda one, two, by: note_call(call(one), by=by),
        "draft": lambda one, two, by: drafts.save(drafts.Place(by, one, Draft.Kind.REPLY), drafts.Typed(text="Hi"), draft=None, revision=0),
    },
    "move": {
        "move": lambda one, two, by: change.move(one, Queue.objects.get(name="Sales"), by=by),
        "assign": lambda one, two, by: change.assign(one, by, by=by),
    },
    "close": {
        "close": lambda one, two, by: change.set_status(one, status("closed"), by=by),
        "merge": lambda one, two, by: merge(one, two, by=by),
        "split": lambda one, two, by: split_off([one.messages.get()], by=by),
        "move message": lambda one, two, by: move_message(one.messages.get(), two, by=by),
    },
    "delete": {
        "trash": lambda one, two, by: trash.move_to_trash(one, by=by),
        "status trash": lambda one, two, by: change.set_status(one, status("trash"), by=by),
        "spam": lambda one, two, by: properties.set_spam(one, True, by=by),
    },
    "work": {
        "status": lambda one, two, by: change.set_status(one, status("clarify"), by=by),
        "priority": lambda one, two, by: change.set_priority(one, Priority.objects.get(level=5), by=by),
        "type": lambda one, two, by: properties.set_type(one, TicketType.objects.create(name="Fault"), by=by),
        "title": lambda one, two, by: properties.set_title(one, "Another", by=by),
        "tags": lambda one, two, by: tags.add_tags(one, ["vip"], by=by),
        "private": lambda one, two, by: marks.set_private(one, True, by=by),
        "personal": lambda one, two, by: marks.set_personal(one, True, by=by),
        "link": lambda one, two, by: links.link(one, two, "related", by=by),
        "record": lambda one, two, by: links.link_record(one, "https://shop.example/7", "", by=by),
        "customer": lambda one, two, by: set_customer(one, None, by=by),
        "participant": lambda one, two, by: participants.add_participant(one, Customer.objects.create(name="X"), by=by),
        "field": lambda one, two, by: set_fields(one, {CustomField.objects.create(key="k", label="K", kind="text"): ["v"]}, by=by),
    },
}  # fmt: skip
CASES = [(right, name) for right, verbs in VERBS.items() for name in verbs]


def status(key: str) -> Status:
    return Status.objects.get(key=key)


def call(ticket: Ticket) -> Call:
    assert ticket.customer is not None
    return Call(queue=ticket.queue, customer=ticket.customer, subject="S", text="Rang", status=status("open"))


def only(agent: Agent, **rights: bool) -> None:
    none = dict.fromkeys(("may_answer", "may_move", "may_close", "may_delete", "may_administer", "is_lead"), False)
    Membership.objects.filter(agent=agent).update(**none | rights)


@pytest.fixture
def two(receive: Receive) -> tuple[Ticket, Ticket]:
    return receive(subject="One"), receive(subject="Two", message_id="two@customer.example")


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(("right", "name"), CASES)
def test_a_verb_without_its_right_changes_nothing(
    two: tuple[Ticket, Ticket], sales: Queue, bob: Agent, right: str, name: str
) -> None:
    others = {"may_answer", "may_move", "may_close", "may_delete"} - {f"may_{right}"} if right != "work" else set()
    sales.members.add(bob)
    only(bob, **dict.fromkeys(others, True))
    before = History.objects.count(), Message.objects.count(), Ticket.objects.count()
    with pytest.raises(NotAllowed, match="Support"):
        VERBS[right][name](*two, bob)
    assert before == (History.objects.count(), Message.objects.count(), Ticket.objects.count())


@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize(("right", "name"), CASES)
def test_the_right_is_enough(two: tuple[Ticket, Ticket], sales: Queue, bob: Agent, right: str, name: str) -> None:
    sales.members.add(bob)
    only(bob, **{f"may_{'delete' if right == 'work' else right}": True})
    VERBS[right][name](*two, bob)


@pytest.mark.usefixtures("channel")
def test_who_may_answer_but_not_close_sends_no_closing_answer(two: tuple[Ticket, Ticket], bob: Agent) -> None:
    only(bob, may_answer=True)
    with pytest.raises(NotAllowed, match="close"):
        answer(two[0], Answer(to=DEE, text="Done", status_key="closed"), by=bob)
    sent = answer(two[0], Answer(to=DEE, text="Please wait"), by=bob)
    assert Ticket.objects.get(pk=two[0].pk).status.key == "customer"
    only(bob)
    with pytest.raises(NotAllowed):
        take_back(sent.outgoing, by=bob)


def test_administrators_may_all_and_ask_nothing(two: tuple[Ticket, Ticket], admin: Agent, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]  # fmt: skip
    with django_assert_num_queries(0):
        assert may_in(admin, two[0].queue_id).delete
        demand(admin, "delete", two[0].queue_id)


def test_a_stranger_may_nothing_and_a_member_of_two_queues_what_either_gives(
    support: Queue, sales: Queue, bob: Agent, cas: Agent
) -> None:
    assert may_in(cas, support.pk) == May()
    sales.members.add(bob)
    Membership.objects.filter(agent=bob, queue=support).update(may_move=False)
    Membership.objects.filter(agent=bob, queue=sales).update(may_answer=False, may_administer=True)
    assert may_somewhere(bob) == May(answer=True, move=True, close=True, delete=True, administer=True)


def test_who_only_reads_gets_no_tickets(support: Queue, bob: Agent) -> None:
    only(bob)
    assert not assignable_agents(support).exists()


def test_many_tickets_are_left_alone_with_the_reason(two: tuple[Ticket, Ticket], bob: Agent) -> None:
    only(bob)
    done = bulk.start("status", {"status": "closed"}, [one.pk for one in two], by=bob)
    assert set(done.skipped) == {str(one.pk) for one in two}
    assert "you may not close" in done.skipped[str(two[0].pk)]
    assert Ticket.objects.filter(is_open=True).count() == 2


def test_a_move_into_a_queue_where_one_only_reads_can_be_undone(
    two: tuple[Ticket, Ticket], sales: Queue, bob: Agent
) -> None:
    sales.members.add(bob)
    Membership.objects.filter(agent=bob, queue=sales).update(may_move=False)
    done = bulk.start("queue", {"queue": sales.pk}, [two[0].pk], by=bob)
    assert Ticket.objects.get(pk=two[0].pk).queue == sales
    bulk.undo(done, by=bob)
    assert Ticket.objects.get(pk=two[0].pk).queue.name == "Support"


# -- agents' mails ----------------------------------------------------------------------------


def by_mail(receive: Receive, ticket: Ticket, text: str) -> Message:
    """Bob answers from his mail program."""
    Mailbox.objects.update(is_trusted=True, agents_mail="answer", agents_commands=True)
    message_id = f"<{ticket.messages.order_by('pk')[0].message_id}>"
    found = receive(mail(sender="bob@example.org", message_id="bobs@x.example", in_reply_to=message_id, text=text))
    return found.messages.order_by("-pk")[0]


def reasons(message: Message) -> list[str]:
    return [entry[1] for entry in Trace.objects.get(receipt__message=message).entries]


@pytest.mark.usefixtures("no_automatic_mail")
def test_an_agents_mail_without_the_right_is_a_note_and_says_so(receive: Receive, bob: Agent) -> None:
    ticket = receive()
    only(bob)
    Queue.objects.update(commands_need_dmarc=False)  # the mailbox vouches for its senders
    written = by_mail(receive, ticket, "#close\nPress the switch.")
    assert (written.is_internal, written.author_kind) == (True, "agent")
    assert {"agent_may_not_answer", "command_not_allowed"} <= set(reasons(written))
    assert "agents_answer" not in reasons(written)
    ticket.refresh_from_db()
    assert (ticket.is_open, AutomaticMail.objects.filter(ticket=ticket).exists()) == (True, False)


@pytest.mark.usefixtures("no_automatic_mail")
def test_with_the_right_it_goes_to_the_customer(receive: Receive, bob: Agent) -> None:
    written = by_mail(receive, receive(), "Press the switch.")
    assert "agents_answer" in reasons(written)
