"""A process of its own for the test that kills it: `make COUNT` mails of as many customers that came in, `process` them as a worker
does and write what rules want, or `count` what became of them."""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from postvak.models import (  # noqa: E402
    Address,
    AutomaticMail,
    Channel,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Receipt,
    Ticket,
)
from postvak.notify.automatic import write_due  # noqa: E402
from postvak.process import run  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.mails import mail  # noqa: E402

run.BATCH = 5  # more commits, so that more kills fall between two of them


def make(count: str) -> None:
    call_command("migrate", verbosity=0)
    Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)
    Address.objects.create(email="support@example.org", queue=Queue.objects.get())
    mails = [
        Arrived(
            f"kill/{n}", mail(sender=f"Ann <ann{n}@customer.example>", message_id=f"m{n}@x.example", text=f"Mail {n}")
        )
        for n in range(int(count))
    ]
    accept(Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), mails)
    print("made")


def process() -> None:
    free_claims_of_the_dead()
    print("working", flush=True)
    name = own_name()
    while run.process_due(name) or write_due(name) or is_left():
        pass


def is_left() -> bool:
    """Others have it in hand, or lost a race and try again at once."""
    rows = AutomaticMail.objects.filter(state="pending", next_attempt_at__lte=timezone.now())
    return Receipt.objects.exclude(state="done").exists() or rows.exists()


def count() -> None:
    """Tickets; mails that a rule wanted, of how many messages and to how many people; those that were written."""
    rows = AutomaticMail.objects.filter(rule__key="confirmation")
    print(
        Receipt.objects.filter(outcome="new_ticket").count(),
        Ticket.objects.count(),
        rows.count(),
        rows.values("trigger").distinct().count(),
        rows.values("address").distinct().count(),
        rows.filter(state="written").count(),
        Message.objects.filter(kind="outgoing").count(),
        OutgoingMail.objects.exclude(message=None).count(),
    )


{"make": make, "process": process, "count": count}[sys.argv[1]](*sys.argv[2:])
