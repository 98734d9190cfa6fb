"""A whole installation under torture: all four ways in at once, and what must be true when it is over."""

import smtplib
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.end_to_end.installation import Installation
from tests.servers import free_port, wait_until
from tests.servers.dovecot import Dovecot

PASSWORD = "open sesame"
SUPPORT = """
[[queue]]
name = "Support"
address = "support@example.org"

[[address]]
email = "support@example.org"
queue = "Support"
"""
FETCHED = """
[[mailbox]]
name = "{name}"
kind = "{kind}"
host = "localhost"
port = {port}
security = "none"
username = "{user}"
password = {{ env = "MAILBOX_PASSWORD" }}
interval = 1
after_storing = "{after}"
move_to = "{move_to}"
"""
FORWARDED = """
[[mailbox]]
name = "{name}"
kind = "forward"
forward_addresses = "{address}"
"""


class Plant(Installation):
    """An installation that also listens for SMTP and LMTP (`smtp`, `lmtp`: ports)."""

    def __init__(self, folder: Path, database_url: str = "") -> None:
        super().__init__(folder, database_url)
        self.smtp, self.lmtp = free_port(), free_port()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "MAILBOX_PASSWORD": PASSWORD,
            "POSTVAK_LISTEN_SMTP": f"127.0.0.1:{self.smtp}",
            "POSTVAK_LISTEN_LMTP": f"127.0.0.1:{self.lmtp}",
            "POSTVAK_LISTEN_LIMITS": "1000/1000000",
        }

    def set_up(self, *toml: str) -> None:
        path = self.data / "setup.toml"
        path.write_text("\n".join([SUPPORT, *toml]))
        done = self.cli("config", "apply", str(path))
        assert (done.returncode, done.stderr) == (0, b""), done
        self.change("UPDATE postvak_options SET tickets_per_hour = 1000000")  # these senders write all day

    def is_done(self, count: int) -> bool:
        """So many mails have their ticket, and nothing is under way."""
        first = self.value("SELECT count(*) FROM postvak_receipt WHERE outcome = 'new_ticket'")
        open_ = self.value("SELECT count(*) FROM postvak_receipt WHERE state <> 'done'")
        return bool(first >= count and not open_)

    def state_of(self, mailbox: str) -> tuple[str, int]:
        """(last problem, failures) as the mailbox's page shows them."""
        ((problem, failures),) = self.rows(
            f"SELECT last_problem, failures FROM postvak_mailbox WHERE name = '{mailbox}'"
        )
        return str(problem), int(failures)

    def fetch_now(self) -> None:
        """What the button does, for all mailboxes."""
        self.change("UPDATE postvak_mailbox SET next_fetch_at = NULL")

    def check_books(self, subjects: Sequence[str]) -> Counter[str]:
        """One ticket for each subject, the ledger adds up, and what came twice is a duplicate; returns the outcomes."""
        tickets = [subject for (subject,) in self.rows("SELECT subject FROM postvak_ticket")]
        assert sorted(tickets) == sorted(subjects)
        assert self.value("SELECT count(*) FROM postvak_message") == len(subjects)
        firsts = self.rows(
            "SELECT subject, count(*) FROM postvak_receipt WHERE outcome = 'new_ticket' GROUP BY subject"
        )
        assert Counter(dict(firsts)) == Counter(subjects)
        outcomes = Counter(dict(self.rows("SELECT outcome, count(*) FROM postvak_receipt GROUP BY outcome")))
        assert set(outcomes) <= {"new_ticket", "duplicate"}
        assert outcomes.total() == self.value("SELECT count(*) FROM postvak_receipt WHERE state = 'done'")
        assert self.value("SELECT count(*) FROM postvak_receipt WHERE state <> 'done'") == 0
        numbers = self.rows("SELECT number FROM postvak_ticket")
        assert len(set(numbers)) == len(subjects)
        assert self.value("SELECT count(*) FROM postvak_receipt WHERE outcome = 'duplicate' AND first_id IS NULL") == 0
        if not self.database_url:
            assert self.value("PRAGMA integrity_check") == "ok"
        return outcomes


def fetched(dovecot: Dovecot, user: str, kind: str, *, port: int = 0, name: str = "", after: str = "delete") -> str:
    """TOML of a mailbox of this user, who is made; `port`: of a proxy."""
    dovecot.add_user(user, PASSWORD)
    own = dovecot.imap if kind == "imap" else dovecot.pop3
    move_to = "Done" if after == "move" else ""
    return FETCHED.format(name=name or user, kind=kind, port=port or own, user=user, after=after, move_to=move_to)


class Sender(threading.Thread):
    """A mail server in front of us: it keeps each mail until we say 250, and sends again what we may have missed."""

    def __init__(
        self,
        plant: Plant,
        protocol: str,
        address: str,
        mails: Sequence[bytes],
        pauses: Sequence[float],
        hurry: threading.Event,
    ) -> None:
        super().__init__(daemon=True)
        self.plant, self.protocol, self.address = plant, protocol, address
        self.mails, self.pauses, self.hurry = mails, pauses, hurry
        self.attempts = 0
        self.last = ""  # what went wrong last

    def run(self) -> None:
        """Until all are taken, or one isn't for two minutes."""
        for raw, pause in zip(self.mails, self.pauses, strict=True):
            self.hurry.wait(pause)
            deadline = time.monotonic() + 120
            while not self.is_taken(raw):
                if time.monotonic() > deadline:
                    return
                time.sleep(0.1)

    def is_taken(self, raw: bytes) -> bool:
        self.attempts += 1
        try:
            with self.connected() as session:
                return not session.sendmail("ann@customer.example", [self.address], raw)
        except (OSError, smtplib.SMTPException) as error:
            self.last = f"{time.strftime('%X')} {error!r}"
            return False

    def connected(self) -> smtplib.SMTP:
        if self.protocol == "lmtp":
            return smtplib.LMTP("127.0.0.1", self.plant.lmtp, timeout=10)
        return smtplib.SMTP("127.0.0.1", self.plant.smtp, timeout=10)


@contextmanager
def workers(plant: Plant, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """So many more `postvak worker` processes of the installation; afterwards they are gone."""
    command = [sys.executable, "-m", "postvak", "worker", "--only", "receive,process"]
    started = []
    try:
        for number in range(count):
            with (plant.log.parent / f"worker-{number}.log").open("ab") as log:
                started.append(subprocess.Popen(command, env=plant.environment, stdout=log, stderr=log))
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def wait_for(plant: Plant, count: int, seconds: float) -> float:
    """Until so many mails are tickets; returns how long it took."""
    began = time.monotonic()
    wait_until(lambda: plant.is_done(count), seconds=seconds, what=f"{count} tickets ({plant.tail()[-600:]})")
    return time.monotonic() - began
