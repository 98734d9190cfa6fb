"""A process of its own for the test that kills it: `make PORT CA KEYS` posts an encrypted mail, `hesitate` stands still while it is being
encrypted, `send` sends it and prints what became of it."""

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "postvak.settings"

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402

from postvak.crypto.key_files import read_keys  # noqa: E402
from postvak.keys.store import add  # noqa: E402
from postvak.models import Address, Agent, Channel, Delivery, Mailbox, OutgoingMail, Queue, Ticket  # noqa: E402
from postvak.send import sealed  # noqa: E402
from postvak.send.deliver import send_due  # noqa: E402
from postvak.tickets.answer import Answer, answer  # noqa: E402
from postvak.worker.identity import free_claims_of_the_dead, own_name  # noqa: E402
from tests.mails import mail  # noqa: E402
from tests.send.answering import ANN, receive  # noqa: E402
from tests.send.test_protection import SECRET  # noqa: E402


def make(port: str, ca: str, keys: str) -> None:
    call_command("migrate", verbosity=0)
    folder, us = Path(keys), "support@example.org"
    for content in (
        (folder / f"{ANN}.pem").read_bytes(),
        (folder / f"{us}.pem").read_bytes() + (folder / f"{us}.key").read_bytes(),
    ):
        add(read_keys(content), source="uploaded", state="in_use")
    queue = Queue.objects.get()
    queue.address = Address.objects.create(email=us, queue=queue, sign="always", encrypt="always")
    queue.save()
    Channel.objects.create(name="Relay", host="localhost", port=int(port), ca_pem=Path(ca).read_text(), is_default=True)
    bob = Agent.objects.create_user("bob@example.org", "correct horse battery", name="Bob", is_admin=True)
    receive(Mailbox.objects.get(kind="local"), mail())
    answer(Ticket.objects.get(), Answer(to=(ANN,), text=f"The word is {SECRET}."), by=bob)
    print("made")


def hesitate() -> None:
    real = sealed.protect

    def slowly(*args: Any) -> bytes:
        done = real(*args)
        print("protecting", flush=True)
        time.sleep(60)
        return done

    sealed.protect = slowly
    send_due(own_name())


def send() -> None:
    free_claims_of_the_dead()
    OutgoingMail.objects.update(next_attempt_at="2020-01-01T00:00:00Z")
    while send_due(own_name()):
        pass
    print(*Delivery.objects.values_list("state", "resent").get())


if __name__ == "__main__":
    {"make": make, "hesitate": hesitate, "send": send}[sys.argv[1]](*sys.argv[2:])
