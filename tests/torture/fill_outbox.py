"""Puts answers into the outbox of the installation that the environment names: `python -m tests.torture.fill_outbox
PORT COUNT CONNECTIONS`. Each is on a ticket of its own, due at once, for one channel to a server on this port."""

import sys

import django


def main() -> None:
    django.setup()
    from postvak.cli.prepare import prepare_database

    prepare_database()
    fill(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))


def fill(port: int, count: int, connections: int) -> None:
    from django.utils import timezone

    from postvak.blobs import store
    from postvak.models import Brand, Channel, Message, Queue, Status, Ticket
    from postvak.send.outbox import Envelope, freeze

    channel = Channel.objects.create(
        name="Relay", host="127.0.0.1", port=port, security="none", is_default=True, connections=connections
    )
    queue = Queue.objects.create(name="Support", brand=Brand.objects.get())
    status, now = Status.objects.get(key="customer"), timezone.now()
    given = {"queue": queue, "status": status, "created_at": now, "changed_at": now, "answer": "waiting"}
    for number in range(count):
        (blob,) = store.prepare([letter(number)])
        store.save([blob])
        ticket = Ticket.objects.create(number=f"T{number}", subject=f"Lamp {number}", **given)
        message = Message.objects.create(
            ticket=ticket, kind="outgoing", author_kind="agent", created_at=now, blob=blob, message_id=f"{number}@desk"
        )
        freeze(
            message, Envelope("support@example.org", (f"ann{number}@customer.example",)), blob, channel=channel, at=now
        )


def letter(number: int) -> bytes:
    text = f"Please press the switch of lamp {number}.\r\n"
    return f"From: support@example.org\r\nMessage-ID: <{number}@desk>\r\nSubject: Lamp {number}\r\n\r\n{text}".encode()


if __name__ == "__main__":
    main()
