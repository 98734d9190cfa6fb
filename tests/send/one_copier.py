"""A process of its own for the test that kills it: `make COUNT PORT CA USER` accepted mails, `copy` them (or `hesitate`), count what is `left`."""

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from postvak.models import Address, Agent, Channel, Mailbox, OutgoingMail, Queue, SentCopy, Ticket  # noqa: E402
from postvak.net.imap_append import Shelf  # noqa: E402
from postvak.send.copies import copy_due  # noqa: E402
from postvak.send.deliver import send_due  # noqa: E402
from postvak.tickets.answer import Answer, answer  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.send.answering import ANN, receive  # noqa: E402


def make(count: str, port: str, ca: str, user: str) -> None:
    call_command("migrate", verbosity=0)
    queue = Queue.objects.get()
    queue.address = Address.objects.create(email="support@example.org", queue=queue)
    queue.save()
    box = Mailbox(name="Service", host="localhost", port=int(port), ca_pem=Path(ca).read_text(), username=user)
    box.password = "secret"  # noqa: S105
    box.save()
    Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True, copies_to=box, copies_folder="Copies")
    bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob", is_admin=True)
    receive(Mailbox.objects.get(kind="local"), mail())
    for number in range(int(count)):
        answer(Ticket.objects.get(), Answer(to=(ANN,), text=f"Answer {number}"), by=bob)
    OutgoingMail.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    while send_due("maker:1:x"):
        pass
    print(SentCopy.objects.count())


def hesitate() -> None:
    """Copy, and stand still between each copy and its record, long enough to be killed there."""
    put = Shelf.put

    def slowly(self: Shelf, *args: Any, **facts: Any) -> str:
        folder = put(self, *args, **facts)
        print("there", flush=True)
        time.sleep(0.3)
        return folder

    Shelf.put = slowly  # type: ignore[method-assign]
    copy()


def copy() -> None:
    free_claims_of_the_dead()
    name = own_name()
    while copy_due(name):
        pass


def left() -> None:
    print(SentCopy.objects.count())


{"make": make, "copy": copy, "hesitate": hesitate, "left": left}[sys.argv[1]](*sys.argv[2:])
