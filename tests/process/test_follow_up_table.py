"""Mail on a ticket: 7 states × 3 policies of the queue, the limit in days, queue order, bounces, loop headers.

The reference is OTOBO's table (21 rows); where we do something else on purpose the row says so, and
docs/decisions/011 says why.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Agent, AutomaticMail, Channel, Mailbox, Queue, Status, Ticket, TicketLink
from postvak.send.deliver import send_due
from postvak.tickets.answer import Answer, answer
from postvak.tickets.merge import merge
from tests.mails import mail
from tests.process.arrivals import codes, make_filter, parameters, receive, set_option
from tests.process.test_delivery_reports import report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_confirmation")]
OPEN = [("new", "new"), ("open", "open"), ("customer", "open"), ("internal", "open"), ("clarify", "clarify")]
POLICIES = ("reopen", "reject", "new_ticket")

TABLE = [
    *((state, policy, "follow_up", after) for state, after in OPEN for policy in POLICIES),
    ("closed", "reopen", "follow_up", "open"),
    ("closed", "reject", "rejected", "closed"),
    ("closed", "new_ticket", "new_ticket_instead", "closed"),
    ("trash", "reopen", "new_ticket_instead", "trash"),  # OTOBO: follow_up
    ("trash", "reject", "new_ticket_instead", "trash"),  # OTOBO: rejected
    ("trash", "new_ticket", "new_ticket_instead", "trash"),
]


def on_ticket(mailbox: Mailbox, state: str, **queue: object) -> Ticket:
    receive(mailbox, mail())
    Queue.objects.filter(name="Support").update(**queue)
    status = Status.objects.get(key=state)
    closed_at = None if status.is_open else timezone.now() - timedelta(days=9)
    Ticket.objects.update(status=status, is_open=status.is_open, closed_at=closed_at, waiting_since=None)
    return Ticket.objects.get()


def follow_up(**headers: str) -> bytes:
    return mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And now?", **headers)


def test_the_table_has_its_21_rows() -> None:
    assert len({row[:2] for row in TABLE}) == 21


@pytest.mark.parametrize(("state", "policy", "outcome", "after"), TABLE)
def test_the_state_and_the_policy_of_the_queue_decide(
    mailbox: Mailbox, support: Queue, state: str, policy: str, outcome: str, after: str
) -> None:
    ticket = on_ticket(mailbox, state, follow_up=policy)
    (receipt,) = receive(mailbox, follow_up())
    ticket.refresh_from_db()
    assert (receipt.outcome, ticket.status.key) == (outcome, after)
    assert (receipt.ticket == ticket) == (outcome != "new_ticket_instead")
    if outcome == "new_ticket_instead":
        link = TicketLink.objects.get()
        assert (link.ticket, link.origin, link.kind) == (receipt.ticket, ticket, "instead")
        assert ticket.messages.count() == 1
    told = list(AutomaticMail.objects.values_list("kind", "recipients"))
    assert told == ([("rejection", ["ann@customer.example"])] if outcome == "rejected" else [])
    assert (ticket.waiting_since is not None) == (outcome == "follow_up")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_merged_ticket_leads_to_its_target_whatever_its_own_queue_says(
    mailbox: Mailbox, support: Queue, bob: Agent, policy: str
) -> None:
    receive(mailbox, mail(), mail(message_id="t@customer.example", subject="Target", text="Two"))
    source, target = Ticket.objects.order_by("pk")
    Queue.objects.update(follow_up=policy)
    merge(source, target, by=bob)
    (receipt,) = receive(mailbox, follow_up())
    assert (receipt.outcome, receipt.ticket) == ("follow_up", target)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "machine",
    [
        {"auto_submitted": "auto-replied"},
        {"sender": "Ann <ann@customer.example>", "x_autoreply": "yes"},
    ],
)
def test_an_automatic_reply_is_kept_on_a_closed_ticket_and_changes_nothing(
    mailbox: Mailbox, support: Queue, policy: str, machine: dict[str, str]
) -> None:
    ticket = on_ticket(mailbox, "closed", follow_up=policy)
    (receipt,) = receive(mailbox, follow_up(**machine))
    ticket.refresh_from_db()
    assert (receipt.outcome, receipt.ticket) == ("follow_up", ticket)
    assert (ticket.status.key, ticket.waiting_since, ticket.message_count) == ("closed", None, 2)
    assert not AutomaticMail.objects.exists()


@pytest.mark.parametrize(
    ("headers", "is_told"),
    [
        ({}, True),
        ({"list_id": "<lamps.example>"}, False),
        ({"authentication_results": "mx.example.org; dmarc=fail"}, False),
        ({"authentication_results": "mx.example.org; dmarc=pass"}, True),
        ({"authentication_results": "mx.evil.example; dmarc=fail"}, True),
    ],
)
def test_a_rejection_is_told_to_people_only_and_never_to_a_forged_sender(
    mailbox: Mailbox, support: Queue, headers: dict[str, str], is_told: bool
) -> None:
    Mailbox.objects.update(receiving_host="mx.example.org")
    ticket = on_ticket(mailbox, "closed", follow_up="reject")
    (receipt,) = receive(mailbox, follow_up(**headers))
    assert (receipt.outcome, ticket.messages.count()) == ("rejected", 2)
    assert [row.state for row in AutomaticMail.objects.all()] == ["pending" if is_told else "skipped"]
    assert any(code.startswith("refused_") for code in codes(receipt)) == (not is_told)


def test_a_filter_that_forbids_automatic_mail_forbids_the_rejection_too(mailbox: Mailbox, support: Queue) -> None:
    make_filter("10", ("no_automatic_mail", ""))
    on_ticket(mailbox, "closed", follow_up="reject")
    (receipt,) = receive(mailbox, follow_up())
    assert receipt.outcome == "rejected"
    assert [(row.state, row.reason) for row in AutomaticMail.objects.all()] == [("skipped", "refused_silenced")]
    assert parameters(receipt, "refused_silenced") == [{"to": "ann@customer.example"}]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("days", "is_new"), [(8, True), (9, True), (10, False), (None, False)])
def test_a_ticket_that_has_been_closed_for_too_long_never_comes_back(
    mailbox: Mailbox, support: Queue, policy: str, days: int | None, is_new: bool
) -> None:
    ticket = on_ticket(mailbox, "closed", follow_up=policy, follow_up_days=days)
    (receipt,) = receive(mailbox, follow_up())
    ticket.refresh_from_db()
    assert ("closed_too_long" in codes(receipt)) == is_new
    if is_new:
        assert receipt.outcome == "new_ticket_instead"
        assert ticket.status.key == "closed"
    else:
        assert receipt.outcome != "new_ticket_instead" or policy == "new_ticket"


def test_the_limit_counts_for_closed_tickets_only(mailbox: Mailbox, support: Queue) -> None:
    ticket = on_ticket(mailbox, "customer", follow_up_days=0)
    Ticket.objects.update(changed_at=timezone.now() - timedelta(days=99))
    (receipt,) = receive(mailbox, follow_up())
    assert (receipt.outcome, receipt.ticket) == ("follow_up", ticket)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("state", ["open", "customer", "closed", "trash"])
def test_a_bounce_always_goes_to_its_delivery(
    mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel, state: str, policy: str
) -> None:
    ticket = on_ticket(mailbox, "open", follow_up=policy, follow_up_days=0)
    message = answer(ticket, Answer(to=("ann@customer.example",), text="Try a bulb."), by=bob)
    send_due("test:1:x")
    status = Status.objects.get(key=state)
    Ticket.objects.update(status=status, is_open=status.is_open, closed_at=timezone.now() - timedelta(days=9))
    (receipt,) = receive(mailbox, report(message.message_id))
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", ticket)
    assert message.outgoing.deliveries.get().state == "bounced"
    assert Ticket.objects.count() == 1


def test_a_bounce_that_somebody_forwards_is_no_bounce(mailbox: Mailbox, support: Queue) -> None:
    body = report("somebody@elsewhere.example").decode()
    raw = (
        "From: ann@customer.example\r\nTo: support@example.org\r\nSubject: Fwd: what does this mean?\r\n"
        'Message-ID: <f@customer.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="out"\r\n\r\n'
        "--out\r\nContent-Type: text/plain\r\n\r\nPlease look.\r\n--out\r\nContent-Type: message/rfc822\r\n"
        f'Content-Disposition: attachment; filename="bounce.eml"\r\n\r\n{body}\r\n--out--\r\n'
    )
    (receipt,) = receive(mailbox, raw.encode())
    assert receipt.outcome == "new_ticket"
    assert "kind_personal" in codes(receipt)


@pytest.mark.parametrize(("taken", "outcome"), [("hold", "held"), ("new_ticket", "new_ticket")])
def test_a_bounce_of_no_mail_of_ours_is_held_or_a_ticket_for_which_nobody_waits(
    mailbox: Mailbox, support: Queue, taken: str, outcome: str
) -> None:
    from_nowhere = report("somebody@elsewhere.example")
    set_option(unmatched_report=taken)
    (receipt,) = receive(mailbox, from_nowhere)
    assert receipt.outcome == outcome
    if receipt.ticket:
        assert receipt.ticket.waiting_since is None


def test_a_bounce_brings_no_ticket_back_from_the_trash(
    mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel
) -> None:
    ticket = on_ticket(mailbox, "open")
    message = answer(ticket, Answer(to=("ann@customer.example",), text="Try a bulb."), by=bob)
    send_due("test:1:x")
    Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    receive(mailbox, report(message.message_id))
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.waiting_since, ticket.answer) == ("trash", None, "failed")


def test_a_ticket_in_the_trash_is_named_and_nothing_else_is_claimed(mailbox: Mailbox, support: Queue) -> None:
    ticket = on_ticket(mailbox, "trash")
    (receipt,) = receive(
        mailbox, mail(message_id="m2@customer.example", subject=f"Re: lamp [#{ticket.number}]", text="And now?")
    )
    assert receipt.outcome == "new_ticket_instead"
    assert "ticket_in_trash" in codes(receipt)
    assert "no_ticket_found" not in codes(receipt)
