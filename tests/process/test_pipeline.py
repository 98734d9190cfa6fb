"""What becomes of mails: from accept() to ticket, through the public entrance."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from postvak.mail.threading import make_message_id
from postvak.models import Agent, Customer, Mailbox, Message, Options, Organisation, Queue, Receipt, Status, Ticket
from postvak.process import run
from postvak.process.held import try_again
from postvak.process.plan import Facts, Plan
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.merge import merge
from tests.mails import mail
from tests.process.arrivals import codes
from tests.process.arrivals import receive as receive

pytestmark = pytest.mark.django_db


def test_a_first_mail_is_a_new_ticket_in_the_queue_of_its_address(mailbox: Mailbox, support: Queue) -> None:
    (receipt,) = receive(mailbox, mail())
    ticket = Ticket.objects.get()
    assert receipt.outcome == "new_ticket"
    assert receipt.ticket == ticket
    assert (ticket.queue, ticket.subject, ticket.status.key) == (support, "The lamp flickers", "new")
    assert ticket.customer is not None
    assert ticket.customer.name == "Ann Archer"
    assert ticket.customer.addresses.get().email == "ann@customer.example"
    assert ticket.reply_address == support.address
    assert ticket.messages.get().text.strip() == "Hello, my lamp flickers."


@pytest.mark.parametrize(
    ("headers", "queue"),
    [
        ({"to": "SUPPORT@Example.org"}, "Support"),
        ({"to": "support+lamp@example.org"}, "Support"),
        ({"to": "unknown@example.org", "cc": "sales@example.org"}, "Sales"),
        ({"to": "sales@example.org", "delivered_to": "support@example.org"}, "Support"),
        ({"to": "unknown@example.org"}, "Inbox"),
    ],
)
def test_the_queue_follows_the_address_that_was_written_to(
    mailbox: Mailbox, support: Queue, sales: Queue, headers: dict[str, str], queue: str
) -> None:
    receive(mailbox, mail(**headers))
    assert Ticket.objects.get().queue.name == queue


def test_a_fixed_queue_of_the_mailbox_wins_over_the_address(mailbox: Mailbox, support: Queue, sales: Queue) -> None:
    mailbox.queue = sales
    mailbox.save()
    receive(mailbox, mail(to="support@example.org"))
    assert Ticket.objects.get().queue == sales


def test_the_same_bytes_twice_are_one_ticket(mailbox: Mailbox, support: Queue) -> None:
    first, second = receive(mailbox, mail(), mail())
    assert (first.outcome, second.outcome) == ("new_ticket", "duplicate")
    assert second.first == first
    assert second.ticket == first.ticket
    assert Message.objects.count() == 1


def test_a_copy_by_another_route_is_a_duplicate(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    (copy,) = receive(mailbox, b"Received: by mx2.example.org; Sat, 21 Nov 2026 10:00:05 +0100\r\n" + mail())
    assert copy.outcome == "duplicate"
    assert Ticket.objects.count() == 1


def test_the_same_source_is_stored_once(mailbox: Mailbox, support: Queue) -> None:
    first = accept(mailbox, [Arrived("INBOX/1/1", mail())])
    again = accept(mailbox, [Arrived("INBOX/1/1", mail()), Arrived("INBOX/1/2", mail(message_id="m2@x.example"))])
    assert first[0].pk == again[0].pk
    assert Receipt.objects.count() == 2


def test_the_same_message_id_with_other_content_is_a_mail_of_its_own(mailbox: Mailbox, support: Queue) -> None:
    _, other = receive(mailbox, mail(), mail(text="Something else entirely"))
    assert other.outcome == "new_ticket"
    assert "same_id_other_content" in codes(other)


def test_an_answer_by_reference_is_added_even_within_one_batch(mailbox: Mailbox, support: Queue) -> None:
    _, follow_up = receive(
        mailbox, mail(), mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And now?")
    )
    assert follow_up.outcome == "follow_up"
    ticket = Ticket.objects.get()
    assert ticket.message_count == 2
    assert ticket.preview == "And now?"


def test_our_signed_mark_leads_to_the_ticket_and_a_forged_one_does_not(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    ticket = Ticket.objects.get()
    ours = make_message_id(ticket.pk, key=settings.SECRET_KEY.encode(), domain="example.org")
    forged = make_message_id(ticket.pk, key=b"guessed", domain="example.org")
    good, bad = receive(
        mailbox,
        mail(sender="new@elsewhere.example", message_id="m2@x.example", subject="Hi", references=f"<{ours}>"),
        mail(sender="evil@elsewhere.example", message_id="m3@x.example", subject="Hi", references=f"<{forged}>"),
    )
    assert (good.ticket, good.outcome) == (ticket, "follow_up")
    assert bad.outcome == "new_ticket"


def test_a_number_in_the_subject_counts_for_the_requester_only(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    number = Ticket.objects.get().number
    own, stranger = receive(
        mailbox,
        mail(message_id="m2@customer.example", subject=f"Re: lamp [#{number}]"),
        mail(message_id="m3@evil.example", sender="eve@evil.example", subject=f"Re: lamp [#{number}]"),
    )
    assert own.outcome == "follow_up"
    assert stranger.outcome == "new_ticket"
    assert "stranger_knows_number" in codes(stranger)


def test_a_colleague_of_the_same_organisation_may_use_the_number(mailbox: Mailbox, support: Queue) -> None:
    organisation = Organisation.objects.create(name="Customer plc")
    organisation.domains.create(domain="customer.example")
    receive(mailbox, mail())
    number = Ticket.objects.get().number
    (receipt,) = receive(
        mailbox, mail(sender="amy@customer.example", message_id="m2@customer.example", subject=f"lamp [#{number}]")
    )
    assert receipt.outcome == "follow_up"
    assert Ticket.objects.get().participants.get().customer.name == "amy"


@pytest.mark.parametrize(("status", "expected"), [("closed", "open"), ("customer", "open"), ("clarify", "clarify")])
def test_an_answer_of_the_customer_reopens_a_closed_or_waiting_ticket(
    mailbox: Mailbox, support: Queue, status: str, expected: str
) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key=status), is_open=status != "closed")
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    ticket = Ticket.objects.get()
    assert ticket.status.key == expected
    assert ticket.is_open


def test_an_out_of_office_reply_is_added_but_reopens_nothing(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False)
    (receipt,) = receive(
        mailbox,
        mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", auto_submitted="auto-replied"),
    )
    assert receipt.outcome == "follow_up"
    assert Ticket.objects.get().status.key == "closed"


def test_a_mail_of_a_machine_opens_a_ticket_on_which_nobody_waits(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(auto_submitted="auto-generated"))
    ticket = Ticket.objects.get()
    assert (ticket.waiting_since, ticket.is_unread, ticket.status.key) == (None, True, "new")


def test_a_ticket_in_the_trash_stays_there(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    (receipt,) = receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    assert receipt.outcome == "new_ticket_instead"
    assert Ticket.objects.count() == 2


def test_another_sender_becomes_a_participant_and_the_requester_stays(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail())
    receive(
        mailbox,
        mail(sender="amy@other.example", message_id="m2@other.example", in_reply_to="<m1@customer.example>"),
    )
    ticket = Ticket.objects.get()
    assert ticket.customer is not None
    assert ticket.customer.name == "Ann Archer"
    assert [p.customer.addresses.get().email for p in ticket.participants.all()] == ["amy@other.example"]


def test_two_first_mails_of_one_sender_make_one_customer(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(), mail(message_id="m2@customer.example", subject="Another thing", text="Else"))
    assert Customer.objects.count() == 1
    assert Ticket.objects.count() == 2


def test_mails_before_the_start_date_are_kept_and_make_no_ticket(mailbox: Mailbox, support: Queue) -> None:
    mailbox.start_at = timezone.now() + timedelta(days=1)
    mailbox.save()
    receipts = receive(mailbox, mail(), mail())
    assert [r.outcome for r in receipts] == ["before_start", "duplicate"]
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("raw", [b"", b"\x00\xff\xfe" * 50, b"no header here at all"])
def test_what_is_no_mail_is_held_and_does_not_stop_the_next(mailbox: Mailbox, support: Queue, raw: bytes) -> None:
    bad, good = receive(mailbox, raw, mail())
    assert bad.outcome == "held"
    assert good.outcome == "new_ticket"


def test_a_mail_above_the_size_limit_is_stored_and_held(mailbox: Mailbox, support: Queue) -> None:
    mailbox.size_limit = 1
    mailbox.save()
    (receipt,) = receive(mailbox, mail(text="x" * 1024 * 1024))
    assert (receipt.outcome, receipt.size > 1024 * 1024) == ("held", True)
    mailbox.size_limit = 50
    mailbox.save()
    assert try_again([receipt]) == 1
    while process_due("test:1:x"):
        pass
    receipt.refresh_from_db()
    assert receipt.outcome == "new_ticket"


def test_a_mail_that_fails_three_times_is_held_with_its_error_and_can_be_tried_again(
    mailbox: Mailbox, support: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide = run.decide

    def broken(facts: object) -> object:
        if facts.mail.subject == "poison":  # type: ignore[attr-defined]
            raise RuntimeError("out of luck")
        return decide(facts)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "decide", broken)
    monkeypatch.setattr(run, "BACK_OFF", (timedelta(0), timedelta(0)))
    poison, good = receive(mailbox, mail(subject="poison"), mail(message_id="m2@customer.example"))
    assert good.outcome == "new_ticket"
    assert (poison.outcome, poison.attempts) == ("held", 3)
    assert "out of luck" in poison.trace.entries[0][2]["error"]
    monkeypatch.setattr(run, "decide", decide)
    try_again([poison])
    while process_due("test:1:x"):
        pass
    poison.refresh_from_db()
    assert poison.outcome == "new_ticket"


def test_a_worker_that_lost_its_lease_writes_nothing(mailbox: Mailbox, support: Queue) -> None:
    accept(mailbox, [Arrived("x/1", mail())])
    claimed = run.claim("first:1:a")
    Receipt.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    taken = run.claim("second:1:b")
    run.process(claimed, "first:1:a")
    assert not Ticket.objects.exists()
    run.process(taken, "second:1:b")
    assert Ticket.objects.count() == 1


def test_a_mailbox_that_is_flooded_does_not_hold_up_the_others(mailbox: Mailbox, support: Queue) -> None:
    accept(mailbox, [Arrived(f"x/{n}", mail(message_id=f"flood{n}@x.example")) for n in range(2 * run.BATCH)])
    small = Mailbox.objects.create(name="Small", kind="pop3", host="mail.example.org")
    accept(small, [Arrived(f"y/{n}", mail(message_id=f"small{n}@x.example")) for n in range(3)])
    claimed = run.claim("first:1:a")
    assert {one.source for one in claimed if one.mailbox == small} == {"y/0", "y/1", "y/2"}
    flood = [one.source for one in claimed if one.mailbox == mailbox]
    assert flood == [f"x/{n}" for n in range(run.BATCH // 2)], "and the oldest go on in their order"
    again = run.claim("second:1:b")
    assert [one.source for one in again] == [f"x/{n}" for n in range(run.BATCH // 2, run.BATCH // 2 + run.BATCH)]


def abandoned(worker: str) -> list[str]:
    """The sources of what this worker claims and never does."""
    claimed = [receipt.source for receipt in run.claim(worker)]
    Receipt.objects.filter(claimed_by=worker).update(claimed_until=timezone.now() - timedelta(seconds=1))
    return claimed


def test_what_a_dead_worker_left_is_tried_one_by_one_and_the_mail_that_kills_it_is_held(
    mailbox: Mailbox, support: Queue
) -> None:
    accept(mailbox, [Arrived(f"x/{n}", mail(message_id=f"dead{n}@x.example", text=str(n))) for n in range(3)])
    assert len(abandoned("first:1:a")) == 3
    for turn in range(3):
        assert abandoned(f"next:{turn}:b") == ["x/0"]
        if turn < 2:
            assert process_due("good:1:c") == 1, "it waits, and the others don't wait for it"
            Receipt.objects.filter(source="x/0", claimed_by="").update(claimed_until=timezone.now())
    while process_due("last:1:c"):
        pass
    first, *others = Receipt.objects.order_by("id")
    assert (first.outcome, first.attempts) == ("held", 3)
    assert "Abandoned" in first.trace.entries[0][2]["error"]
    assert [(one.outcome, one.error) for one in others] == [("new_ticket", "")] * 2
    try_again([first])
    process_due("last:1:c")
    first.refresh_from_db()
    assert first.outcome == "new_ticket"


def test_a_mail_in_whose_batch_workers_die_again_and_again_is_not_held_for_it(mailbox: Mailbox, support: Queue) -> None:
    for turn in range(5):
        accept(mailbox, [Arrived(f"x/{turn}", mail(message_id=f"near{turn}@x.example", text=str(turn)))])
        Receipt.objects.exclude(state="done").update(state="received", next_attempt_at=timezone.now())
        assert len(abandoned(f"w:{turn}:a")) == turn + 1
    while process_due("last:1:c"):
        pass
    assert set(Receipt.objects.values_list("outcome", "attempts")) == {("new_ticket", 1)}


def test_numbers_are_consecutive_valid_and_unique(mailbox: Mailbox, support: Queue) -> None:
    Options.objects.update(tickets_per_hour=120)
    receive(mailbox, *(mail(message_id=f"n{i}@x.example", text=str(i)) for i in range(120)))
    numbers = sorted(Ticket.objects.values_list("number", flat=True))
    assert len(set(numbers)) == 120
    assert [number[8:13] for number in numbers] == [f"{i:05d}" for i in range(1, 121)]


def test_received_is_the_sum_of_outcomes(mailbox: Mailbox, support: Queue) -> None:
    receive(mailbox, mail(), mail(), b"", mail(message_id="m9@x.example", in_reply_to="<m1@customer.example>"))
    outcomes = list(Receipt.objects.values_list("outcome", flat=True))
    assert sorted(outcomes) == ["duplicate", "follow_up", "held", "new_ticket"]
    assert not Receipt.objects.exclude(state="done").exists()


def test_an_answer_on_a_ticket_that_is_merged_at_the_same_moment_goes_where_that_one_went(
    mailbox: Mailbox, support: Queue, bob: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(mailbox, mail(), mail(message_id="t@customer.example", subject="Target", text="Two"))
    source, target = Ticket.objects.order_by("pk")
    decide = run.decide

    def decide_and_merge(facts: Facts) -> Plan:
        plan = decide(facts)
        if Ticket.objects.get(pk=source.pk).merged_into_id is None:
            merge(source, target, by=bob)
        return plan

    monkeypatch.setattr(run, "decide", decide_and_merge)
    (receipt,) = receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>"))
    assert (receipt.outcome, receipt.ticket, receipt.error) == ("follow_up", target, "")
