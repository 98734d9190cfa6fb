"""Run with an installation's environment: Bob in Support, Cas in Sales, Eva administers; one ticket in each queue."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Channel, Mailbox, Queue, Ticket  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.servers import wait_until  # noqa: E402

PASSWORD = "correct horse battery"
people = {
    "Support": Agent.objects.create_user("bob@example.org", PASSWORD, name="Bob Baker"),
    "Sales": Agent.objects.create_user("cas@example.org", PASSWORD, name="Cas de Vries"),
}
Agent.objects.create_user("eva@example.org", PASSWORD, name="Eva Admin", is_admin=True)
Agent.objects.update(language="en", undo_seconds=0)
Channel.objects.create(name="Files", kind="file", is_default=True)
for name, agent in people.items():
    queue = Queue.objects.create(name=name, brand=Brand.objects.get())
    queue.address = Address.objects.create(email=f"{name.lower()}@example.org", queue=queue)
    queue.save()
    queue.members.add(agent)
raws = [mail(to=f"{name.lower()}@example.org", subject=name, message_id=f"{name}@x.example") for name in people]
accept(Mailbox.objects.get(kind="local"), [Arrived(f"live/{at}", raw) for at, raw in enumerate(raws)])
wait_until(lambda: Ticket.objects.count() == len(raws), seconds=50, what="tickets made by the running worker")
for ticket in Ticket.objects.order_by("subject"):
    print(ticket.number, ticket.subject)
