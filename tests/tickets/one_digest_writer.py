"""A process of its own for the test that kills it: `make COUNT` agents for whom news was collected, `write` their digests as a worker
does, or `count` what became of them."""

import os
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from postvak.models import (  # noqa: E402
    Address,
    Agent,
    AutomaticMail,
    Channel,
    Delivery,
    Digest,
    OutgoingMail,
    Queue,
    Rule,
)
from postvak.tickets.digest import find_due, write_digests_due  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.notify.desk import Desk  # noqa: E402

NEWS = 2  # for each agent


def make(count: str) -> None:
    call_command("migrate", verbosity=0)
    Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)
    queue, past = Queue.objects.get(), timezone.now() - timedelta(days=3)
    Address.objects.create(email="support@example.org", queue=queue)
    desk = Desk.opened(queue)
    Rule.objects.filter(key="digest").update(is_on=True, on_since=past, hour=0)
    rule = Rule.objects.get(key="answered")
    for number in range(int(count)):
        email = f"agent{number}@example.org"
        agent = Agent.objects.create(email=email, name=f"Agent {number}", created_at=past)
        queue.members.add(agent)
        for news in range(NEWS):
            desk.plan(
                "notice", email, rule=rule, occasion=f"news:{news}", address=email, reader=agent, state="collected", created_at=past,
            )  # fmt: skip
    print("made")


def write() -> None:
    free_claims_of_the_dead()
    print("working", flush=True)
    name = own_name()
    while list(find_due(timezone.now())):
        write_digests_due(timezone.now(), name)


def count() -> None:
    """Digests, mails, those who got one; and how much of the news is in one."""
    rows = AutomaticMail.objects.filter(kind="notice", state="written")
    print(
        Digest.objects.count(),
        OutgoingMail.objects.count(),
        Delivery.objects.values("recipient").distinct().count(),
        rows.values("outgoing").distinct().count(),
        rows.count() // NEWS,
    )


{"make": make, "write": write, "count": count}[sys.argv[1]](*sys.argv[2:])
