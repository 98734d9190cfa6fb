"""Whoever got a mail of ours knows its Message-ID and its return path: what he makes up must do no harm (spec 02, step 1)."""

import pytest

from postvak.models import Agent, Channel, Delivery, DeliveryEvent, Mailbox, Message, Queue, Suppression, Ticket
from postvak.send.deliver import send_due
from postvak.send.suppress import suppress_returned
from postvak.tickets.answer import Answer, answer
from tests.clock import Clock
from tests.mails import mail
from tests.process.test_delivery_reports import bounce, by_return_path, receive, report, return_path_of, sent

__all__ = ["by_return_path", "sent"]  # fixtures
pytestmark = pytest.mark.django_db
State = Delivery.State


def put(state: str, **more: object) -> None:
    Delivery.objects.update(state=state, **more)
    Ticket.objects.update(answer="")


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED, State.CANCELLED, State.FAILED])
@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("failed", "5.1.1", "550 no such user"),
        ("delivered", "2.0.0", "250 ok"),
        ("failed", "5.7.1", "550 5.7.1 policy"),
    ],
)
def test_a_report_about_somebody_who_cannot_have_the_mail_yet_changes_nothing(
    mailbox: Mailbox, sent: Message, state: str, action: str, status: str, said: str
) -> None:
    """Another recipient of the mail makes it up; the mail must still go out, and its failure must stay to be seen."""
    put(state)
    receipt = receive(mailbox, report(sent.message_id, action=action, status=status, said=said))
    assert (receipt.outcome, receipt.ticket) == ("delivery_report", sent.ticket)
    assert Delivery.objects.get().state == state
    assert not DeliveryEvent.objects.filter(kind__in=["bounced", "delivered", "blocked"]).exists()
    assert Ticket.objects.get().answer == ""
    assert "report_not_out" in [entry[1] for entry in receipt.trace.entries]


def test_a_mail_that_was_in_doubt_is_believed_to_be_out(mailbox: Mailbox, sent: Message) -> None:
    put(State.DEFERRED, resent=True)
    receive(mailbox, report(sent.message_id, action="delivered", status="2.0.0", said="250 ok"))
    assert Delivery.objects.get().state == "delivered"


@pytest.mark.parametrize("state", [State.BOUNCED, State.BLOCKED, State.COMPLAINED])
def test_a_report_of_success_does_not_hide_that_the_mail_came_back(mailbox: Mailbox, sent: Message, state: str) -> None:
    put(state)
    receive(mailbox, report(sent.message_id, action="delivered", status="2.0.0", said="250 ok"))
    assert Delivery.objects.get().state == state


def test_a_hard_bounce_without_a_code_counts_although_the_first_server_said_250(
    mailbox: Mailbox, sent: Message, clock: Clock
) -> None:
    """The reply to DATA is no reply to the recipient; nor has a soft bounce before the last word."""
    Delivery.objects.update(code=250, is_judged=True)
    receive(mailbox, report(sent.message_id, status="", said="User unknown"))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.code, delivery.is_judged) == ("bounced", None, False)
    suppress_returned(clock.now)
    assert Suppression.objects.get().address == "ann@customer.example"


# -- the return path with an only recipient ------------------------------------------------------------

DELAYED = "The delivery of your mail is delayed. The server will keep trying, you need not send it again."
SUCCESS = "Your message was successfully handed to the mailbox of the recipient."
AWAY = "I am out of the office until Monday."


@pytest.mark.parametrize("text", [SUCCESS, DELAYED])
def test_news_that_are_no_failure_are_no_bounce(
    mailbox: Mailbox, by_return_path: Channel, sent: Message, text: str
) -> None:
    raw = bounce(return_path_of(sent), text=text).replace(b"Undelivered Mail Returned to Sender", b"About your mail")
    receipt = receive(mailbox, raw)
    assert receipt.ticket == sent.ticket
    assert Delivery.objects.get().state == "accepted"
    assert Ticket.objects.get().answer == ""


@pytest.mark.parametrize(
    "more",
    [
        ("From: ann@customer.example", "Subject: Out of office", "Auto-Submitted: auto-replied"),
        ("From: ann@customer.example", "Subject: Re: Undelivered Mail Returned to Sender", "X-Odd: 1"),
        ("From: win@spam.example", "Subject: Undelivered parcel, click here", "Precedence: bulk"),
    ],
)
def test_vacation_mails_answers_and_spam_at_the_return_path_are_no_bounce(
    mailbox: Mailbox, by_return_path: Channel, sent: Message, more: tuple[str, ...]
) -> None:
    lines = [*more, f"To: {return_path_of(sent)}", "Message-ID: <v@x.example>", "", AWAY, ""]
    receive(mailbox, "\r\n".join(lines).encode())
    assert Delivery.objects.get().state == "accepted"
    assert not Suppression.objects.exists()


def test_of_reports_about_several_the_one_about_the_only_recipient_counts(
    mailbox: Mailbox, by_return_path: Channel, sent: Message
) -> None:
    """A list of Ann's server expanded the address: that another member failed says nothing about her."""
    raw = bounce(return_path_of(sent), recipient="ann.archer@elsewhere.example").replace(
        b"Status: 5.1.1\r\n",
        b"Status: 5.1.1\r\n\r\nFinal-Recipient: rfc822; ann@customer.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n",
    )
    receive(mailbox, raw)
    assert Delivery.objects.get().state == "delivered"


def test_a_forged_report_stops_no_mail_that_still_waits_for_its_server(
    mailbox: Mailbox, support: Queue, bob: Agent, by_return_path: Channel
) -> None:
    """Ann has the mail, Amy's server asked for patience."""
    receive(mailbox, mail())
    to = ("ann@customer.example", "amy@customer.example")
    message = answer(Ticket.objects.get(), Answer(to=to, text="Try."), by=bob)
    send_due("test:1:x")
    Delivery.objects.filter(recipient=to[1]).update(state="deferred")
    receive(mailbox, bounce(return_path_of(message), recipient=to[1]))
    assert dict(Delivery.objects.values_list("recipient", "state")) == {to[0]: "accepted", to[1]: "deferred"}
