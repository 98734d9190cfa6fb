"""Threading headers of every kind of mail that we send, in one table; Bcc in none; no field writes a header. Spec 04."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postvak.blobs import store
from postvak.mail.parse import parse
from postvak.mail.threading import read_token
from postvak.mail.values import Mail
from postvak.models import Agent, Channel, Mailbox, Message, Queue, Ticket
from postvak.notify.automatic import write_due
from postvak.send.sender import CannotAnswer
from postvak.tickets.answer import Answer, answer
from postvak.tickets.first_mail import first_mail
from postvak.tickets.posting import Sending
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.repeat import repeat
from tests.mails import mail
from tests.notify.desk import Desk as Opened
from tests.send.answering import ANN, receive

pytestmark = pytest.mark.django_db
CAS, HIDDEN = "cas@partner.example", "hidden@customer.example"
AGENTS_MAIL = mail(sender="Bob Baker <bob@example.org>", message_id="b1@example.org", text="Press the switch.")


@dataclass
class Desk:
    """Ann wrote m1 (which answered m0) and then m2."""

    ticket: Ticket
    first: Message
    bob: Agent

    def answer(self, **what: object) -> Message:
        given = {"to": (ANN,), "bcc": (HIDDEN,), "text": "Hi", "about": self.first, **what}
        return answer(self.ticket, Answer(**given), by=self.bob)  # type: ignore[arg-type]

    def automatic(self, kind: str, raw: bytes | None = None, **given: object) -> Message:
        opened = Opened(self.ticket)
        row = opened.plan(kind, CAS if kind == "forward" else ANN, raw=raw, **given)
        while write_due("test:1:x"):
            pass
        row.refresh_from_db()
        assert row.message is not None
        return row.message


@pytest.fixture
def desk(mailbox: Mailbox, support: Queue, channel: Channel, bob: Agent) -> Desk:
    found = receive(mailbox, mail(references="<m0@customer.example>", in_reply_to="<m0@customer.example>")).ticket
    assert found is not None
    receive(mailbox, mail(message_id="m2@customer.example", in_reply_to="<m1@customer.example>", text="And this?"))
    ticket = Ticket.objects.get(pk=found.pk)
    return Desk(ticket, ticket.messages.order_by("pk")[0], bob)


def parsed(message: Message) -> Mail:
    return parse(store.get(str(message.blob_id)))


M1 = ("m0@customer.example", "m1@customer.example")
THREAD = ("m1@customer.example", M1)
NONE = ("", ())
WHO = {
    "reply": (lambda d: d.answer(), THREAD),
    "reply all": (lambda d: d.answer(kind="all", cc=(CAS,)), THREAD),
    "reply without a choice": (lambda d: d.answer(about=None), ("m2@customer.example", ("m1@customer.example", "m2@customer.example"))),
    "forward": (lambda d: d.answer(to=(CAS,), kind="forward"), NONE),
    "forward, whole": (lambda d: d.answer(to=(CAS,), kind="forward", original="eml"), NONE),
    "again": (lambda d: repeat(d.answer(), (), Sending(), by=d.bob), THREAD),
    "first": (
        lambda d: first_mail(d.ticket.queue, Answer(to=(CAS,), bcc=(HIDDEN,), subject="News", text="Hi"), by=d.bob),
        NONE,
    ),
    "rejection": (lambda d: d.automatic("rejection", trigger=d.first), THREAD),
    "forward by a filter": (lambda d: d.automatic("forward", trigger=d.first), THREAD),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHO)
def test_every_mail_bears_our_mark_and_stands_in_its_thread(desk: Desk, kind: str, settings: object) -> None:
    make, (in_reply_to, references) = WHO[kind]
    message = make(desk)
    read = parsed(message)
    assert read_token(read.message_id, key=key_of(settings)) == message.ticket_id
    assert message.message_id == read.message_id
    assert read.in_reply_to == ((in_reply_to,) if in_reply_to else ())
    assert read.references == references
    assert tuple(message.references) == references


def key_of(settings: object) -> bytes:
    return str(settings.SECRET_KEY).encode()  # type: ignore[attr-defined]


def test_a_relayed_answer_of_an_agent_continues_the_customers_thread(desk: Desk, settings: object) -> None:
    message = desk.automatic("relay", AGENTS_MAIL, agent=desk.bob)
    read = parsed(message)
    assert read_token(read.message_id, key=key_of(settings)) == desk.ticket.pk
    assert read.in_reply_to != ("b1@example.org",)
    assert read.references[-1:] == read.in_reply_to


def test_a_redirected_mail_has_our_mark_in_its_resent_id_and_its_own_thread(desk: Desk, settings: object) -> None:
    message = redirect(desk.ticket, Redirect(about=desk.first, to=[CAS]), by=desk.bob)
    read = parsed(message)
    assert read_token(read.header("Resent-Message-ID"), key=key_of(settings)) == desk.ticket.pk
    assert (read.message_id, read.in_reply_to, read.references) == ("m1@customer.example", M1[:1], M1[:1])
    assert message.message_id == read.header("Resent-Message-ID").strip("<>")


@pytest.mark.parametrize("kind", [name for name in WHO if "filter" not in name and name != "rejection"])
def test_who_gets_it_blind_is_in_the_envelope_only(desk: Desk, kind: str) -> None:
    message = WHO[kind][0](desk)
    assert HIDDEN in message.outgoing.deliveries.values_list("recipient", flat=True)
    raw = store.get(str(message.blob_id))
    assert b"hidden@" not in raw
    assert b"bcc" not in raw.lower()


TEXT = st.text(alphabet=st.sampled_from('ab:\r\n\t \x00\x0b\x1c\x85\u2028ü<>@,;"\\'), max_size=30)
NAMES = {
    "Date", "Message-ID", "From", "To", "Cc", "Subject", "In-Reply-To", "References", "Content-Type", "MIME-Version",
    "Content-Transfer-Encoding",
}  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=TEXT, to=TEXT, name=TEXT, html=TEXT)
@pytest.mark.parametrize("send", ["answer", "first"])
def test_no_field_writes_a_header(desk: Desk, send: str, subject: str, to: str, name: str, html: str) -> None:
    """What the mail has is what we write; a value that can't be sent is refused with a sentence."""
    desk.bob.name = f"{name}\r\nBcc: evil@x.example"
    what = Answer(to=(ANN,), cc=(to,) if to else (), subject=f"S{subject}\r\nX-Evil: 1", html=f"<p>{html} words</p>")
    try:
        message = sender(desk, send)(what)
    except CannotAnswer:
        return
    head = store.get(str(message.blob_id)).partition(b"\r\n\r\n")[0].decode()
    names = {line.partition(":")[0] for line in head.split("\r\n") if line[0] not in " \t"}
    assert names <= NAMES


def sender(desk: Desk, send: str) -> Callable[[Answer], Message]:
    if send == "first":
        return lambda what: first_mail(desk.ticket.queue, what, by=desk.bob)
    return lambda what: answer(desk.ticket, what, by=desk.bob)
