"""Answers to mails that came encrypted: encrypted, too; in clear only when an agent wants that, and then they quote nothing."""

from dataclasses import replace

import pytest

from postvak.crypto.key_files import read_keys
from postvak.keys.authors import may_be_anothers
from postvak.keys.store import add
from postvak.models import Agent, Channel, CryptoKey, Mailbox, Message, Queue, Ticket
from postvak.send.sender import CannotAnswer
from postvak.tickets.answer import Answer, answer
from postvak.tickets.protecting import QUOTE_UNPROVEN, InClear
from tests.keys.people import House, with_header
from tests.send.answering import AMY, ANN, receive, send_everything
from tests.send.test_protection import SECRET, secrets_here
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
TEXT = f"Content-Type: text/plain\r\n\r\nI know {SECRET}.\r\n".encode()
EVE = "eve@elsewhere.example"
VERIFIED = {"level": "verified", "why": []}


@pytest.fixture
def keys(house_of_keys: House) -> House:
    """Ann's certificate is here, Eve's, and Support's with its key."""
    for who in (house_of_keys.ann, house_of_keys.eve):
        add(read_keys(who.certificate.read_bytes()), source="uploaded", state="in_use")
    house_of_keys.own_key()
    house_of_keys.trusted()
    return house_of_keys


@pytest.fixture
def asked(keys: House, mailbox: Mailbox, support: Queue, bob: Agent, no_automatic_mail: None, smtp: Channel) -> Ticket:
    """Ann's encrypted mail, with the secret word in it, signed inside."""
    return ticket_of(mailbox, keys.encrypted(keys.signed(TEXT)))


def ticket_of(mailbox: Mailbox, entity: bytes, **header: str) -> Ticket:
    found = receive(mailbox, with_header(entity, message_id="<secret@customer.example>", **header)).ticket
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


@pytest.mark.usefixtures("support", "no_automatic_mail", "smtp")
@pytest.mark.parametrize("is_signed", [False, True])
def test_somebody_elses_mail_sent_again_isnt_quoted_to_who_sent_it(
    keys: House, mailbox: Mailbox, bob: Agent, smtp_server: SmtpServer, is_signed: bool
) -> None:
    """Eve caught a mail of Ann's and sends it under her own name, so that the answer brings it to her decrypted."""
    caught = keys.encrypted(keys.signed(TEXT) if is_signed else TEXT)
    ticket = ticket_of(mailbox, caught, From=f"Eve <{EVE}>")
    usual = Answer(to=(EVE,), text="Yes.", about=ticket.messages.get())
    answer(ticket, usual, by=bob)
    answer(ticket, replace(usual, text="Certainly.", despite=frozenset({QUOTE_UNPROVEN})), by=bob)
    send_everything()
    inner = [
        keys.openssl(one.raw, "-decrypt", "-recip", keys.eve.certificate, "-inkey", keys.eve.key)
        for one in smtp_server.mails
    ]
    assert [SECRET.encode() in one for one in inner] == [False, True]


@pytest.mark.usefixtures("support", "no_automatic_mail", "smtp")
def test_who_wrote_it_is_sure_by_a_signature_inside_or_by_the_domain_unless_another_signed_it(
    keys: House, mailbox: Mailbox
) -> None:
    sealed, signed = keys.encrypted(TEXT), keys.encrypted(keys.signed(TEXT))
    outside = keys.signed(keys.encrypted(TEXT), by=keys.eve)
    for entity, sender, trust, is_doubtful in (
        (signed, "ann@customer.example", None, False),
        (sealed, "ann@customer.example", None, True),
        (sealed, "ann@customer.example", VERIFIED, False),
        (signed, EVE, VERIFIED, True),  # her domain vouches for her mail, not for Ann's words
        (outside, EVE, None, True),
        (keys.signed(TEXT), EVE, None, False),  # nothing was encrypted
    ):
        ticket_of(mailbox, entity, From=f"<{sender}>", Message_ID=f"<{len(entity)}-{sender}-{trust is None}@x.example>")
        message = Message.objects.latest("pk")
        message.trust = trust
        assert may_be_anothers(message) is is_doubtful, (entity[:80], sender, trust)


@pytest.mark.usefixtures("support", "no_automatic_mail", "smtp")
@pytest.mark.parametrize(("reply_to", "is_quoted"), [(EVE, False), (f"{ANN}, {EVE}", False), (ANN.upper(), True)])
def test_a_signed_mail_sent_again_isnt_quoted_to_an_address_that_the_signature_doesnt_cover(
    keys: House, mailbox: Mailbox, bob: Agent, smtp_server: SmtpServer, reply_to: str, is_quoted: bool
) -> None:
    ticket = ticket_of(mailbox, keys.encrypted(keys.signed(TEXT)), From=f"Ann <{ANN}>", Reply_To=reply_to)
    message = ticket.messages.get()
    answer(ticket, Answer(to=(EVE,), text="Yes.", about=message), by=bob)
    send_everything()
    (arrived,) = smtp_server.mails
    inner = keys.openssl(arrived.raw, "-decrypt", "-recip", keys.eve.certificate, "-inkey", keys.eve.key)
    assert (SECRET.encode() in inner) is is_quoted, "what goes to Eve because Bob typed her address is his decision"
    message.trust = VERIFIED  # her domain signed the header
    assert not may_be_anothers(message)


def test_a_mail_is_authenticated_once_its_recipient_said_that_he_reads_that(
    asked: Ticket, keys: House, bob: Agent, smtp_server: SmtpServer
) -> None:
    what = Answer(to=(ANN,), text="Certainly.", about=asked.messages.get())
    for ciphers in (["AES-256-CBC"], ["AES-256-CBC", "AES-256-GCM"]):
        CryptoKey.objects.filter(names__value=ANN).update(ciphers=ciphers)
        answer(asked, what, by=bob)
        send_everything()
    assert [b"authEnveloped-data" in one.raw for one in smtp_server.mails] == [False, True]
    inner = keys.openssl(smtp_server.mails[1].raw, "-decrypt", "-recip", keys.ann.certificate, "-inkey", keys.ann.key)
    assert b"Certainly." in inner
