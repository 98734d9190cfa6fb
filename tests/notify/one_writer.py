"""A process of its own for the test that kills it: `make COUNT` rows, `write` them, `work` as a worker does, or `count` what became of them."""

import os
import sys
import threading
import time

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from postvak.models import Address, AutomaticMail, Channel, Delivery, Message, OutgoingMail, Queue, Rule, Ticket  # noqa: E402
from postvak.notify.automatic import write_due  # noqa: E402
from postvak.worker.engine import Engine  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.notify.desk import Desk  # noqa: E402


def make(count: str) -> None:
    call_command("migrate", verbosity=0)
    Channel.objects.create(name="Files", kind=Channel.Kind.FILE, is_default=True)
    queue = Queue.objects.get()
    Address.objects.create(email="support@example.org", queue=queue)
    desk = Desk.opened(queue)
    rule = Rule.objects.get(key="confirmation")
    for number in range(int(count)):
        kind, address = ("forward", "rejection", "rule", "rule")[number % 4], f"person{number}@customer.example"
        of_rule = {"rule": rule, "occasion": "message:1", "address": address} if kind == "rule" else {}
        desk.plan(kind, address, **of_rule)
    print("made")


def write() -> None:
    free_claims_of_the_dead()
    print("working", flush=True)
    name = own_name()
    while write_due(name):
        pass


def work() -> None:
    """The job "send" of a worker, until every mail is out."""
    engine = Engine(["send"])
    running = threading.Thread(target=engine.run)
    running.start()
    states = Delivery.objects.order_by("pk").values_list("state", flat=True)
    for _ in range(200):
        if list(states.all()) == ["accepted"] * AutomaticMail.objects.count():
            break
        time.sleep(0.1)
    engine.stop()
    running.join(30)
    print(*states.all())


def count() -> None:
    """How many rows are written, and how many messages, mails and lines of history there are for them."""
    written = AutomaticMail.objects.filter(state="written")
    ticket = Ticket.objects.get()
    print(
        AutomaticMail.objects.count(),
        written.count(),
        Message.objects.filter(kind="outgoing").count(),
        OutgoingMail.objects.count(),
        ticket.history.count(),
        ticket.message_count - 1,
    )


{"make": make, "write": write, "work": work, "count": count}[sys.argv[1]](*sys.argv[2:])
