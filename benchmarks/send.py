"""How fast the outbox is emptied: `postvak worker --only send` in a process of its own, every commit durable.

    python benchmarks/send.py --mails 3000 --size 5000 --json

A quick SMTP server in this process takes everything over loopback. The mails are answers on tickets of their own, put
into the outbox before the clock starts. Prints one object: mails_per_s (wall clock, from the first mail to the last
record), cpu_ms_per_mail (the worker's process), peak_mb. POSTVAK_DATABASE chooses another database than SQLite.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from report import data_directory, show

TEXT = "Please press the switch in the hall, and tell us whether the lamp still flickers afterwards.\r\n"
CHUNK = 500


def main() -> None:
    options = read_options()
    with data_directory():
        result = measure(options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--size", type=int, default=5000, help="bytes of a mail, about")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the server takes for each final reply")
    parser.add_argument("--no-pipelining", action="store_true", help="the server doesn't offer PIPELINING")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, float | int | str]:
    import django

    django.setup()
    from django.db import connection

    from postvak.cli.prepare import prepare_database
    from postvak.models import OutgoingMail

    prepare_database()
    sink = Sink(options)
    fill(options, sink.port)
    process = subprocess.Popen([sys.executable, "-m", "postvak", "worker", "--only", "send"])
    try:
        while not sink.taken:
            time.sleep(0.002)
        wall, cpu = time.perf_counter(), cpu_of(process.pid)
        while OutgoingMail.objects.filter(next_attempt_at__isnull=False).exists():
            time.sleep(0.1)
        wall, cpu = time.perf_counter() - wall, cpu_of(process.pid) - cpu
        memory = peak_of(process.pid)
    finally:
        process.terminate()
        process.wait(20)
    return {
        "database": connection.vendor,
        "mails": sink.taken,
        "bytes_per_mail": sink.bytes // sink.taken,
        "connections": sink.connections,
        "mails_per_s": round(sink.taken / wall, 1),
        "cpu_ms_per_mail": round(cpu * 1000 / sink.taken, 3),
        "peak_mb": memory,
    }


def fill(options: argparse.Namespace, port: int) -> None:
    """One ticket, message, outgoing mail and delivery for each mail, all due."""
    from django.db import transaction
    from django.utils import timezone

    from postvak.blobs import store
    from postvak.models import Brand, Channel, Delivery, DeliveryEvent, Message, OutgoingMail, Queue, Status, Ticket

    channel = Channel.objects.create(
        name="Sink", host="127.0.0.1", port=port, security="none", is_default=True, connections=options.connections
    )
    queue = Queue.objects.create(name="Support", brand=Brand.objects.get())
    status, now = Status.objects.get(key="customer"), timezone.now()
    for start in range(0, options.mails, CHUNK):
        numbers = range(start, min(start + CHUNK, options.mails))
        blobs = store.prepare([mail(number, options.size) for number in numbers])
        given = {"queue": queue, "status": status, "created_at": now, "changed_at": now, "answer": "waiting"}
        with transaction.atomic():
            store.save(blobs)
            tickets = Ticket.objects.bulk_create(Ticket(number=f"B{n}", subject=f"Lamp {n}", **given) for n in numbers)
            messages = Message.objects.bulk_create(
                Message(ticket=ticket, kind="outgoing", author_kind="agent", created_at=now, blob=blob)
                for ticket, blob in zip(tickets, blobs, strict=True)
            )
            mails = OutgoingMail.objects.bulk_create(
                OutgoingMail(
                    message=message, channel=channel, envelope_from="support@example.org", blob=blob,
                    created_at=now, next_attempt_at=now,
                )
                for message, blob in zip(messages, blobs, strict=True)
            )  # fmt: skip
            deliveries = Delivery.objects.bulk_create(
                Delivery(outgoing=outgoing, recipient=f"ann{outgoing.pk}@customer.example", changed_at=now)
                for outgoing in mails
            )
            DeliveryEvent.objects.bulk_create(
                DeliveryEvent(delivery=delivery, at=now, kind="queued") for delivery in deliveries
            )


def mail(number: int, size: int) -> bytes:
    head = (
        f"From: Support <support@example.org>\r\nTo: ann{number}@customer.example\r\nSubject: Re: Lamp {number}\r\n"
        f"Message-ID: <{number}@desk.example>\r\n\r\n"
    )
    return (head + TEXT * (max(0, size - len(head)) // len(TEXT) + 1)).encode()


class Sink:
    """An SMTP server that takes everything at once, in a thread."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.taken = self.bytes = self.connections = self.port = 0
        self.delay = options.delay
        self.hello = b"250-sink\r\n" + b"250-PIPELINING\r\n" * (not options.no_pipelining) + b"250 8BITMIME\r\n"
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(started)), daemon=True).start()
        started.wait()

    async def serve(self, started: threading.Event) -> None:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, limit=2**27)
        self.port = int(server.sockets[0].getsockname()[1])
        started.set()
        await server.serve_forever()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"220 sink ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.bytes += len(content)
                self.taken += 1
                await asyncio.sleep(self.delay)
                writer.write(b"250 2.0.0 Ok: queued as %d\r\n" % self.taken)
            elif verb == b"QUIT":
                break
            else:
                writer.write(self.hello if verb == b"EHLO" else b"250 ok\r\n")
        writer.close()


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


if __name__ == "__main__":
    main()
