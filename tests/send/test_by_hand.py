"""What people do with mails in the outbox: take back, send later, try again, stop, correct; against a real server."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from postvak.mail.compose import File
from postvak.models import (
    Agent,
    Channel,
    Delivery,
    DeliveryEvent,
    Mailbox,
    Message,
    OutgoingMail,
    Status,
    Suppression,
    Ticket,
)
from postvak.send import outbox
from postvak.send.by_hand import CannotCorrect, correct_recipient, retry_channel, retry_now
from postvak.send.deliver import send_all, send_due
from postvak.send.letter import newest_mail
from postvak.tickets.answer import Answer, CannotAnswer, answer
from postvak.tickets.change import set_status
from postvak.tickets.second_look import WroteMeanwhile, newest_customer_mail
from postvak.tickets.take_back import TooLate, cancel, take_back
from tests.clock import Clock
from tests.mails import mail
from tests.send.answering import (
    AMY,
    ANN,
    BOSS,
    OTHER,
    WORKER,
    Write,
    kinds,
    make_channel,
    mark,
    parsed,
    receive,
    send_everything,
    states,
)  # fmt: skip
from tests.servers import free_port
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
TEN = timedelta(seconds=10)
WATCHED = ("status_id", "is_open", "waiting_since", "pending_until", "closed_at", "answer", "preview", "is_unread")


def columns(ticket: Ticket) -> dict[str, object]:
    return Ticket.objects.values(*WATCHED).get(pk=ticket.pk)


def closed(ticket: Ticket) -> str:
    return Ticket.objects.get(pk=ticket.pk).status.key


# -- undo ----------------------------------------------------------------------------


def test_an_answer_waits_for_the_undo_time_and_then_goes_out(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    outgoing = write(undo=TEN)
    assert outgoing.next_attempt_at == clock.now + TEN
    clock.advance(seconds=9.9)
    assert send_due(WORKER) == 0
    clock.advance(seconds=0.1)
    send_everything()
    assert len(smtp_server.mails) == 1
    assert states(outgoing) == {ANN: "accepted"}


def test_a_mail_that_is_taken_back_never_leaves_and_the_ticket_is_as_before(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    before = columns(ticket)
    assert before["waiting_since"] is not None
    outgoing = write(ANN, AMY, undo=TEN, status_key="closed")
    assert columns(ticket) != before
    message = take_back(outgoing, by=bob)
    assert columns(ticket) == before
    assert (message.taken_back_at, message.text) == (clock.now, "Please press the switch.")
    assert states(outgoing) == {ANN: "cancelled", AMY: "cancelled"}
    clock.advance(days=1)
    send_everything()
    assert smtp_server.mails == []
    (line,) = ticket.history.filter(code="taken_back")
    assert (line.agent, line.parameters) == (bob, {"to": f"{ANN}, {AMY}"})
    events = DeliveryEvent.objects.filter(kind="cancelled")
    assert {event.agent for event in events} == {bob}


def test_it_is_too_late_as_soon_as_a_worker_has_the_mail(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    outgoing = write(undo=TEN)
    clock.advance(seconds=10)
    in_hand = outbox.claim(WORKER)
    before = columns(ticket)
    with pytest.raises(TooLate):
        take_back(outgoing, by=bob)
    assert not cancel(outgoing, by=bob)
    assert columns(ticket) == before
    send_all(in_hand, WORKER)
    with pytest.raises(TooLate):
        take_back(outgoing, by=bob)
    assert not cancel(outgoing, by=bob)
    assert states(outgoing) == {ANN: "accepted"}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time anyway")
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_worker_and_undo_at_the_same_moment_agree_on_what_happened(
    smtp: Channel, smtp_server: SmtpServer, bob: Agent, write: Write
) -> None:
    """Whoever comes first: the mail is out and can't be taken back, or it is taken back and never leaves."""
    for round_ in range(8):
        outgoing = write(text=f"Round {round_}")
        taken: list[bool] = []
        start = threading.Barrier(2)

        def undo(
            outgoing: OutgoingMail = outgoing, taken: list[bool] = taken, start: threading.Barrier = start
        ) -> None:
            try:
                start.wait()
                take_back(outgoing, by=bob)
                taken.append(True)
            except TooLate:
                taken.append(False)
            finally:
                connection.close()

        thread = threading.Thread(target=undo)
        thread.start()
        start.wait()
        send_everything()
        thread.join()
        send_everything()
        arrived = any(f"Round {round_}".encode() in sent.raw for sent in smtp_server.mails)
        assert arrived is not taken[0]
        assert states(outgoing) == {ANN: "accepted" if arrived else "cancelled"}


