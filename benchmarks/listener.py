"""How fast the listener takes mail: `postvak worker --only listen` in a process of its own, every commit durable.

    python benchmarks/listener.py --mails 3000 --connections 8 --json

Clients in this process speak SMTP or LMTP over loopback and keep their connections, or with --new open one per mail.
Prints one object: mails_per_s (wall clock), cpu_ms_per_mail (the listener's process), p50_ms and p95_ms (from the end
of the mail to its 250). The clients take CPU time of the same machine.
"""

import argparse
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from report import data_directory, show

SETUP = '[[mailbox]]\nname = "In"\nkind = "forward"\nforward_addresses = "support@in.example.org"\n'
TEXT = "The lamp in the hall flickers since Monday, and I would like to know what to do about it.\r\n"


def main() -> None:
    options = read_options()
    with data_directory() as data:
        result = measure(Path(data), options)
    show(result, as_json=options.json)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--size", type=int, default=2048, help="bytes of a mail, about")
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--new", action="store_true", help="a new connection for each mail")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def measure(data: Path, options: argparse.Namespace) -> dict[str, float | int | str]:
    protocol, port = "LMTP" if options.lmtp else "SMTP", free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POSTVAK_")}
    database = {"POSTVAK_DATABASE": os.environ["POSTVAK_DATABASE"]} if "POSTVAK_DATABASE" in os.environ else {}
    listening = {f"POSTVAK_LISTEN_{protocol}": f"127.0.0.1:{port}", "POSTVAK_LISTEN_LIMITS": "1000/1000000"}
    environment = {**kept, **database, **listening, "POSTVAK_DATA": str(data / "data")}
    (data / "setup.toml").write_text(SETUP)
    command = [sys.executable, "-m", "postvak"]
    subprocess.run([*command, "config", "apply", data / "setup.toml"], env=environment, check=True, capture_output=True)
    process = subprocess.Popen([*command, "worker", "--only", "listen"], env=environment)
    try:
        wait_for(port)
        run(port, protocol, options, 50)
        cpu = cpu_of(process.pid)
        wall = time.perf_counter()
        waits = sorted(run(port, protocol, options, options.mails))
        wall = time.perf_counter() - wall
        cpu = cpu_of(process.pid) - cpu
        memory = peak_of(process.pid)
    finally:
        process.terminate()
        process.wait(20)
    return {
        "protocol": protocol,
        "mails": len(waits),
        "connections": options.connections,
        "bytes_per_mail": len(mail(1, options.size)),
        "mails_per_s": round(len(waits) / wall, 1),
        "cpu_ms_per_mail": round(cpu * 1000 / len(waits), 3),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 1),
        "p95_ms": round(waits[len(waits) * 95 // 100] * 1000, 1),
        "peak_mb": memory,
    }


def run(port: int, protocol: str, options: argparse.Namespace, mails: int) -> list[float]:
    """Seconds from the end of each mail to its acknowledgement."""
    waits: list[float] = []
    share = mails // options.connections

    def client(first: int) -> None:
        talk: Conversation | None = None
        for number in range(first, first + share):
            talk = talk or Conversation(port, protocol)
            waits.append(talk.send(mail(number, options.size)))
            if options.new:
                talk = talk.close()
        if talk:
            talk.close()

    threads = [threading.Thread(target=client, args=(n * share,)) for n in range(options.connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


class Conversation:
    """One connection of a client that pipelines, as mail servers do (RFC 2920)."""

    def __init__(self, port: int, protocol: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.replies()
        next(self.lines)
        self.socket.sendall(b"%s bench.example\r\n" % (b"LHLO" if protocol == "LMTP" else b"EHLO"))
        next(self.lines)

    def replies(self) -> Iterator[bytes]:
        with self.socket.makefile("rb") as file:
            for line in file:
                if line[3:4] == b" ":
                    yield line

    def send(self, raw: bytes) -> float:
        self.socket.sendall(b"MAIL FROM:<ann@customer.example>\r\nRCPT TO:<support@in.example.org>\r\nDATA\r\n")
        replies = [next(self.lines) for _ in range(3)]
        started = time.perf_counter()
        self.socket.sendall(raw.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        replies.append(next(self.lines))
        if [reply[:1] for reply in replies] != [b"2", b"2", b"3", b"2"]:
            sys.exit(f"refused: {replies}")
        return time.perf_counter() - started

    def close(self) -> None:
        self.socket.sendall(b"QUIT\r\n")
        self.socket.close()


def mail(number: int, size: int) -> bytes:
    head = f"From: Ann <ann@customer.example>\r\nTo: support@in.example.org\r\nSubject: Question {number}\r\nMessage-ID: <{number}@x>\r\n\r\n"
    return (head + TEXT * (max(0, size - len(head)) // len(TEXT) + 1)).encode()


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("the listener did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


if __name__ == "__main__":
    main()
