"""Run with an installation's environment: Bob, two called Dee, and a ticket; prints its number."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Mailbox, Queue, Rule, Ticket  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.servers import wait_until  # noqa: E402

queue = Queue.objects.create(name="Support", brand=Brand.objects.get(), colour="sea")
Address.objects.create(email="support@example.org", display_name="Example Support", queue=queue)
for name in ("Bob Baker", "Dee Dahl", "Dee Dunn"):
    email = f"{name.replace(' ', '.').lower()}@example.org"
    agent = Agent.objects.create_user(email, "correct horse battery", name=name)
    queue.members.add(agent)
Agent.objects.update(language="en")
Rule.objects.update(is_on=False)
Rule.objects.filter(key="mentioned").update(is_on=True)
accept(Mailbox.objects.get(kind="local"), [Arrived("notes/1", mail())])
wait_until(Ticket.objects.exists, seconds=50, what="the ticket made by the running worker")
print(Ticket.objects.get().number)
