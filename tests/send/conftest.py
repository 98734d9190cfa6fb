"""A ticket of Ann's, the scripted server as default channel, and Bob who answers."""

import pytest

from postvak.models import Agent, Channel, Mailbox, OutgoingMail, Queue, Ticket
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.send.answering import ANN, Write, make_channel, receive
from tests.servers.smtpd import SmtpServer


@pytest.fixture
def smtp(smtp_server: SmtpServer) -> Channel:
    """The default channel: the scripted server."""
    return make_channel(smtp_server, is_default=True)


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    """Ann's: "The lamp flickers"."""
    found = receive(mailbox, mail()).ticket
    assert found is not None
    return Ticket.objects.get(pk=found.pk)


@pytest.fixture
def write(ticket: Ticket, bob: Agent) -> Write:
    """Bob answers; `to` may be several."""

    def writes(*to: str, text: str = "Please press the switch.", **more: object) -> OutgoingMail:
        what = Answer(to=to or (ANN,), text=text, **more)  # type: ignore[arg-type]
        return answer(Ticket.objects.get(pk=ticket.pk), what, by=bob).outgoing

    return writes
