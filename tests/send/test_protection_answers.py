"""Answers to mails that came encrypted: encrypted, too; in clear only when an agent wants that, and then they quote nothing."""

from dataclasses import replace

import pytest

from postvak.crypto.key_files import read_keys
from postvak.keys.store import add
from postvak.models import Agent, Channel, Mailbox, Queue, Ticket
from postvak.send.sender import CannotAnswer
from postvak.tickets.answer import Answer, answer
from postvak.tickets.protecting import InClear
from tests.keys.people import House, with_header
from tests.send.answering import AMY, ANN, receive, send_everything
from tests.send.test_protection import SECRET, secrets_here
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(house_of_keys: House) -> House:
    """Ann's certificate is here, and Support's with its key."""
    add(read_keys(house_of_keys.ann.certificate.read_bytes()), source="uploaded", state="in_use")
    house_of_keys.own_key()
    return house_of_keys


@pytest.fixture
def asked(keys: House, mailbox: Mailbox, support: Queue, bob: Agent, no_automatic_mail: None, smtp: Channel) -> Ticket:
    """Ann's encrypted mail, with the secret word in it."""
    text = f"Content-Type: text/plain\r\n\r\nI know {SECRET}.\r\n".encode()
    found = receive(mailbox, with_header(keys.encrypted(text), message_id="<secret@customer.example>")).ticket
    assert found is not None
    return Ticket.objects.get(pk=found.pk)


def test_an_answer_to_an_encrypted_mail_is_encrypted_and_quotes_it(
    asked: Ticket, keys: House, bob: Agent, smtp_server: SmtpServer
) -> None:
    answer(asked, Answer(to=(ANN,), text="Yes."), by=bob)
    send_everything()
    (arrived,) = smtp_server.mails
    inner = keys.openssl(arrived.raw, "-decrypt", "-recip", keys.ann.certificate, "-inkey", keys.ann.key)
    assert f"> I know {SECRET}.".encode() in inner
    assert SECRET.encode() not in arrived.raw
    assert secrets_here() == []


def test_an_answer_in_clear_is_asked_about_and_quotes_nothing(
    asked: Ticket, bob: Agent, smtp_server: SmtpServer
) -> None:
    what = Answer(to=(ANN,), text="Yes.", encrypt=False, known=asked.messages.get().pk)
    with pytest.raises(InClear):
        answer(asked, what, by=bob)
    answer(asked, replace(what, despite=frozenset(InClear.despite)), by=bob)
    send_everything()
    (arrived,) = smtp_server.mails
    assert b"Yes." in arrived.raw
    assert SECRET.encode() not in arrived.raw


def test_an_answer_to_somebody_without_a_key_is_refused(asked: Ticket, bob: Agent) -> None:
    with pytest.raises(CannotAnswer, match=AMY):
        answer(asked, Answer(to=(ANN, AMY), text="Yes."), by=bob)


def test_an_encrypted_mail_is_not_forwarded_in_clear(asked: Ticket, bob: Agent, smtp_server: SmtpServer) -> None:
    forward = Answer(to=(AMY,), text="Look.", kind="forward", about=asked.messages.get(), encrypt=False)
    with pytest.raises(CannotAnswer, match="encrypt"):
        answer(asked, forward, by=bob)
    answer(asked, replace(forward, original="eml"), by=bob)
    send_everything()
    (arrived,) = smtp_server.mails
    assert b"message/rfc822" in arrived.raw
    assert SECRET.encode() not in arrived.raw
