"""A long day in little time: mail comes in by SMTP and IMAP, answers and automatic mails go out, and meanwhile things break.

    python benchmarks/soak.py --mails 200000 --json            (--mails 2000 for trying; --database postgres://… instead of SQLite)
    python benchmarks/soak.py --mails 200000 --minutes 45      no new mails after so many minutes; what is there is finished and checked

The whole program (`postvak serve`) in a process tree of its own, a real Dovecot, a real SMTP server that counts what it takes, an agent
who answers (soak_desk.py). Every few seconds something fails (soak_faults.py): connections, the mail server's mood, the database; in the first
half the worker or the whole tree is killed, in the second half nothing is, so that memory and file handles of one long life can be watched.
Afterwards the books are checked (soak_books.py). Prints one object; exits with 1 when something is wrong, which is told under "wrong".
Everything lies in a temporary directory, which goes.
"""

import argparse
import random
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # tests.servers, tests.torture

from report import show
from soak_books import Watch, check, is_finished, left, message_id
from soak_faults import Faults
from tests.mails import mail
from tests.servers import die_with_parent
from tests.servers.dovecot import Dovecot
from tests.servers.smtpd import Received, SmtpServer
from tests.torture.plant import FORWARDED, Plant, fetched
from tests.torture.proxy import Proxy

SET_UP = """
[options]
trash_days = 30

[[retention]]
outcome = "duplicate"
days = 1

[[channel]]
name = "Relay"
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
default = true

[[agent]]
email = "bob@example.org"
name = "Bob Baker"
admin = true

[[calendar]]
name = "Always"
hours = "always"

[[sla]]
name = "Soon"
calendar = "Always"
first_answer = 1
solution = 240
queues = ["Support"]
"""
TEXT = "The lamp in the hall flickers since Monday, and I would like to know what to do about it.\r\n"
CLIENTS = 4
END_WITHIN, LOOK = 3600.0, 1.0  # seconds
BACKLOG = 500  # rows that wait for somebody, at most: a sender waits rather than fill a disk
FOLLOW_UP, COPY = 3, 50  # every third mail answers an earlier one, every fiftieth comes twice
USER = "soak"


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory(prefix="postvak-soak-") as folder:
        result = soak(Path(folder), options)
    show(result, as_json=options.json)
    sys.exit(1 if result["wrong"] else 0)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=24 * 60.0)
    parser.add_argument("--kill-every", type=float, default=120.0, help="seconds, in the first half")
    parser.add_argument("--fault-every", type=float, default=15.0, help="seconds")
    parser.add_argument("--database", default="")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


class CountingServer(SmtpServer):
    """Keeps how often it took each Message-ID instead of the mails."""

    taken: Counter[str]

    def keep(self, mail: Received) -> None:
        head = mail.raw.partition(b"\r\n\r\n")[0].lower().partition(b"\nmessage-id:")[2]
        self.taken[head.partition(b"\r\n")[0].strip(b" <>").decode()] += 1


@dataclass
class Site:
    """All that takes part. `sent`: the numbers of the mails that are handed over."""

    plant: Plant
    dovecot: Dovecot
    relay: CountingServer
    ways: dict[str, Proxy]
    sent: set[int] = field(default_factory=set)


@contextmanager
def site(folder: Path, database: str) -> Iterator[Site]:
    with ExitStack() as stack:
        dovecot = stack.enter_context(Dovecot.running())
        relay = stack.enter_context(CountingServer.running())
        assert isinstance(relay, CountingServer)
        relay.taken = Counter()
        plant = stack.enter_context(Plant.running(folder, database))
        assert isinstance(plant, Plant)
        servers = {"imap": dovecot.imap, "relay": relay.port, "listener": plant.smtp}
        ways = {name: stack.enter_context(Proxy.running(port)) for name, port in servers.items()}
        plant.set_up(
            fetched(dovecot, USER, "imap", port=ways["imap"].port, name="imap"),
            FORWARDED.format(name="smtp", address="smtp@in.example.org"),
            SET_UP.format(port=ways["relay"].port),
        )
        plant.change(
            "UPDATE postvak_rule SET is_on = true WHERE key IN ('digest', 'we-wait', 'due-near', 'unanswered')"
        )
        yield Site(plant, dovecot, relay, ways)


