"""Mails that lay in files are as old as they say: an archive is no flood, and nobody is answered after years."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from postvak.cli.ingest_mail import ingest
from postvak.mail.files import came_at
from postvak.models import AutomaticMail, Mailbox, Options, Queue, Receipt
from tests.mails import mail

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BY_US = "Received: from a.example (b; c) by mx.example.org;\r\n\tSat, 21 Nov 2026 13:00:00 +0100\r\n"


def written(moment: datetime | None, number: int = 0) -> bytes:
    date = f"Date: {format_datetime(moment)}" if moment else "X-Date: none"
    return mail(message_id=f"a{number}@customer.example", subject=f"Lamp {number}", text=f"{number}").replace(
        b"Date: Sat, 21 Nov 2026 10:00:00 +0100", date.encode()
    )


def outcomes(mailbox: Mailbox, age: timedelta, transport: str) -> list[str]:
    moment = timezone.now() - age
    return [one.outcome for one in ingest(mailbox, [written(moment, n) for n in range(5)], transport=transport)]


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        (mail(), datetime(2026, 11, 21, 9, 0, tzinfo=UTC)),
        (BY_US.encode() + mail(), NOON),
        (b"From ann Sat Nov 21 10:00:00 2026\n" + BY_US.encode() + mail(), NOON),
        (b"Received: from nowhere\r\n" + written(NOON), NOON),
        (written(None), None),
        (b"Date: never\r\n\r\nHello", None),
        (b"Subject: x\r\n\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100", None),
        (b"", None),
        (b"\x00\xff" * 500_000, None),
    ],
)
def test_a_mail_came_when_a_server_had_it_else_when_it_was_written(raw: bytes, moment: datetime | None) -> None:
    assert came_at(raw) == moment


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "transport", "number"),
    [
        (timedelta(hours=2), "file", 5),
        (timedelta(minutes=5), "file", 2),
        (timedelta(hours=2), "pipe", 2),
        (-timedelta(days=2), "file", 2),
    ],
)
def test_only_what_is_fresh_can_be_too_much_of_one_sender(
    mailbox: Mailbox, support: Queue, age: timedelta, transport: str, number: int
) -> None:
    Options.objects.update(tickets_per_hour=2)
    assert outcomes(mailbox, age, transport) == ["new_ticket"] * number + ["held"] * (5 - number)


@pytest.mark.django_db
def test_an_archive_is_not_answered(mailbox: Mailbox, support: Queue) -> None:
    outcomes(mailbox, timedelta(days=400), "file")
    assert {row.reason for row in AutomaticMail.objects.all()} == {"refused_old"}
    receipt = Receipt.objects.first()
    assert receipt is not None
    assert receipt.arrived_at is not None
