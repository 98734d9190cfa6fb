"""Copies of sent mail in an IMAP folder of a real Dovecot: once, whatever breaks, and never at the mail's expense."""

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.models import Channel, Mailbox, OutgoingMail, Receipt, SentCopy, Ticket
from postvak.net.imap_append import Shelf
from postvak.process.run import process_due
from postvak.receive.fetch import fetch_mailbox
from postvak.send import copies
from postvak.send.copies import copies_of, copy_again, copy_due
from tests.send.answering import AMY, ANN, OTHER, WORKER, Write, parsed, send_everything, states
from tests.servers.dovecot import Dovecot
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = pytest.mark.django_db
USERS = (f"copies{number}" for number in itertools.count())
PASSWORD = "secret"  # noqa: S105


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    name = next(USERS)
    dovecot.add_user(name, PASSWORD)
    return name


@pytest.fixture
def service(dovecot: Dovecot, user: str) -> Mailbox:
    """The mailbox for copies."""
    box = Mailbox(name="Service", host="localhost", port=dovecot.imaps, ca_pem=dovecot.ca_pem, username=user)
    box.password = PASSWORD
    box.save()
    return box


@pytest.fixture
def copying(smtp: Channel, service: Mailbox) -> Channel:
    """The default channel, with copies into the folder "Sent/Postvak"."""
    smtp.copies_to, smtp.copies_folder = service, "Sent/Postvak"
    smtp.save()
    return smtp


def copy_everything(worker: str = WORKER) -> None:
    while copy_due(worker):
        pass


def due_now() -> None:
    SentCopy.objects.update(next_attempt_at=timezone.now())


def test_an_accepted_mail_gets_one_copy_as_read_and_with_its_date(
    write: Write, copying: Channel, dovecot: Dovecot, user: str
) -> None:
    outgoing = write(ANN, AMY)
    send_everything()
    assert SentCopy.objects.count() == 1
    copy_everything()
    assert not SentCopy.objects.exists()
    (stored,) = dovecot.messages(user, "Sent/Postvak")
    assert parsed(stored)["Message-ID"].strip("<>") == outgoing.message.message_id
    assert dovecot.flags(user, "Sent/Postvak") == [{"\\Seen"}]
    assert dovecot.messages(user) == []


def test_without_a_folder_it_is_the_servers_own_one(
    write: Write, copying: Channel, dovecot: Dovecot, user: str
) -> None:
    Channel.objects.update(copies_folder="")
    write()
    send_everything()
    copy_everything()
    assert len(dovecot.messages(user, "Sent")) == 1


def test_no_copy_without_a_mailbox_and_none_of_what_was_not_accepted(
    write: Write, copying: Channel, smtp_server: SmtpServer
) -> None:
    smtp_server.behaviour = Behaviour(sender="451 4.3.0 later")
    write()
    send_everything()
    assert not SentCopy.objects.exists()
    Channel.objects.update(copies_to=None)
    smtp_server.reset()
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    send_everything()
    assert not SentCopy.objects.exists()


def test_a_second_recipient_who_is_accepted_later_makes_no_second_copy(
    write: Write, copying: Channel, smtp_server: SmtpServer, dovecot: Dovecot, user: str
) -> None:
    smtp_server.behaviour = Behaviour(recipients={AMY: "451 4.3.0 later"})
    outgoing = write(ANN, AMY)
    send_everything()
    copy_everything()
    smtp_server.reset()
    OutgoingMail.objects.update(next_attempt_at=timezone.now())
    send_everything()
    assert set(states(outgoing).values()) == {"accepted"}
    assert SentCopy.objects.count() == 1
    copy_everything()
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1


def test_a_crash_after_the_copy_and_before_its_record_doubles_nothing(
    write: Write, copying: Channel, dovecot: Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write()
    send_everything()
    with monkeypatch.context() as crash:
        crash.setattr(copies, "mine", lambda copy, worker: pytest.fail("killed"))
        crash.setattr(copies, "is_mine", lambda copy, worker: True)
        with pytest.raises(pytest.fail.Exception):
            copy_due(WORKER)
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1
    assert copy_due(OTHER) == 0  # still claimed
    SentCopy.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    copy_everything(OTHER)
    assert not SentCopy.objects.exists()
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1


def test_a_server_that_is_away_delays_the_copy_and_never_sends_again(
    write: Write, copying: Channel, service: Mailbox, smtp_server: SmtpServer, dovecot: Dovecot, user: str
) -> None:
    Mailbox.objects.filter(pk=service.pk).update(port=1)
    outgoing = write()
    send_everything()
    copy_everything()
    copy = SentCopy.objects.get()
    assert copy.attempts == 1
    assert copy.said
    assert timedelta(0) < copy.next_attempt_at - timezone.now() <= timedelta(minutes=1)
    assert states(outgoing) == {ANN: "accepted"}
    Mailbox.objects.filter(pk=service.pk).update(port=dovecot.imaps)
    due_now()
    send_everything()
    copy_everything()
    assert len(smtp_server.mails) == 1
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1


def test_after_three_days_it_is_given_up_until_somebody_asks(
    write: Write, copying: Channel, service: Mailbox, dovecot: Dovecot, user: str
) -> None:
    Mailbox.objects.filter(pk=service.pk).update(port=1)
    write()
    send_everything()
    waited = timedelta(0)
    for _ in range(200):
        due_now()
        assert copy_due(WORKER) == 1
        at = SentCopy.objects.get().next_attempt_at
        if at is None:
            break
        waited += at - timezone.now()
    assert timedelta(days=3) - timedelta(hours=1, minutes=1) < waited <= timedelta(days=3)
    assert copy_due(WORKER) == 0
    assert copies_of(copying).count() == 1
    Mailbox.objects.filter(pk=service.pk).update(port=dovecot.imaps)
    assert copy_again(copying) == 1
    copy_everything()
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1


def test_one_mail_that_the_server_refuses_holds_up_no_other(
    write: Write, copying: Channel, dovecot: Dovecot, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = write(text="The first")
    write(text="The second")
    send_everything()
    SentCopy.objects.filter(outgoing=refused).update(folder="no//name")
    copy_everything()
    assert SentCopy.objects.get().outgoing == refused
    assert len(dovecot.messages(user, "Sent/Postvak")) == 1


def test_our_copies_in_a_folder_that_we_fetch_are_no_tickets(
    write: Write, copying: Channel, service: Mailbox, dovecot: Dovecot, user: str
) -> None:
    Mailbox.objects.filter(pk=service.pk).update(folders="INBOX, Sent/Postvak")
    write()
    send_everything()
    copy_everything()
    fetch_mailbox(Mailbox.objects.get(pk=service.pk), worker=WORKER)
    while process_due(WORKER):
        pass
    receipt = Receipt.objects.get(mailbox=service)
    assert receipt.outcome == "duplicate"
    assert Ticket.objects.count() == 1


def test_another_mail_with_a_similar_id_does_not_pass_for_the_copy(
    dovecot: Dovecot, user: str, service: Mailbox
) -> None:
    shelf = Shelf(dovecot.imap_endpoint(user, PASSWORD))
    at = timezone.now()
    for name in ("a@x.example", "b@x.example", "a@x.example"):
        raw = f"Message-ID: <{name}>\r\n\r\nText\r\n".encode()
        assert shelf.put(raw, "Gesendet – Büro", header="message-id", message_id=name, at=at) == "Gesendet – Büro"
    shelf.close()
    assert len(dovecot.messages(user, "Gesendet – Büro")) == 2