def soak(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    began, deadline = time.monotonic(), time.monotonic() + options.minutes * 60
    with site(folder, options.database) as here:
        faults, watch = Faults(here, options), Watch(here)
        with desk(here.plant), running(watch.watch):
            hand_over(here, range(options.mails // 2), deadline=began + options.minutes * 30, beside=faults.with_kills)
            first_half = len(here.sent)
            watch.begin()
            hand_over(here, range(first_half, options.mails), deadline=deadline, beside=faults.without_kills)
            watch.end()
            with running(faults.let_time_pass):
                wait_for_the_end(here)
        seconds = time.monotonic() - began
        here.plant.stop()
        facts, wrong = check(here, watch)
    return {
        "seed": options.seed,
        "mails": len(here.sent),
        "minutes": round(seconds / 60, 1),
        "faults": dict(faults.made),
        **facts,
        "wrong": wrong,
    }


def wait_for_the_end(here: Site) -> None:
    deadline = time.monotonic() + END_WITHIN
    while not is_finished(here):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left(here.plant)} after {END_WITHIN:g} s: {here.plant.tail()}")
        time.sleep(LOOK)


@contextmanager
def desk(plant: Plant) -> Iterator[None]:
    """The agent at work, in a process of his own."""
    command = die_with_parent([sys.executable, str(Path(__file__).with_name("soak_desk.py"))])
    environment = {**plant.environment, "DJANGO_SETTINGS_MODULE": "postvak.settings"}
    with (plant.log.parent / "desk.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError(f"the agent went home: {(plant.log.parent / 'desk.log').read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def running(*loops: Callable[[threading.Event], None]) -> Iterator[None]:
    """Each in a thread, until the end of the block."""
    over = threading.Event()
    threads = [threading.Thread(target=loop, args=(over,)) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


# -- mails ------------------------------------------------------------


def hand_over(here: Site, numbers: range, *, deadline: float, beside: Callable[[threading.Event], None]) -> None:
    """By all ways at once, until the last one or the deadline; half of them by IMAP. What was begun is handed over."""
    waiting, lock = iter(numbers), threading.Lock()

    def take() -> int | None:
        with lock:
            return next(waiting, None) if time.monotonic() < deadline else None

    def work() -> None:
        while (number := take()) is not None:
            for _ in range(2 if number % COPY == 0 else 1):
                give(here, number)
            here.sent.add(number)
            while number % 100 < CLIENTS and is_behind(here.plant):
                time.sleep(0.5)

    clients = [threading.Thread(target=work) for _ in range(CLIENTS)]
    with running(beside):
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()


def give(here: Site, number: int) -> None:
    """As a mail server does: again and again, until it is taken."""
    raw = letter(number)
    if number % 2:
        here.dovecot.deliver(USER, raw)
        return
    while not is_taken(here.ways["listener"].port, raw):
        time.sleep(0.2)


def is_taken(port: int, raw: bytes) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as session:
            return not session.sendmail("ann@customer.example", ["smtp@in.example.org"], raw)
    except (OSError, smtplib.SMTPException):
        return False


def is_behind(plant: Plant) -> bool:
    return sum(left(plant).values()) > BACKLOG


def letter(number: int) -> bytes:
    """A question, or an answer to the question before it; of two kilobytes, some larger."""
    answers = number % FOLLOW_UP == 2
    customer = number // FOLLOW_UP
    raw = mail(
        sender=f"Ann {customer} <ann{customer}@customer{customer % 100}.example>",
        subject=f"{'Re: ' * answers}Question {customer}",
        message_id=message_id(number),
        text=f"This is mail {number}.\r\n" + TEXT * (15 if number % 97 else 2000),
    )
    first = f"<{message_id(number - 2)}>".encode()
    return b"In-Reply-To: %b\r\nReferences: %b\r\n%b" % (first, first, raw) if answers else raw


if __name__ == "__main__":
    main()
