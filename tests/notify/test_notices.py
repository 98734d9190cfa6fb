"""A mail to an agent: through a real server, on the pages of outbox and ledger, and what comes back of it."""

import itertools
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from postvak.cli.outbox import as_json, as_text
from postvak.mail.parse import parse
from postvak.mail.threading import make_message_id
from postvak.models import (
    Agent,
    AutomaticMail,
    Channel,
    Delivery,
    LedgerEntry,
    Mailbox,
    Message,
    Notification,
    Options,
    OutgoingMail,
    Queue,
    Receipt,
    Rule,
    Suppression,
    Ticket,
)
from postvak.notify.automatic import write_due
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.by_hand import CannotCorrect, correct_recipient, retry_now
from postvak.send.deliver import send_due
from postvak.send.suppress import suppress_returned
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.take_back import TooLate, cancel, take_back
from postvak.tickets.trash import move_to_trash, purge
from tests.mails import mail
from tests.notify.conftest import WORKER
from tests.process.test_delivery_reports import report
from tests.send.answering import make_channel
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db
counter = itertools.count()


@pytest.fixture
def server(smtp_server: SmtpServer) -> Channel:
    return make_channel(smtp_server, is_default=True)


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    """Ann's; the rules are quiet, so that a test's own notice is the only mail."""
    Rule.objects.exclude(key="answered").update(is_on=False)
    found = receive(mailbox, mail()).ticket
    assert found is not None
    return found


def receive(mailbox: Mailbox, raw: bytes) -> Receipt:
    (receipt,) = accept(mailbox, [Arrived(f"notices/{next(counter)}", raw)])
    while process_due("test:1:x"):
        pass
    return Receipt.objects.get(pk=receipt.pk)


def notify(ticket: Ticket, reader: Agent, key: str = "answered") -> AutomaticMail:
    now = timezone.now()
    return AutomaticMail.objects.create(
        ticket=ticket, trigger=ticket.messages.order_by("pk").first(), kind="notice", rule=Rule.objects.get(key=key),
        occasion=f"test:{next(counter)}", address=reader.email, reader=reader, recipients=[reader.email],
        created_at=now, next_attempt_at=now,
    )  # fmt: skip


def sent_notice(ticket: Ticket, reader: Agent) -> OutgoingMail:
    row = notify(ticket, reader)
    while write_due(WORKER):
        pass
    row.refresh_from_db()
    assert row.state == "written", (row.reason, row.error)
    send_due(WORKER)
    assert row.outgoing is not None
    return row.outgoing


def test_it_goes_out_by_the_outbox_and_is_no_message(
    ticket: Ticket, bob: Agent, server: Channel, smtp_server: SmtpServer
) -> None:
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    outgoing = sent_notice(ticket, bob)
    (taken,) = smtp_server.mails
    assert (taken.envelope_from, taken.recipients) == ("", (bob.email,))
    read = parse(taken.raw)
    assert read.subject == f"Ann Archer wrote: The lamp flickers [#{ticket.number}]"
    assert "Hello, my lamp flickers." in read.text
    assert (outgoing.message, outgoing.ticket, outgoing.author_email) == (None, ticket, "support@example.org")
    assert Delivery.objects.get().state == "accepted"
    assert Message.objects.count() == 1
    assert Ticket.objects.filter(pk=ticket.pk).values().get() == before
    assert not ticket.history.filter(code__contains="written").exists()


def test_one_that_fails_leaves_the_ticket_alone(
    ticket: Ticket, bob: Agent, server: Channel, smtp_server: SmtpServer, client: Client
) -> None:
    smtp_server.behaviour = Behaviour(recipients={bob.email: "550 5.1.1 no such user"})
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    lines = ticket.history.count()
    outgoing = sent_notice(ticket, bob)
    delivery = outgoing.deliveries.get()
    assert delivery.state == "failed"
    while suppress_returned(timezone.now()):
        pass
    follow_changes(WORKER)
    assert (Ticket.objects.filter(pk=ticket.pk).values().get(), ticket.history.count()) == (before, lines)
    assert not Notification.objects.filter(kind="undelivered").exists()
    client.force_login(bob)
    page = client.get(reverse("outbox")).content.decode()
    assert "wrote: The lamp flickers" in page
    assert "Mail to an agent" in page
    with pytest.raises(CannotCorrect):
        correct_recipient(delivery, "eve@elsewhere.example", by=bob)
    with pytest.raises(TooLate):
        take_back(outgoing, by=bob)
    Suppression.objects.all().delete()
    assert retry_now(outgoing, by=bob)
    assert cancel(outgoing, by=bob)
    assert outgoing.deliveries.get().state == "cancelled"
    assert ticket.history.count() == lines


def test_outbox_ledger_and_command_show_it_to_those_who_may_read_the_ticket(
    ticket: Ticket, bob: Agent, cas: Agent, admin: Agent, server: Channel, client: Client
) -> None:
    outgoing = sent_notice(ticket, bob)
    line = LedgerEntry.objects.get(delivery__outgoing=outgoing)
    assert (line.ticket, line.message, line.recipients) == (ticket, None, bob.email)
    for agent, sees in ((bob, True), (admin, True), (cas, False)):
        client.force_login(agent)
        assert (outgoing.subject in client.get(reverse("outbox")).content.decode()) is sees
        assert (outgoing.subject in client.get(reverse("ledger")).content.decode()) is sees
        response = client.get(reverse("ledger-line", args=[line.pk]))
        assert response.status_code == (200 if sees else 404)
        if sees:
            assert outgoing.message_id_header in response.content.decode()
    assert outgoing.subject in as_text(outgoing)
    assert (as_json(outgoing)["ticket"], as_json(outgoing)["subject"]) == (ticket.number, outgoing.subject)


