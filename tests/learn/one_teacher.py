"""A process of its own for the test that kills it: `make COUNT` tickets that an agent closed, with what was proposed for them; `process`:
find what was decided, and teach it; `count` what the model has learned of it."""

import os
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from postvak.learn import decided, lessons  # noqa: E402
from postvak.models import (  # noqa: E402
    Agent,
    ClassifierModel,
    History,
    Lease,
    Mailbox,
    Options,
    Prediction,
    Queue,
    Rule,
    Status,
    Ticket,
)
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.learn.taught import activate, mail_about  # noqa: E402
from tests.process.arrivals import receive  # noqa: E402

lessons.AT_ONCE = 5  # more commits, so that more kills fall between two of them
decided.AT_ONCE = 7


def make(count: str) -> None:
    call_command("migrate", verbosity=0)
    Rule.objects.update(is_on=False)
    Options.objects.update(tickets_per_hour=1_000_000)
    inbox = Queue.objects.get()
    other = Queue.objects.create(name="Other", brand=inbox.brand)
    activate("queue", {"invoices": inbox.pk, "delivery": other.pk}, mode="shadow")
    receive(Mailbox.objects.get(kind=Mailbox.Kind.LOCAL), *(mail_about("invoices", n) for n in range(int(count))))
    eva = Agent.objects.create_user("eva@example.org", "correct horse battery", name="Eva", is_admin=True)
    now = timezone.now()
    Ticket.objects.update(status=Status.objects.get(key="closed"), is_open=False, closed_at=now)
    History.objects.bulk_create(
        History(ticket=ticket, at=now, agent=eva, code="status") for ticket in Ticket.objects.all()
    )
    print("made")


def process() -> None:
    free_claims_of_the_dead()
    Lease.objects.filter(name__startswith="classification").update(until=timezone.now())  # of those that were killed
    print("working", flush=True)
    name = own_name()
    while Prediction.objects.filter(is_learned=False).exists():
        decided.find_decisions(timezone.now(), name)
        lessons.teach_due(timezone.now() + timedelta(minutes=5), name)


def count() -> None:
    """Decided and learned; and what the model says that it has learned of this queue (the mails that it knew before, too)."""
    model = ClassifierModel.objects.get()
    rows = Prediction.objects.exclude(wanted="")
    print(rows.count(), rows.filter(is_learned=True).count(), model.labels[str(Queue.objects.get(is_default=True).pk)])


{"make": make, "process": process, "count": count}[sys.argv[1]](*sys.argv[2:])
