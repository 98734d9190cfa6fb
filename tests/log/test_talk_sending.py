"""What the communication log tells of sending: accepted, deferred, refused, in doubt, and a server that isn't there."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError
from django.db.models.query import QuerySet

from postvak.models import Agent, Channel, Communication, Mailbox, OutgoingMail, Queue, Ticket
from postvak.send.deliver import send_due
from postvak.tickets.answer import Answer, answer
from tests.log.talks import codes, connection_of, debug_codes, last, mails_of, text
from tests.mails import mail
from tests.send.answering import AMY, ANN, WORKER, make_channel, receive, send_everything, states
from tests.servers import free_port
from tests.servers.smtpd import Behaviour, SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
Write = Callable[..., OutgoingMail]


@pytest.fixture
def smtp(smtp_server: SmtpServer) -> Channel:
    return make_channel(smtp_server, is_default=True)


@pytest.fixture
def write(mailbox: Mailbox, support: Queue, bob: Agent) -> Write:
    ticket = receive(mailbox, mail()).ticket
    assert ticket is not None

    def writes(*to: str) -> OutgoingMail:
        return answer(Ticket.objects.get(pk=ticket.pk), Answer(to=to or (ANN,), text="Press it."), by=bob).outgoing

    return writes


def test_an_accepted_mail_is_told_with_the_servers_reply_and_linked(smtp: Channel, write: Write) -> None:
    outgoing = write(ANN, AMY)
    send_everything()
    talk = last()
    assert (talk.direction, talk.transport, talk.channel, talk.account) == ("out", "smtp", smtp, "Relay")
    assert (talk.state, talk.mails, talk.worker) == ("successful", 1, WORKER)
    assert debug_codes(connection_of(talk)) == ["batch", "connected", "encrypted"]
    (told,) = mails_of(talk)
    assert (told.outgoing, told.state, told.name) == (outgoing, "successful", f"{ANN}, {AMY}")
    assert codes(told) == ["delivery_accepted"] * 2
    assert f"{ANN}: accepted It said: 250 " in text(told)
    assert outgoing.talks.get() == told


def test_the_dialogue_is_kept_for_a_day_without_the_password(smtp_server: SmtpServer, write: Write) -> None:
    smtp_server.users = {"postvak": "geheim-wort"}
    make_channel(smtp_server, is_default=True, username="postvak", password="geheim-wort")
    write()
    send_everything()
    (told,) = mails_of(last())
    assert debug_codes(told) == ["dialogue"]
    assert f"C: RCPT TO:<{ANN}>" in text(told)
    assert "geheim-wort" not in text(told) + text(connection_of(last()))
    assert "Logged in as postvak" in text(connection_of(last()))


def test_a_mail_that_the_server_takes_later_is_a_warning(smtp: Channel, smtp_server: SmtpServer, write: Write) -> None:
    smtp_server.behaviour = Behaviour(recipients={ANN: "451 4.7.1 greylisted, come back"})
    write(ANN, AMY)
    send_due(WORKER)
    assert last().state == "warning"
    assert connection_of(last()).state == "successful"
    (told,) = mails_of(last())
    assert (told.state, sorted(codes(told))) == ("warning", ["delivery_accepted", "delivery_deferred"])
    assert "451 4.7.1 greylisted, come back" in text(told)


def test_a_refused_mail_has_failed_and_its_communication_has_a_warning(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(recipients={ANN: "550 5.1.1 no such user"})
    write()
    send_due(WORKER)
    assert last().state == "warning"
    (told,) = mails_of(last())
    assert (told.state, codes(told)) == ("failed", ["delivery_failed"])


def test_a_connection_that_breaks_before_the_answer_leaves_the_mail_in_doubt(
    smtp: Channel, smtp_server: SmtpServer, write: Write
) -> None:
    smtp_server.behaviour = Behaviour(drop="before_reply")
    write()
    send_due(WORKER)
    (told,) = mails_of(last())
    assert (last().state, codes(told)) == ("warning", ["delivery_in_doubt"])


def test_a_server_that_is_not_there_has_failed_and_its_mails_wait(smtp: Channel, write: Write) -> None:
    Channel.objects.filter(pk=smtp.pk).update(port=free_port())
    outgoing = write()
    send_due(WORKER)
    assert states(outgoing) == {ANN: "deferred"}
    talk = last()
    assert (talk.state, codes(connection_of(talk))) == ("failed", ["problem"])
    assert "Nothing answers at localhost" in text(connection_of(talk))
    (told,) = mails_of(talk)
    assert (told.outgoing, told.state, codes(told)) == (outgoing, "warning", ["delivery_deferred"])


def test_a_refused_login_has_failed_with_the_dialogue(smtp_server: SmtpServer, write: Write) -> None:
    smtp_server.users = {"postvak": "geheim"}
    make_channel(smtp_server, is_default=True, username="postvak", password="falsch-und-geheim")
    write()
    send_due(WORKER)
    connection = connection_of(last())
    assert (last().state, codes(connection)) == ("failed", ["problem"])
    assert "dialogue" in debug_codes(connection)
    assert "falsch-und-geheim" not in text(connection)


def test_nothing_to_send_is_no_communication(smtp: Channel) -> None:
    assert send_due(WORKER) == 0
    assert not Communication.objects.exists()


def test_a_log_that_can_not_be_written_stops_no_mail(
    smtp: Channel, smtp_server: SmtpServer, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = QuerySet.bulk_create

    def broken(rows: QuerySet[Communication], *args: object, **more: object) -> object:
        if rows.model is Communication:
            raise DatabaseError("disk I/O error")
        return real(rows, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(QuerySet, "bulk_create", broken)
    outgoing = write()
    send_everything()
    assert states(outgoing) == {ANN: "accepted"}
    assert len(smtp_server.mails) == 1
    assert not Communication.objects.exists()
