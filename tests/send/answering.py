"""What the tests of sending share: mails that come in, channels, and a look at what became of an answer."""

import email
import email.policy
import itertools
from collections.abc import Callable
from email.message import EmailMessage

from postvak.models import Channel, DeliveryEvent, Mailbox, OutgoingMail, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.deliver import send_due
from tests.servers.smtpd import SmtpServer

ANN, AMY, BOSS = "ann@customer.example", "amy@customer.example", "boss@customer.example"
WORKER, OTHER = "first:1:a", "second:1:b"
counter = itertools.count()
Write = Callable[..., OutgoingMail]


def receive(mailbox: Mailbox, raw: bytes) -> Receipt:
    (receipt,) = accept(mailbox, [Arrived(f"outbox/{next(counter)}", raw)])
    while process_due("test:1:x"):
        pass
    receipt.refresh_from_db()
    return receipt


def make_channel(server: SmtpServer, *, password: str = "", **given: object) -> Channel:
    settings = {"name": "Relay", "host": "localhost", "port": server.port, "ca_pem": server.ca_pem}
    channel = Channel(**(settings | given))
    channel.password = password
    channel.save()
    return channel


def states(outgoing: OutgoingMail) -> dict[str, str]:
    return dict(outgoing.deliveries.values_list("recipient", "state"))


def mark(ticket: Ticket) -> str:
    return Ticket.objects.get(pk=ticket.pk).answer


def kinds(outgoing: OutgoingMail) -> list[str]:
    return list(DeliveryEvent.objects.filter(delivery__outgoing=outgoing).values_list("kind", flat=True))


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def send_everything(worker: str = WORKER) -> None:
    while send_due(worker):
        pass