def test_one_of_several_tickets_is_for_administrators(
    ticket: Ticket, bob: Agent, admin: Agent, server: Channel, client: Client
) -> None:
    outgoing = sent_notice(ticket, bob)
    OutgoingMail.objects.filter(pk=outgoing.pk).update(ticket=None)
    LedgerEntry.objects.filter(delivery__outgoing=outgoing).update(ticket=None)
    line = LedgerEntry.objects.get(delivery__outgoing=outgoing)
    for agent, sees in ((bob, False), (admin, True)):
        client.force_login(agent)
        assert (outgoing.subject in client.get(reverse("outbox")).content.decode()) is sees
        assert client.get(reverse("ledger-line", args=[line.pk])).status_code == (200 if sees else 404)
    client.force_login(admin)
    answered = client.post(reverse("stop-sending", args=[outgoing.pk]))
    assert answered.url == reverse("outbox")


def test_an_agents_answer_to_it_lands_on_its_ticket(
    ticket: Ticket, bob: Agent, server: Channel, mailbox: Mailbox
) -> None:
    outgoing = sent_notice(ticket, bob)
    back = mail(
        sender="Bob Baker <bob@example.org>", subject="Re: something else", message_id="b1@example.org",
        text="I will call her.", in_reply_to=f"<{outgoing.message_id_header}>",
    )  # fmt: skip
    receipt = receive(mailbox, back)
    assert (receipt.outcome, receipt.ticket) == ("follow_up", ticket)


def test_one_that_is_forwarded_back_to_us_is_known(
    ticket: Ticket, bob: Agent, server: Channel, smtp_server: SmtpServer, mailbox: Mailbox
) -> None:
    sent_notice(ticket, bob)
    receipt = receive(mailbox, smtp_server.mails[0].raw)
    assert (receipt.outcome, receipt.message) == ("duplicate", None)
    assert Message.objects.count() == 1


@pytest.mark.parametrize("kind", ["ticket", "digest"])
def test_a_bounce_of_it_is_matched_and_harms_nothing(
    ticket: Ticket, bob: Agent, server: Channel, mailbox: Mailbox, kind: str
) -> None:
    outgoing = sent_notice(ticket, bob)
    if kind == "digest":
        OutgoingMail.objects.filter(pk=outgoing.pk).update(ticket=None, message_id_header=digest_id())
        outgoing.refresh_from_db()
    before = Ticket.objects.filter(pk=ticket.pk).values().get()
    receipt = receive(mailbox, report_of(outgoing, bob))
    assert receipt.outcome == "delivery_report"
    assert receipt.message is None
    assert receipt.ticket == (ticket if kind == "ticket" else None)
    assert outgoing.deliveries.get().state == "bounced"
    while suppress_returned(timezone.now()):
        pass
    follow_changes(WORKER)
    assert Ticket.objects.filter(pk=ticket.pk).values().get() == before
    assert Message.objects.count() == 1
    assert not Notification.objects.exists()
    assert not AutomaticMail.objects.exclude(pk__in=outgoing.notices.all()).exists()


def digest_id() -> str:
    return make_message_id(0, key=settings.SECRET_KEY.encode(), domain="example.org")


def report_of(outgoing: OutgoingMail, reader: Agent) -> bytes:
    return report(outgoing.message_id_header).replace(
        b"rfc822; ann@customer.example", f"rfc822; {reader.email}".encode()
    )


def test_a_bounce_with_an_id_that_we_never_sent_is_held(
    ticket: Ticket, bob: Agent, server: Channel, mailbox: Mailbox
) -> None:
    sent_notice(ticket, bob)
    receipt = receive(mailbox, report("made.up@example.org"))
    assert receipt.outcome == "held"
    assert Delivery.objects.get().state == "accepted"


def test_it_goes_with_its_ticket_when_the_trash_is_emptied(
    ticket: Ticket, bob: Agent, server: Channel, admin: Agent
) -> None:
    outgoing = sent_notice(ticket, bob)
    Options.objects.update(trash_days=1)
    move_to_trash(Ticket.objects.get(pk=ticket.pk), by=admin)
    then = timezone.now() + timedelta(days=2)
    OutgoingMail.objects.filter(pk=outgoing.pk).update(next_attempt_at=then)
    assert purge(then) == 0  # still to go out
    OutgoingMail.objects.filter(pk=outgoing.pk).update(next_attempt_at=None)
    assert purge(then) == 1
    assert not OutgoingMail.objects.exists()
    assert not Ticket.objects.exists()
    line = LedgerEntry.objects.get(direction="out")
    assert (line.delivery, line.ticket, line.state) == (None, None, "accepted")


def test_nobody_writes_to_an_agent_who_is_gone(ticket: Ticket, bob: Agent, server: Channel) -> None:
    row = notify(ticket, bob)
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    while write_due(WORKER):
        pass
    row.refresh_from_db()
    assert (row.state, row.reason) == ("skipped", "nothing_to_say")
    assert not OutgoingMail.objects.exists()
