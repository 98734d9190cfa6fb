"""Odd mails, odd names and odd moments: nothing fails for ever, and by mail the same holds as by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from postvak.log.sentences import history_line
from postvak.models import (
    Agent,
    Customer,
    CustomField,
    ExternalNumber,
    Mailbox,
    Participant,
    Queue,
    Receipt,
    Status,
    Tag,
    Ticket,
    TicketCounter,
)
from postvak.process import run
from postvak.process.attributes import MOST_TAGS
from postvak.process.held import release, try_again
from postvak.receive.accept import Arrived, accept
from tests.mails import mail
from tests.process.arrivals import codes, condition, make_filter, receive, set_option

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def desk(mailbox: Mailbox, support: Queue) -> None:
    """Mails to support@example.org make tickets."""


def follow_up(**headers: str) -> bytes:
    return mail(**{"message_id": "m2@customer.example", "in_reply_to": "<m1@customer.example>", **headers})


def ticket_in(status: str, **columns: Any) -> Ticket:
    """The only ticket, put into this status."""
    found = Status.objects.get(key=status)
    Ticket.objects.update(status=found, is_open=found.is_open, **columns)
    return Ticket.objects.get()


def tags_of(receipt: Receipt) -> list[str]:
    assert receipt.ticket is not None, receipt.error
    return sorted(tag.name for tag in receipt.ticket.tags.all())


def lines_of(ticket: Ticket) -> list[str]:
    return [history_line(row.code, row.parameters) for row in ticket.history.all()]


# ---- errors that never end --------------------------------------------------------


def rounds(receipt: Receipt) -> int:
    """How often the worker found something to do, at most 20 times."""
    count = 0
    while count < 20 and run.process_due("test:1:x"):
        count += 1
    receipt.refresh_from_db()
    return count


def test_what_the_database_refuses_for_ever_is_held_after_three_times(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise IntegrityError("no such number")

    monkeypatch.setattr(run, "apply", refuse)
    (receipt,) = accept(mailbox, [Arrived("x/1", mail())])
    assert rounds(receipt) == 3  # without a pause: each might have been a race
    assert (receipt.outcome, receipt.attempts, codes(receipt)) == ("held", 3, ["failed_three_times"])
    monkeypatch.undo()
    assert try_again([receipt]) == 1
    rounds(receipt)
    assert receipt.outcome == "new_ticket"


def test_a_lost_race_is_tried_again_at_once(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    apply, losses = run.apply, iter(range(3))  # the wave, the mail alone, and once more

    def lose(*args: Any, **kwargs: Any) -> None:
        if next(losses, None) is not None:
            raise IntegrityError("somebody was faster")
        apply(*args, **kwargs)

    monkeypatch.setattr(run, "apply", lose)
    (receipt,) = accept(mailbox, [Arrived("x/1", mail())])
    rounds(receipt)
    assert (receipt.outcome, receipt.error) == ("new_ticket", "")


@pytest.mark.parametrize("kind", ["date", "counter"])
def test_a_counter_that_was_set_back_stops_no_mail(mailbox: Mailbox, kind: str) -> None:
    set_option(numbers=kind)
    (first,) = receive(mailbox, mail())
    TicketCounter.objects.update(last=0)
    (second,) = receive(mailbox, mail(message_id="m2@customer.example"))
    assert (second.outcome, second.attempts) == ("new_ticket", 1)
    assert first.ticket != second.ticket


# ---- tags -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "asked"),
    [("ÄRGER", "Ärger"), ("ÄRGER", "ärger"), ("ΟΔΟΣ", "οδοσ"), ("Lamp", "lAMP"), ("straße", "STRAẞE")],
)
def test_letter_case_of_a_tag_makes_no_difference_in_any_alphabet(mailbox: Mailbox, there: str, asked: str) -> None:
    Tag.objects.create(name=there)
    make_filter("1", ("add_tags", asked))
    (receipt,) = receive(mailbox, mail())
    assert tags_of(receipt) == [there]


@pytest.mark.parametrize("asked", ["i̇x", "İX", "ıx", "İx, i̇x, IX, ix", "Straße, STRASSE, strasse", "ǅ, Ǆ, ǆ", "K, K"])
def test_no_letter_makes_a_mail_fail(mailbox: Mailbox, asked: str) -> None:
    """What small letters are differs between the databases and Python."""
    Tag.objects.create(name="İx")
    make_filter("1", ("add_tags", asked))
    (receipt,) = receive(mailbox, mail())
    assert (receipt.outcome, receipt.error) == ("new_ticket", "")
    assert tags_of(receipt)


def test_a_tag_is_taken_off_in_whatever_letter_case(mailbox: Mailbox) -> None:
    Tag.objects.create(name="ÄRGER")
    make_filter("1", ("add_tags", "ÄRGER, b", "new"), ("remove_tags", "ärger", "follow_up"))
    receive(mailbox, mail())
    (receipt,) = receive(mailbox, follow_up())
    assert tags_of(receipt) == ["b"]


def test_at_most_twenty_tags_are_taken_from_a_mail_and_the_trace_says_so(mailbox: Mailbox) -> None:
    make_filter("1", ("add_tags", "[***]"), when=[condition("body", "matches", "(?s)(.+)")])
    words = [f"word{number}" for number in range(50_000)]
    (receipt,) = receive(mailbox, mail(text=",".join(words)))
    assert tags_of(receipt) == sorted(words[:MOST_TAGS])
    assert "too_many_tags" in codes(receipt)
    (receipt,) = receive(mailbox, mail(text=",".join(words[:MOST_TAGS]), message_id="m2@customer.example"))
    assert len(tags_of(receipt)) == MOST_TAGS
    assert "too_many_tags" not in codes(receipt)


# ---- authors ----------------------------------------------------------------------


def test_an_author_whose_address_is_too_long_becomes_no_customer(mailbox: Mailbox) -> None:
    long = "x" * 400 + "@customer.example"
    first, second = receive(mailbox, mail(sender=long), mail(sender=f"y{long}", message_id="m2@customer.example"))
    assert [first.outcome, second.outcome] == ["new_ticket", "new_ticket"], first.error
    assert first.ticket is not None
    assert first.ticket.customer is None
    assert not Customer.objects.exists()


def test_whose_mail_is_rejected_takes_no_part_in_the_ticket(mailbox: Mailbox, support: Queue) -> None:
    Queue.objects.filter(pk=support.pk).update(follow_up="reject")
    receive(mailbox, mail())
    ticket_in("closed")
    (rejected,) = receive(mailbox, follow_up(sender="stranger@other.example"))
    assert rejected.outcome == "rejected"
    assert not Participant.objects.exists()


# ---- reminders --------------------------------------------------------------------


def test_a_ticket_that_is_reopened_by_mail_has_no_reminder_any_more(mailbox: Mailbox) -> None:
    receive(mailbox, mail())
    ticket_in("internal", pending_until=timezone.now() + timedelta(days=30))
    receive(mailbox, follow_up())
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.pending_until) == ("open", None)


@pytest.mark.parametrize(("status", "stays"), [("open", False), ("closed", False), ("customer", True)])
def test_a_status_set_by_a_filter_ends_the_reminder_unless_it_waits(mailbox: Mailbox, status: str, stays: bool) -> None:
    receive(mailbox, mail())
    until = timezone.now() + timedelta(days=30)
    ticket_in("internal", pending_until=until)
    make_filter("1", ("status", status, "follow_up"))
    receive(mailbox, follow_up())
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.pending_until) == (status, until if stays else None)


def test_who_asks_for_a_reminder_asks_for_waiting(mailbox: Mailbox) -> None:
    make_filter("1", ("pending", "+2d", "both"))
    (receipt,) = receive(mailbox, mail())
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.pending_until) == ("internal", receipt.received_at + timedelta(days=2))
    assert "waits_until" in codes(receipt)
    ticket_in("customer", pending_until=None)
    (receipt,) = receive(mailbox, follow_up())
    ticket.refresh_from_db()
    assert (ticket.status.key, ticket.pending_until) == ("internal", receipt.received_at + timedelta(days=2))


@pytest.mark.parametrize(("kind", "status"), [("", "closed"), ("auto-replied", "customer")])
def test_a_status_that_is_asked_for_or_kept_comes_before_a_reminder(mailbox: Mailbox, kind: str, status: str) -> None:
    """A machine's mail leaves a waiting ticket in its status, and sets the reminder there."""
    receive(mailbox, mail())
    ticket_in("customer")
    actions = [("pending", "+2d", "follow_up")] + ([] if kind else [("status", "closed", "follow_up")])
    make_filter("1", *actions)  # type: ignore[arg-type]
    receive(mailbox, follow_up(**({"auto_submitted": kind} if kind else {})))
    ticket = Ticket.objects.get()
    assert (ticket.status.key, ticket.pending_until is None) == (status, not kind)


