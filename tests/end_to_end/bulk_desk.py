"""Run with an installation's environment: Bob, and many open tickets."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from datetime import timedelta  # noqa: E402

from django.utils import timezone  # noqa: E402

from postvak.models import Agent, Brand, Queue, Status, Ticket  # noqa: E402

queue = Queue.objects.create(name="Support", brand=Brand.objects.get(), colour="sea")
bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob Baker")
queue.members.add(bob)
Agent.objects.filter(pk=bob.pk).update(language="en")
now, status = timezone.now(), Status.objects.get(key="open")
Ticket.objects.bulk_create(
    Ticket(
        number=f"7{n:05d}", subject=f"Lamp {n}", queue=queue, status=status, created_at=now,
        changed_at=now - timedelta(minutes=n),
    )
    for n in range(130)
)  # fmt: skip
