"""Mails that come in for the tests of verbs."""

from collections.abc import Callable
from itertools import count

import pytest

from postvak.models import Mailbox, Queue, Receipt, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

Receive = Callable[..., Ticket]


@pytest.fixture
def receive(mailbox: Mailbox, support: Queue) -> Receive:
    """A mail from Ann (or whom `sender` names) goes the whole way; returns the ticket that it is on."""
    numbers = count(1)

    def arrive(raw: bytes = b"", **headers: str) -> Ticket:
        number = next(numbers)
        raw = raw or mail(**{"message_id": f"r{number}@customer.example", "text": f"Mail {number}", **headers})
        receipt = accept(mailbox, [Arrived(f"verbs/{number}", raw)])[0]
        while process_due("test:1:x"):
            pass
        ticket = Receipt.objects.get(pk=receipt.pk).ticket
        assert ticket is not None
        return ticket

    return arrive