def test_without_the_shipped_waiting_status_another_one_is_taken(mailbox: Mailbox) -> None:
    Status.objects.filter(key="internal").update(is_valid=False)
    make_filter("1", ("pending", "+2d"))
    (receipt,) = receive(mailbox, mail())
    assert receipt.ticket is not None
    assert (receipt.ticket.status.type, receipt.ticket.status.is_valid) == ("pending", True)


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59Z", "0001-01-01", "2200-01-01T00:00:00Z", "+999999d", "-999999d", "+9999999h"]
)
def test_a_reminder_that_nobody_lives_to_see_is_left_out(mailbox: Mailbox, value: str) -> None:
    Mailbox.objects.update(is_trusted=True)
    (receipt,) = receive(mailbox, mail(x_otrs_state_pendingtime=value))
    assert receipt.ticket is not None
    assert (receipt.ticket.pending_until, receipt.ticket.status.key) == (None, "new")
    assert "unknown_value" in codes(receipt)


# ---- who may have a ticket ----------------------------------------------------------


def test_nobody_is_assigned_a_ticket_that_he_may_not_read(mailbox: Mailbox, cas: Agent, admin: Agent) -> None:
    make_filter("1", ("assignee", cas.email), when=[condition("subject", "contains", "lamp")])
    make_filter("2", ("assignee", admin.email), when=[condition("subject", "contains", "door")])
    lamp, door = receive(mailbox, mail(), mail(subject="The door", message_id="m2@customer.example"))
    assert lamp.ticket is not None
    assert door.ticket is not None
    assert (lamp.ticket.assignee, door.ticket.assignee) == (None, admin)
    assert lines_of(lamp.ticket)[1:] == ["Not assigned to Cas de Vries, who may not read queue “Support”"]
    assert len(lines_of(door.ticket)) == 1


