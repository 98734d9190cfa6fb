"""What a loop claimed when the database went away isn't kept from others until the lease ends."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from postvak.models import Mailbox, Queue, Receipt
from postvak.process import run
from postvak.receive.accept import Arrived, accept
from postvak.worker.identity import Claims
from tests.mails import mail

pytestmark = pytest.mark.django_db
OWN, OTHER = "here:1:own", "there:2:other"


def claim_and_lose_the_database() -> int:
    """The commit went through, its acknowledgement didn't."""
    run.claim(OWN)
    raise OperationalError("server closed the connection unexpectedly")


def test_a_claim_of_which_the_worker_never_heard_is_worked_on_as_soon_as_the_database_is_back(
    support: Queue, mailbox: Mailbox
) -> None:
    accept(mailbox, [Arrived("test/1", mail(message_id="one@customer.example"))])
    claims = Claims(Receipt, OWN)
    with pytest.raises(OperationalError):
        claims.work(claim_and_lose_the_database)
    assert run.process_due(OTHER) == 0, "others respect the lease"
    assert claims.work(lambda: run.process_due(OWN)) == 1
    assert Receipt.objects.get().outcome == Receipt.Outcome.NEW_TICKET


def test_claims_of_others_are_left_alone(support: Queue, mailbox: Mailbox) -> None:
    accept(mailbox, [Arrived("test/1", mail(message_id="one@customer.example"))])
    run.claim(OTHER)
    claims = Claims(Receipt, OWN)
    claims.is_unsure = True
    assert claims.work(lambda: run.process_due(OWN)) == 0
    until = Receipt.objects.get().claimed_until
    assert until is not None
    assert until > timezone.now()
