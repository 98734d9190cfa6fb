"""A process of its own for the test that kills it: `make COUNT` tickets that are changed, `follow` them and look at the clock as a
worker does, or `count` what became of it."""

import os
import sys
import time
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
    Change,
    Customer,
    CustomerAddress,
    Notification,
    Queue,
    Rule,
    Status,
    Ticket,
)
from postvak.tickets.aftermath import follow_changes  # noqa: E402
from postvak.tickets.change import assign, set_status  # noqa: E402
from postvak.tickets.rules.moments import tell_moments  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402

KEYS = ("closed", "assigned", "status-changed", "unanswered")


def make(count: str) -> None:
    call_command("migrate", verbosity=0)
    now = timezone.now()
    queue = Queue.objects.get()
    Address.objects.create(email="support@example.org", queue=queue)
    bob, eva = (
        Agent.objects.create_user(f"{name}@example.org", "correct horse battery", name=name) for name in ("bob", "eva")
    )
    queue.members.add(bob, eva)
    Rule.objects.update(is_on=False)
    Rule.objects.filter(key__in=KEYS).update(is_on=True, delivery="mail", on_since=now - timedelta(days=2))
    Rule.objects.filter(key="unanswered").update(minutes=60, looked_until=now - timedelta(days=1))
    for number in range(int(count)):
        customer = Customer.objects.create(name=f"Ann {number}")
        CustomerAddress.objects.create(customer=customer, email=f"ann{number}@customer.example")
        ticket = Ticket.objects.create(
            number=str(number),
            subject=f"Ticket {number}",
            queue=queue,
            status=Status.objects.get(key="open"),
            customer=customer,
            created_at=now,
            changed_at=now,
            waiting_since=now - timedelta(hours=2),
        )
        assign(ticket, bob, by=eva)
        if number % 2:
            set_status(ticket, Status.objects.get(key="closed"), by=eva)
    print("made")


def follow() -> None:
    free_claims_of_the_dead()
    print("working", flush=True)
    name = own_name()
    while Change.objects.filter(is_followed=False).exists() or left():
        follow_changes(name)
        tell_moments(timezone.now(), name)
        time.sleep(0.01)


def left() -> bool:
    return Rule.objects.filter(key="unanswered", looked_until__lt=timezone.now() - timedelta(hours=2)).exists()


def count() -> None:
    """How many mails of each rule, and how many notices."""
    rows = AutomaticMail.objects.values_list("rule__key", "ticket", "address")
    found = list(rows)
    assert len(found) == len(set(found)), "told twice"
    keys = [key for key, _ticket, _address in found]
    print(*(keys.count(key) for key in KEYS), Notification.objects.count())


{"make": make, "follow": follow, "count": count}[sys.argv[1]](*sys.argv[2:])
