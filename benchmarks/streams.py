"""What open streams of events cost: memory, CPU while nothing happens, and how soon a change is heard by all.

    python benchmarks/streams.py --streams 1000

A hundred administrators with ten streams each, on a server of its own.
"""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from report import data_directory, show, spread

EACH = 10
QUIET = 20.0  # seconds
CHANGES = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with data_directory() as data:
        result = measure(options.streams, data)
    show(result, as_json=options.json)


def measure(number: int, data: str) -> dict[str, object]:
    import django

    django.setup()
    from postvak.cli.prepare import prepare_database

    prepare_database()
    cookies = make_people(number)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"import django; django.setup(); from postvak.web.server import serve; serve('127.0.0.1', {port})"
    server = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"POSTVAK_DATA": data})
    try:
        return asyncio.run(listen(port, cookies, server.pid))
    finally:
        server.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        server.wait(30)
        print(f"stopped after {time.monotonic() - begun:.1f} s", file=sys.stderr)


def make_people(number: int) -> list[str]:
    """Cookies, one for each stream; and a ticket."""
    from django.test import Client
    from django.utils import timezone

    from postvak.models import Agent, Queue, Status, Ticket

    cookies = []
    for at in range(-(-number // EACH)):
        agent = Agent(email=f"a{at}@example.org", name=f"Agent {at}", is_admin=True, password="!")
        agent.save()
        client = Client()
        client.force_login(agent)
        cookies += [f"postvak_session={client.session.session_key}"] * EACH
    now = timezone.now()
    Ticket.objects.create(
        number="1",
        subject="Lamp",
        queue=Queue.objects.first(),
        status=Status.objects.first(),
        created_at=now,
        changed_at=now,
    )
    return cookies[:number]


async def listen(port: int, cookies: list[str], pid: int) -> dict[str, object]:
    from postvak.models import Ticket

    while True:
        try:
            _reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    worker = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
    empty = memory(worker)
    begun = time.monotonic()
    streams = []
    for start in range(0, len(cookies), 50):
        streams += await asyncio.gather(*(join(port, cookie) for cookie in cookies[start : start + 50]))
    joined = time.monotonic() - begun
    await asyncio.sleep(2)
    full, cpu = memory(worker), cpu_of(worker)
    await asyncio.sleep(QUIET)
    idle = cpu_of(worker) - cpu
    first, last = [], []
    for change in range(CHANGES):
        heard = [asyncio.create_task(hear(reader)) for reader, _writer in streams]
        await asyncio.to_thread(lambda: Ticket.objects.update(subject=f"Lamp {change}"))  # noqa: B023
        committed = time.monotonic()
        times = sorted(await asyncio.gather(*heard))
        first.append(1000 * (times[0] - committed))
        last.append(1000 * (times[-1] - committed))
    for _reader, writer in streams:
        writer.close()
    return {
        "streams": len(streams),
        "ms to join each": round(1000 * joined / len(streams), 1),
        "kB each": round((full - empty) / len(streams), 1),
        "MB without and with them": f"{empty / 1024:.0f} {full / 1024:.0f}",
        "CPU while nothing happens": f"{100 * idle / QUIET:.2f} %",
        "ms until the first hears": spread(first),
        "ms until all have heard": spread(last),
    }


async def join(port: int, cookie: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /live/ HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
    await reader.readuntil(b"event: hello")
    return reader, writer


async def hear(reader: asyncio.StreamReader) -> float:
    await reader.readuntil(b"event: change")
    return time.monotonic()


def memory(pid: int) -> int:
    """kB that are its own."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
