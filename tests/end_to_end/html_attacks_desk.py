"""Run with an installation's environment: Bob, and a ticket for each attack of tests.mail.attacks, with argv[1] as the evil server.
Prints "message number subject" for each; in those called "together" are many attacks."""

import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"
django.setup()

from postvak.models import Address, Agent, Brand, Mailbox, Message, Options, Queue, Rule  # noqa: E402
from postvak.receive.accept import Arrived, accept  # noqa: E402
from tests.mail.attacks import attacks, mail, mails  # noqa: E402
from tests.servers import wait_until  # noqa: E402

EACH = 30  # attacks of a mail that holds several

Rule.objects.update(is_on=False)
Options.objects.update(tickets_per_hour=1_000_000)
queue = Queue.objects.create(name="Support", brand=Brand.objects.get(), colour="sea")
queue.address = Address.objects.create(email="support@example.org", queue=queue)
queue.save()
bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob Baker")
queue.members.add(bob)


def together(evil: str) -> dict[str, bytes]:
    """Their words stand one after the other, so that one may open what another closes."""
    every = list(attacks(evil).values())
    parts = [every[at : at + EACH] for at in range(0, len(every), EACH)]
    return {
        f"together {number}": mail("\n<hr>\n".join([*part, "<p>Bye</p>"]).encode("utf-8", "replace"))
        for number, part in enumerate(parts)
    }


raws = mails(sys.argv[1]) | together(sys.argv[1])
arrived = [
    Arrived(
        f"attack/{at}",
        f"From: Eve <eve{at}@customer.example>\r\nTo: support@example.org\r\nSubject: {name}\r\n"
        f"Message-ID: <attack{at}@customer.example>\r\n".encode() + raw,
    )
    for at, (name, raw) in enumerate(raws.items())
]  # fmt: skip
accept(Mailbox.objects.get(kind="local"), arrived)
wait_until(lambda: Message.objects.count() == len(raws), seconds=60, what="tickets made by the running worker")
for message in Message.objects.select_related("ticket").order_by("pk"):
    print(message.pk, message.ticket.number, message.ticket.subject)
