"""Rules of the message centre and what happens to tickets: who is told by notice and mail, once, and who is not."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import (
    Agent,
    AutomaticMail,
    Change,
    Mailbox,
    Notification,
    Participant,
    Priority,
    Queue,
    Rule,
    Status,
    Ticket,
)
from postvak.models.customer import Customer, CustomerAddress
from postvak.notify.automatic import write_due
from postvak.tickets import change
from postvak.tickets.properties import set_following, set_spam
from postvak.tickets.rules.telling import tell_changes
from tests.clock import Clock
from tests.tickets.conftest import Receive
from tests.tickets.rules.conftest import On, bells, choose, follow, fresh, mails

pytestmark = pytest.mark.django_db
ANN = "ann@customer.example"


def status(key: str) -> Status:
    return Status.objects.get(key=key)


def close(ticket: Ticket, by: Agent) -> None:
    change.set_status(fresh(ticket), status("closed"), by=by)


def reopen(ticket: Ticket, by: Agent) -> None:
    change.set_status(fresh(ticket), status("open"), by=by)


def write_again(receive: Receive, ticket: Ticket, **headers: str) -> None:
    first = ticket.messages.order_by("pk")[0]
    receive(in_reply_to=f"<{first.message_id}>", **headers)


# ---- agents ------------------------------------------------------------


def test_a_new_ticket_rings_for_all_members_of_the_queue_and_mails_only_where_the_rule_says_so(
    receive: Receive, on: On, bob: Agent, dee: Agent, cas: Agent
) -> None:
    rule = on("opened")
    receive()
    assert bells() == [("Bob", "opened"), ("Dee", "opened")]
    assert mails() == []
    rule.delivery = Rule.Delivery.MAIL
    rule.save()
    receive(subject="Another")
    assert mails() == [("bob@example.org", "pending"), ("dee@example.org", "pending")]
    row = AutomaticMail.objects.filter(reader=bob).get()
    assert (row.kind, row.recipients, row.rule, row.occasion) == (
        "notice",
        ["bob@example.org"],
        rule,
        f"message:{row.trigger_id}",
    )


def test_who_gets_the_new_ticket_at_once_hears_that_and_no_more(receive: Receive, on: On, bob: Agent) -> None:
    on("opened")
    on("assigned")
    Queue.objects.update(auto_assign=Queue.AutoAssign.ROUND_ROBIN)
    receive()
    assert bells() == [("Bob", "assigned")]
    assert mails() == [("bob@example.org", "pending")]


def test_a_rule_that_is_off_neither_rings_nor_mails(receive: Receive, ticket: Ticket) -> None:
    write_again(receive, ticket)
    assert (bells(), mails()) == ([], [])


@pytest.mark.parametrize(
    ("choice", "rings", "state"),
    [("mail", True, ["pending"]), ("digest", True, ["collected"]), ("app", True, []), ("none", False, [])],
)
def test_an_agent_s_own_choice_goes_before_that_of_the_rule(
    receive: Receive, ticket: Ticket, on: On, bob: Agent, choice: str, rings: bool, state: list[str]
) -> None:
    choose(bob, on("answered", delivery="app" if choice == "mail" else "mail"), choice)
    write_again(receive, ticket)
    assert bool(bells()) is rings
    assert [one for _address, one in mails()] == state


def test_what_an_agent_did_himself_or_may_not_read_is_told_to_others_only(
    ticket: Ticket, on: On, bob: Agent, dee: Agent, cas: Agent
) -> None:
    on("status-changed", recipients=["assignee", "followers", f"agent:{cas.pk}", "members"])
    set_following(ticket, dee, True)
    change.set_status(ticket, status("customer"), by=bob)
    assert bells() == [("Dee", "changed")]
    assert mails() == [("dee@example.org", "pending")]


def test_the_substitute_gets_the_mail_too_as_he_himself_wants_it(
    receive: Receive, ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    rule = on("answered")
    choose(dee, rule, "digest")
    Agent.objects.filter(pk=bob.pk).update(away_until=timezone.now() + timedelta(days=3), substitute=dee)
    write_again(receive, ticket)
    assert bells() == [("Bob", "answered"), ("Dee", "answered")]
    assert mails() == [("bob@example.org", "pending"), ("dee@example.org", "collected")]


def test_of_one_message_there_is_one_mail_by_the_strongest_reason_that_is_worth_one(
    ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    mentioned, noted = on("mentioned"), on("noted", delivery="mail")
    change.note(ticket, "@Bob Baker, look", by=dee)
    assert bells() == [("Bob", "mentioned")]
    assert AutomaticMail.objects.get(reader=bob).rule == mentioned
    choose(bob, mentioned, "app")
    change.note(ticket, "@Bob Baker, again", by=dee)
    follow()
    assert AutomaticMail.objects.filter(reader=bob).latest("pk").rule == noted


def test_a_colleague_s_answer_rings_for_followers_and_mails_nobody(
    ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    from_dee = ticket.messages.create(
        kind="outgoing", author_kind="agent", agent=bob, created_at=timezone.now(), blob=ticket.messages.get().blob
    )
    assert from_dee.pk
    on("answered")
    set_following(ticket, dee, True)
    assert bells() == [("Dee", "followed")]
    assert mails() == []


def test_conditions_of_a_rule_decide(ticket: Ticket, on: On, bob: Agent, dee: Agent) -> None:
    condition = {"field": "ticket.priority", "operator": "above", "value": "3", "not": False}
    on("priority-changed", recipients=["assignee"], conditions=[condition])
    low, high = Priority.objects.get(level=2), Priority.objects.get(level=4)
    change.set_priority(ticket, low, by=dee)
    assert mails() == []
    change.set_priority(fresh(ticket), high, by=dee)
    assert mails() == [("bob@example.org", "pending")]


def test_another_queue_is_told_to_its_members(
    ticket: Ticket, on: On, bob: Agent, sales: Queue, cas: Agent, dee: Agent
) -> None:
    on("queue-changed", delivery="app")
    change.move(ticket, sales, by=bob)
    assert bells() == [("Cas", "changed")]


# ---- customers ------------------------------------------------------------


def test_closing_is_told_to_the_customer_once_and_after_some_time(
    clock: Clock, ticket: Ticket, on: On, bob: Agent
) -> None:
    on("closed")
    close(ticket, bob)
    assert mails() == [(ANN, "pending")]
    row = AutomaticMail.objects.get()
    assert (row.kind, row.recipients, row.trigger) == ("rule", [ANN], None)
    assert row.next_attempt_at == clock.now + timedelta(minutes=2)


def test_a_rule_may_wait_longer_and_never_less(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    on("satisfaction")
    on("closed", minutes=1)
    close(ticket, bob)
    follow()
    waits = {row.rule.key: row.next_attempt_at - clock.now for row in AutomaticMail.objects.select_related("rule")}
    assert waits == {"satisfaction": timedelta(days=1), "closed": timedelta(minutes=2)}


def test_what_is_undone_at_once_is_told_to_nobody_outside(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    for key in ("closed", "reopened"):
        on(key)
    on(trigger="status", recipients=["requester"])
    close(ticket, bob)
    follow()
    clock.advance(seconds=30)
    change.set_status(fresh(ticket), status("new"), by=bob)
    follow()
    clock.advance(minutes=5)
    while write_due("test:1:w"):
        pass
    rows = AutomaticMail.objects.select_related("rule")
    assert {(row.rule.trigger, row.state, row.reason) for row in rows} == {
        ("closed", "skipped", "refused_no_longer"),
        ("status", "skipped", "refused_no_longer"),
    }


def test_to_and_fro_that_ends_closed_is_told_once(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    on("closed")
    on("reopened")
    for _time in range(3):
        close(ticket, bob)
        follow()
        clock.advance(seconds=10)
        reopen(ticket, bob)
        follow()
        clock.advance(seconds=10)
    close(ticket, bob)
    follow()
    assert [row.rule.key for row in AutomaticMail.objects.filter(state="pending").select_related("rule")] == ["closed"]


def test_a_reopening_days_later_is_told(clock: Clock, ticket: Ticket, on: On, bob: Agent) -> None:
    on("reopened")
    close(ticket, bob)
    follow()
    clock.advance(days=3)
    reopen(ticket, bob)
    assert mails() == [(ANN, "pending")]


def test_participants_and_fixed_addresses_are_written_to_one_by_one(ticket: Ticket, on: On, bob: Agent) -> None:
    dan = Customer.objects.create(name="Dan")
    CustomerAddress.objects.create(customer=dan, email="dan@other.example")
    Participant.objects.create(ticket=ticket, customer=dan)
    on("closed", recipients=["requester", "participants", "address:Boss@Example.net"])
    close(ticket, bob)
    assert mails() == [(ANN, "pending"), ("boss@example.net", "pending"), ("dan@other.example", "pending")]


def test_a_mail_goes_where_the_customer_wrote_from_last(receive: Receive, ticket: Ticket, on: On, bob: Agent) -> None:
    CustomerAddress.objects.create(customer=ticket.customer, email="ann@home.example")
    write_again(receive, ticket, sender="Ann <ann@home.example>")
    on("closed")
    close(ticket, bob)
    assert mails() == [("ann@home.example", "pending")]


def test_what_the_pipeline_answers_is_not_answered_twice(receive: Receive, on: On, bob: Agent) -> None:
    """Mail to customers that a mail of theirs causes is planned with its receipt."""
    on(trigger="new_ticket", recipients=["members"])
    receive()
    assert {address for address, _state in mails()} == {"bob@example.org"}


# ---- limits ------------------------------------------------------------


def test_once_for_a_ticket_holds_for_customers_and_for_agents(
    clock: Clock, ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    on(trigger="priority", once="ticket", recipients=["requester", "assignee"])
    for level in (2, 4, 5):
        change.set_priority(fresh(ticket), Priority.objects.get(level=level), by=dee)
        follow()
        clock.advance(days=2)
    assert mails("pending") == [(ANN, "pending"), ("bob@example.org", "pending")]
    assert {row.reason for row in AutomaticMail.objects.filter(state="skipped")} == {"refused_once"}


def test_once_a_day_begins_anew_each_day(clock: Clock, ticket: Ticket, on: On, bob: Agent, dee: Agent) -> None:
    on(trigger="priority", once="day", recipients=["requester", "assignee"])
    for level in (2, 4):
        change.set_priority(fresh(ticket), Priority.objects.get(level=level), by=dee)
        follow()
    assert len(mails("pending")) == 2
    clock.advance(days=1)
    change.set_priority(fresh(ticket), Priority.objects.get(level=5), by=dee)
    assert len(mails("pending")) == 4


def test_a_rule_s_limit_for_an_address_counts_all_tickets_also_in_one_batch(
    receive: Receive, on: On, bob: Agent, dee: Agent
) -> None:
    on("assigned", per_day=2)
    for number in range(4):
        change.assign(receive(subject=f"Ticket {number}"), bob, by=dee)
    follow()
    assert mails("pending") == [("bob@example.org", "pending")] * 2
    stopped = AutomaticMail.objects.filter(state="skipped", kind="notice").values_list("reason", "address")
    assert list(stopped) == [("refused_rule_limit", "bob@example.org")] * 2, (
        "the numbers of the message centre show them"
    )
    assert bells() == [("Bob", "assigned")] * 4, "what is not mailed still stands in Postvak"


# ---- once, and what is left alone ------------------------------------------------------------


def test_a_step_that_is_repeated_tells_nothing_twice(
    receive: Receive, ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    """A worker is killed after writing and before marking."""
    for key in ("opened", "answered", "assigned", "mentioned", "noted", "status-changed", "priority-changed", "closed"):
        on(key, delivery="mail")
    write_again(receive, ticket)
    change.note(ticket, "@Bob Baker", by=dee)
    change.assign(fresh(ticket), dee, by=bob)
    change.set_priority(fresh(ticket), Priority.objects.get(level=5), by=bob)
    close(ticket, bob)
    changes = list(Change.objects.filter(is_followed=False))
    tell_changes(changes)
    before = (AutomaticMail.objects.count(), Notification.objects.count())
    assert before[0] >= 5
    Notification.objects.update(read_at=timezone.now())
    tell_changes(changes)
    tell_changes(changes[2:])
    assert (AutomaticMail.objects.count(), Notification.objects.count()) == before


def test_a_rule_that_is_switched_on_tells_nothing_that_happened_before(
    ticket: Ticket, on: On, bob: Agent, dee: Agent
) -> None:
    change.set_priority(ticket, Priority.objects.get(level=5), by=dee)
    close(ticket, bob)
    later = timezone.now() + timedelta(seconds=1)
    on("closed", on_since=later)
    on("priority-changed", on_since=later)
    assert (bells(), mails()) == ([], [])


def test_a_clock_that_went_wrong_when_the_rule_was_switched_on_silences_it_no_longer(
    ticket: Ticket, on: On, bob: Agent
) -> None:
    on("closed", on_since=timezone.now() + timedelta(days=365))
    close(ticket, bob)
    assert mails() == [(ANN, "pending")]


def test_imported_tickets_spam_and_what_machines_write_are_left_alone(
    receive: Receive, ticket: Ticket, on: On, mailbox: Mailbox, bob: Agent, dee: Agent
) -> None:
    for key in ("opened", "answered", "closed", "status-changed"):
        on(key, delivery="mail")
    write_again(receive, ticket, auto_submitted="auto-replied")
    set_spam(ticket, True, by=bob)
    write_again(receive, ticket)
    Mailbox.objects.filter(pk=mailbox.pk).update(imports_closed=True)
    imported = receive(subject="Years ago", sender="Dan <dan@other.example>")
    assert not imported.is_open
    write_again(receive, imported, sender="Dan <dan@other.example>")
    assert (bells(), mails()) == ([], [])


def test_many_changes_cost_no_more_queries_than_a_few(receive: Receive, on: On, bob: Agent, dee: Agent) -> None:
    condition = {"field": "ticket.subject", "operator": "contains", "value": "lamp", "not": False}
    for key in ("opened", "answered", "assigned", "noted", "status-changed", "priority-changed", "closed"):
        on(key, delivery="mail", conditions=[condition], per_day=50)

    def cost(number: int) -> int:
        for row in [receive() for _ in range(number)]:
            change.assign(row, bob, by=dee)
            change.note(row, "@Bob Baker", by=dee)
            change.set_priority(fresh(row), Priority.objects.get(level=5), by=dee)
            close(row, dee)
        changes = list(Change.objects.filter(is_followed=False))
        with CaptureQueriesContext(connection) as queries:
            tell_changes(changes)
        Change.objects.update(is_followed=True)
        return len(queries)

    few = cost(1)
    assert AutomaticMail.objects.exists()
    assert cost(8) <= few <= 45