def test_an_assignee_loses_a_ticket_that_moves_where_he_may_not_read(
    mailbox: Mailbox, sales: Queue, bob: Agent, cas: Agent
) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(assignee=bob)
    make_filter("1", ("queue", "Sales", "follow_up"))
    receive(mailbox, follow_up())
    ticket = Ticket.objects.get()
    assert (ticket.queue, ticket.assignee) == (sales, None)
    assert "Not assigned to Bob Baker, who may not read queue “Sales”" in lines_of(ticket)
    make_filter("2", ("assignee", cas.email, "follow_up"))
    receive(mailbox, follow_up(message_id="m3@customer.example"))
    ticket.refresh_from_db()
    assert ticket.assignee == cas


def test_a_mail_that_neither_moves_nor_assigns_takes_nobodys_ticket_away(mailbox: Mailbox, cas: Agent) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(assignee=cas)
    receive(mailbox, follow_up())
    assert Ticket.objects.get().assignee == cas


# ---- several mails at once ----------------------------------------------------------


def test_two_mails_with_one_number_of_another_system_that_come_together_are_one_ticket(mailbox: Mailbox) -> None:
    field = CustomField.objects.create(key="Supplier", label="Supplier")
    ExternalNumber.objects.create(name="Supplier", sender=r"@supplier\.example$", number=r"case (\d+)", field=field)
    first, second, other = receive(
        mailbox,
        mail(sender="a@supplier.example", subject="Case 77"),
        mail(sender="b@supplier.example", subject="Re: Case 77", message_id="m2@supplier.example"),
        mail(sender="b@supplier.example", subject="Case 78", message_id="m3@supplier.example"),
    )
    assert first.ticket == second.ticket
    assert other.ticket != first.ticket


# ---- values of custom fields --------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("number", "１２", None),
        ("number", "12,5", "12.5"),
        ("text", "x" * 2001, None),
        ("text", "x" * 2000, "x" * 2000),
        ("date", "2026-12-24 garbage", None),
        ("date", "2026-12-24", "2026-12-24"),
        ("date", "2026-12-24 18:00:00", "2026-12-24"),
        ("checkbox", "Yes", "1"),
        ("checkbox", "maybe", None),
        ("choice", "GREEN", "Green"),
        ("choice", "blue", None),
    ],
)
def test_a_mail_fills_a_field_only_with_what_people_could_write(
    mailbox: Mailbox, kind: str, value: str, kept: str | None
) -> None:
    CustomField.objects.create(key="Field", label="Field", kind=kind, options="Red\nGreen")
    make_filter("1", ("field:Field", "{subject}"))
    (receipt,) = receive(mailbox, mail(subject=value))
    assert receipt.ticket is not None
    assert receipt.ticket.fields == ({} if kept is None else {"Field": [kept]})
    assert ("unknown_value" in codes(receipt)) == (kept is None)


# ---- mails that were set aside ------------------------------------------------------


def test_an_ignored_mail_whose_bytes_are_gone_stays_where_it_is(mailbox: Mailbox) -> None:
    make_filter("1", ("ignore", ""))
    (first,) = receive(mailbox, mail())
    (copy,) = receive(mailbox, mail())
    Receipt.objects.filter(pk=first.pk).update(blob=None)
    assert release([first], queue=None) == 0
    first.refresh_from_db()
    assert (first.state, first.outcome) == ("done", "ignored")
    assert Receipt.objects.filter(pk=copy.pk).exists()


def test_a_held_mail_that_never_could_be_read_is_asked_for_anew(mailbox: Mailbox) -> None:
    (held,) = receive(mailbox, mail())
    Receipt.objects.filter(pk=held.pk).update(blob=None, outcome="held")
    assert try_again([held]) == 1
    assert not Receipt.objects.filter(pk=held.pk).exists()