def test_what_a_colleague_or_a_customer_did_meanwhile_stays(
    smtp: Channel, mailbox: Mailbox, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    outgoing = write(undo=TEN)
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And?"))
    set_status(Ticket.objects.get(pk=ticket.pk), Status.objects.get(key="clarify"), by=bob)
    take_back(outgoing, by=bob)
    now = Ticket.objects.get(pk=ticket.pk)
    assert (now.status.key, now.preview) == ("clarify", "And?")
    assert now.waiting_since == ticket.waiting_since, "since the first of the two mails"


def test_an_answer_that_was_sent_since_keeps_the_ticket_answered(
    smtp: Channel, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    later = write(send_at=clock.now + timedelta(days=1), text="Tomorrow")
    write(text="Today")
    send_everything()
    take_back(later, by=bob)
    now = Ticket.objects.get(pk=ticket.pk)
    assert (now.waiting_since, now.status.key, now.preview, now.answer) == (None, "customer", "Today", "")


def test_the_mark_of_an_earlier_failure_comes_back_with_the_answer_that_was_taken_back(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(data="554 5.7.1 spam")
    write()
    send_everything()
    second = write(undo=TEN)
    assert mark(ticket) == "waiting"
    take_back(second, by=bob)
    assert mark(ticket) == "failed"


def test_the_next_answer_continues_the_customers_mail_not_the_one_that_was_taken_back(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    take_back(write(undo=TEN), by=bob)
    assert newest_mail(ticket) == ticket.messages.get(kind=Message.Kind.INCOMING)
    write(text="Second try")
    send_everything()
    (sent,) = smtp_server.mails
    assert parsed(sent.raw)["In-Reply-To"] == "<m1@customer.example>"
    assert b"press the switch" not in sent.raw


# -- send later ----------------------------------------------------------------------------


def test_a_mail_for_later_waits_carries_the_date_of_its_sending_and_is_marked(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, write: Write, clock: Clock
) -> None:
    at = (clock.now + timedelta(days=5)).replace(microsecond=0)
    outgoing = write(send_at=at)
    assert (mark(ticket), outgoing.is_later) == ("later", True)
    assert ticket.history.filter(code="answered_later").count() == 1
    send_everything()
    assert smtp_server.mails == []
    clock.now = at
    send_everything()
    assert parsed(smtp_server.mails[0].raw)["Date"].datetime == at
    assert mark(ticket) == ""


def test_a_mail_for_later_is_retried_for_three_days_from_its_time_on(
    smtp: Channel, smtp_server: SmtpServer, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(data="451 4.3.0 try later")
    outgoing = write(send_at=clock.now + timedelta(days=5))
    clock.advance(days=5)
    send_everything()
    assert states(outgoing) == {ANN: "deferred"}


@pytest.mark.parametrize("when", [timedelta(seconds=-1), timedelta(days=400)])
def test_a_time_in_the_past_or_far_away_is_refused(
    channel: Channel, write: Write, clock: Clock, when: timedelta
) -> None:
    with pytest.raises(CannotAnswer) as caught:
        write(send_at=clock.now + when)
    assert caught.value.field == "send_at"


def test_what_waits_for_later_can_be_sent_now(smtp: Channel, smtp_server: SmtpServer, bob: Agent, write: Write) -> None:
    outgoing = write(send_at=Clock().now + timedelta(days=5))
    assert retry_now(outgoing, by=bob)
    send_everything()
    assert len(smtp_server.mails) == 1


# -- somebody wrote meanwhile ----------------------------------------------------------------------------


def test_a_customer_who_wrote_meanwhile_stops_the_answer_once(
    channel: Channel, mailbox: Mailbox, ticket: Ticket, bob: Agent
) -> None:
    known = newest_customer_mail(ticket)
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="It works now!"))
    with pytest.raises(WroteMeanwhile) as caught:
        answer(ticket, Answer(to=(ANN,), text="Hello", known=known), by=bob)
    assert [message.text.strip() for message in caught.value.messages] == ["It works now!"]
    assert not OutgoingMail.objects.exists()
    answer(ticket, Answer(to=(ANN,), text="Hello", known=newest_customer_mail(ticket)), by=bob)
    assert OutgoingMail.objects.count() == 1


def test_an_out_of_office_reply_stops_nothing(channel: Channel, mailbox: Mailbox, ticket: Ticket, bob: Agent) -> None:
    known = newest_customer_mail(ticket)
    raw = mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="Away")
    receive(mailbox, b"Auto-Submitted: auto-replied\r\n" + raw)
    assert ticket.messages.count() == 2
    answer(ticket, Answer(to=(ANN,), text="Hello", known=known), by=bob)
    assert OutgoingMail.objects.count() == 1


# -- stop ----------------------------------------------------------------------------


def test_stopping_a_deferred_mail_that_nobody_got_takes_it_back(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    before = columns(ticket)
    smtp_server.behaviour = Behaviour(data="451 4.3.0 try later")
    outgoing = write()
    send_everything()
    assert cancel(outgoing, by=bob)
    assert columns(ticket) == before
    smtp_server.behaviour = Behaviour()
    clock.advance(days=1)
    send_everything()
    assert smtp_server.mails == []


def test_stopping_a_mail_that_some_got_stops_only_the_others(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "451 4.7.1 greylisted"})
    outgoing = write(ANN, AMY)
    send_everything()
    with pytest.raises(TooLate):
        take_back(outgoing, by=bob)
    assert cancel(outgoing, by=bob)
    assert states(outgoing) == {ANN: "accepted", AMY: "cancelled"}
    assert (mark(ticket), closed(ticket)) == ("", "customer")
    assert Message.objects.get(outgoing=outgoing).taken_back_at is None
    assert ticket.history.get(code="sending_cancelled").parameters == {"to": AMY}
    clock.advance(days=1)
    assert send_due(WORKER) == 0


# -- retry ----------------------------------------------------------------------------


def test_a_failure_opens_the_ticket_unread_for_its_assignee_and_another_try_names_the_agent(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(data="554 5.7.1 spam")
    outgoing = write(status_key="closed")
    send_everything()
    now = Ticket.objects.get(pk=ticket.pk)
    assert (now.status.key, now.is_unread, now.closed_at, now.answer) == ("open", True, None, "failed")
    OutgoingMail.objects.update(created_at=clock.now - timedelta(days=30))
    smtp_server.behaviour = Behaviour(data="451 4.3.0 later")
    assert retry_now(outgoing, by=bob)
    send_everything()
    assert states(outgoing) == {ANN: "deferred"}, "three days start anew"
    assert DeliveryEvent.objects.get(kind="retry").agent == bob
    assert ticket.history.get(code="sending_retried").agent == bob


def test_all_deferred_mails_of_a_channel_go_at_once_and_no_failed_or_foreign_one(
    smtp: Channel, smtp_server: SmtpServer, bob: Agent, write: Write, clock: Clock
) -> None:
    smtp_server.behaviour = Behaviour(recipients={BOSS: "550 5.1.1 no"})
    failed = write(BOSS)
    send_everything()
    Channel.objects.update(port=free_port())
    waiting = [write(), write()]
    send_everything()
    other = make_channel(smtp_server, name="Other")
    foreign = write()
    OutgoingMail.objects.filter(pk=foreign.pk).update(channel=other, next_attempt_at=clock.now + timedelta(hours=1))
    Channel.objects.filter(pk=smtp.pk).update(port=smtp_server.port)
    smtp_server.behaviour = Behaviour()
    assert retry_channel(OutgoingMail.objects.none(), smtp, by=bob) == 0
    assert retry_channel(OutgoingMail.objects.all(), smtp, by=bob) == 2
    send_everything()
    assert [states(one) for one in waiting] == [{ANN: "accepted"}] * 2
    assert states(failed) == {BOSS: "failed"}
    assert states(foreign) == {ANN: "queued"}
    assert set(DeliveryEvent.objects.filter(kind="retry").values_list("agent", flat=True)) == {bob.pk}


# -- correct a recipient ----------------------------------------------------------------------------


def test_a_corrected_recipient_gets_the_same_bytes_and_the_old_story_stays(
    smtp: Channel, smtp_server: SmtpServer, ticket: Ticket, bob: Agent, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(recipients={"ann@customer.exmaple": "550 5.1.2 no such host"})
    outgoing = write("ann@customer.exmaple", AMY, files=(File("a.txt", "text/plain", b"A"),))
    send_everything()
    new = correct_recipient(outgoing.deliveries.get(recipient="ann@customer.exmaple"), f" {ANN} ", by=bob)
    assert mark(ticket) == "waiting"
    send_everything()
    assert states(outgoing) == {"ann@customer.exmaple": "cancelled", AMY: "accepted", ANN: "accepted"}
    first, second = smtp_server.mails
    assert (first.recipients, second.recipients, second.raw) == ((AMY,), (ANN,), first.raw)
    story = DeliveryEvent.objects.filter(delivery__recipient="ann@customer.exmaple").values_list(
        "kind", "said", "agent"
    )
    refused = "RCPT TO:<ann@customer.exmaple>: 550 5.1.2 no such host"
    assert list(story)[-2:] == [("failed", refused, None), ("replaced", ANN, bob.pk)]
    assert [event.agent for event in new.events.filter(kind="queued")] == [bob]
    line = ticket.history.get(code="recipient_corrected")
    assert (line.agent, line.parameters) == (bob, {"old": "ann@customer.exmaple", "new": ANN})
    assert mark(ticket) == ""


@pytest.mark.parametrize("typed", ["", "no address", AMY.upper(), "support@example.org", "gone@customer.example"])
def test_a_correction_that_can_not_be_sent_to_changes_nothing(
    smtp: Channel, smtp_server: SmtpServer, bob: Agent, write: Write, clock: Clock, typed: str
) -> None:
    Suppression.objects.create(address="gone@customer.example", reason="bounced", since=clock.now)
    smtp_server.behaviour = Behaviour(recipients={ANN: "550 5.1.1 no"})
    outgoing = write(ANN, AMY)
    send_everything()
    with pytest.raises(CannotCorrect):
        correct_recipient(outgoing.deliveries.get(recipient=ANN), typed, by=bob)
    assert states(outgoing) == {ANN: "failed", AMY: "accepted"}
    assert kinds(outgoing).count("queued") == 2


def test_a_mail_in_the_hands_of_a_worker_or_that_arrived_is_not_corrected(
    smtp: Channel, smtp_server: SmtpServer, bob: Agent, write: Write
) -> None:
    outgoing = write()
    in_hand = outbox.claim(WORKER)
    delivery = Delivery.objects.get()
    for _ in range(2):
        with pytest.raises(CannotCorrect):
            correct_recipient(delivery, AMY, by=bob)
        send_all(in_hand, WORKER)
    assert states(outgoing) == {ANN: "accepted"}
    assert send_due(OTHER) == 0
