"""A desk with Ann's ticket; mails go out by the file channel or by the scripted server."""

import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage

import pytest

from postvak.models import AutomaticMail, Channel, Queue
from postvak.notify.automatic import write_due
from postvak.send.outbox import raw_mail
from tests.notify.desk import Desk

WORKER = "first:1:a"


@pytest.fixture
def desk(support: Queue, channel: Channel) -> Desk:
    return Desk.opened(support)


@pytest.fixture
def closed_desk(support: Queue, channel: Channel) -> Desk:
    return Desk.opened(support, status="closed")


Written = Callable[[AutomaticMail], EmailMessage]


@pytest.fixture
def written() -> Written:
    """Let the worker write the row; the mail in the outbox."""

    def writes(row: AutomaticMail) -> EmailMessage:
        while write_due(WORKER):
            pass
        row.refresh_from_db()
        assert (row.state, row.reason, row.claimed_by, row.claimed_until) == ("written", "", "", None), row.error
        message = email.message_from_bytes(raw_mail(row.message.outgoing), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    return writes
