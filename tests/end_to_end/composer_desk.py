"""Run with an installation's environment: Bob, Eva, a ticket for each test of the composer, and templates."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, AnswerTemplate, Brand, Channel, Mailbox, Queue, Ticket  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.end_to_end.customer_mail import first_mail  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.servers import wait_until  # noqa: E402

brand = Brand.objects.get()
queue = Queue.objects.create(name="Support", brand=brand, colour="sea")
queue.address = Address.objects.create(email="support@example.org", display_name="Example Support", queue=queue)
queue.save()
Address.objects.create(email="lamps@example.org", queue=queue)
bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob Baker")
queue.members.add(bob)
Agent.objects.filter(pk=bob.pk).update(undo_seconds=0, language="en")
Channel.objects.create(
    name="Loopback", kind="smtp", is_default=True, host="127.0.0.1", port=int(sys.argv[1]), security="none"
)
template = AnswerTemplate.objects.create(name="Return a lamp", category="Returns")
template.texts.create(html="<div>Please send it back, {{ customer.name }}.</div>")
AnswerTemplate.objects.create(name="Agreed", category="Answers").texts.create(html="<div>That is fine.</div>")
box = Mailbox.objects.get(kind="local")
raws = [
    mail(subject=subject, message_id=f"{at}@customer.example")
    for at, subject in enumerate(("Formatting", "Pictures", "Saving", "Recipients", "Templates", "Keyboard", "Notes"))
]
raws.append(mail(sender="Harriet Osei <harriet@osei.example>", subject="From elsewhere", message_id="h@osei.example"))
accept(box, [Arrived(f"composer/{at}", raw) for at, raw in enumerate([*raws, first_mail()])])
wait_until(lambda: Ticket.objects.count() > len(raws), seconds=50, what="tickets made by the running worker")
for ticket in Ticket.objects.all():
    print(ticket.number, ticket.subject)
