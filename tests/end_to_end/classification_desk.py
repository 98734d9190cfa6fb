"""Run with an installation's environment. "set-up": Eva, and queues for invoices and deliveries; "close": she closes all that is open."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Queue, Rule, Status, Ticket  # noqa: E402
from postvak.tickets.change import set_status  # noqa: E402

if sys.argv[1] == "set-up":
    Rule.objects.update(is_on=False)
    for name, email in (("Billing", "billing@example.org"), ("Delivery", "delivery@example.org")):
        queue = Queue.objects.create(name=name, brand=Brand.objects.get(), colour="sea")
        Address.objects.create(email=email, queue=queue)
    eva = Agent.objects.create_user("eva@example.org", "correct horse battery", name="Eva Admin", is_admin=True)
    Agent.objects.filter(pk=eva.pk).update(language="en")
else:
    eva, closed = Agent.objects.get(), Status.objects.get(key="closed")
    for ticket in Ticket.objects.filter(is_open=True):
        set_status(ticket, closed, by=eva)
