"""A whole site on machines of its own: two that serve pages and work, one that only works, a database and its replica; mail comes from
Dovecot and by SMTP, and leaves to an SMTP server, both on the machine of the test."""

import json
import os
import random
import signal
import smtplib
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from tests.mails import mail
from tests.servers import wait_until
from tests.servers.cluster import Server, own
from tests.servers.dovecot import Dovecot
from tests.servers.network import Machine, Network
from tests.servers.smtpd import Behaviour, SmtpServer
from tests.torture.plant import FETCHED, FORWARDED, PASSWORD, SUPPORT

WEB, SMTP = 8000, 2525
CHANNEL = """
[[channel]]
name = "Line"
host = "{host}"
port = {port}
security = "none"
default = true
connections = 2
"""
DATABASES = ("db1", "db2")
SYNCHRONOUS = "synchronous_standby_names=ANY 1 (db2)"


class Node:
    """A machine with Postvak. `words`: the command that runs there."""

    def __init__(self, machine: Machine, folder: Path, environment: dict[str, str], *words: str) -> None:
        self.machine, self.words = machine, words
        self.data, self.log = folder / machine.name, folder / f"{machine.name}.log"
        self.data.mkdir()
        self.environment = environment | {
            "POSTVAK_DATA": str(self.data),
            "POSTVAK_LISTEN_SMTP": f"{machine.address}:{SMTP}",
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.machine.address}:{WEB}"

    def start(self) -> None:
        command = self.machine.command([sys.executable, "-m", "postvak", *self.words])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, *words: str) -> str:
        """A command there; it must end well."""
        command = self.machine.command([sys.executable, *words])
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def stop(self, patience: float = 40) -> float:
        """SIGTERM; returns how many seconds it took. It must end well."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(patience)
        assert code == 0, f"{self.machine.name} ended with {code}: {self.log.read_text()[-2000:]}"
        return time.monotonic() - began

    def kill(self) -> None:
        """-9, with all its children."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


class Site:
    def __init__(self, folder: Path, network: Network, dovecot: Dovecot, smtp: SmtpServer) -> None:
        self.folder, self.network, self.dovecot, self.smtp = folder, network, dovecot, smtp
        self.first, self.second = (Server(network[name], folder) for name in DATABASES)
        self.database = self.first
        hosts = ",".join(server.machine.address for server in (self.first, self.second))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("POSTVAK_", "DJANGO_"))}
        environment = kept | {
            "POSTVAK_DATABASE": f"postgres://postgres@{hosts}/postvak?port=5432",
            "POSTVAK_REPLICA": self.second.url(),
            "POSTVAK_OWN_NETWORKS": "10.77.0.0/24",
            "POSTVAK_LISTEN_LIMITS": "1000/1000000",
            "MAILBOX_PASSWORD": PASSWORD,
            "DJANGO_SETTINGS_MODULE": "postvak.settings",
        }
        serve = ("serve", "--host", "0.0.0.0", "--port", str(WEB))
        self.web = Node(network["web"], folder, environment, *serve)
        self.worker = Node(network["worker"], folder, environment, "worker")
        self.both = Node(network["both"], folder, environment, *serve)
        self.nodes = (self.web, self.worker, self.both)

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator["Site"]:
        own(folder)
        with (
            Network.running("web", "worker", "both", *DATABASES) as network,
            Dovecot.running(host="0.0.0.0") as dovecot,
            SmtpServer.running(host="0.0.0.0") as smtp,
            ExitStack() as stack,
        ):
            site = cls(folder, network, dovecot, smtp)
            for server in (site.first, site.second):
                stack.callback(server.kill)
            for node in site.nodes:
                stack.callback(node.kill)
            site.set_up()
            yield site

    def set_up(self) -> None:
        self.first.make()
        self.first.start(SYNCHRONOUS, "synchronous_commit=local")
        self.second.copy_of(self.first)
        self.second.start()
        self.first.sql("ALTER SYSTEM SET synchronous_commit = on")
        self.first.kill()
        self.first.start(SYNCHRONOUS)
        self.first.sql("CREATE DATABASE postvak")
        home = self.network.home.address
        self.dovecot.add_user("inbox", PASSWORD)
        mailbox = {
            "name": "Box",
            "kind": "imap",
            "port": self.dovecot.imap,
            "user": "inbox",
            "after": "delete",
            "move_to": "",
        }
        toml = [
            SUPPORT,
            FETCHED.format(**mailbox).replace('"localhost"', f'"{home}"'),
            FORWARDED.format(name="Forwarded", address="support@in.example.org"),
            CHANNEL.format(host=home, port=self.smtp.port),
        ]
        path = self.folder / "setup.toml"
        path.write_text("\n".join(toml))
        self.web.run("-m", "postvak", "config", "apply", str(path))
        self.change("UPDATE postvak_options SET tickets_per_hour = 1000000")
        self.token = self.web.run("-m", "tests.torture.make_token")
        for node in self.nodes[1:]:
            for name in ("secret.key", "sealing.keys"):
                (node.data / name).write_bytes((self.web.data / name).read_bytes())
        self.smtp.behaviour = Behaviour(delay=0.02, late=0.02)
        for node in self.nodes:
            node.start()
        wait_until(
            lambda: all(is_well(node) for node in (self.web, self.both)), seconds=90, what="pages on two machines"
        )

    # -- the database, as the test sees it -------------------------------------------------------

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with self.database.connected() as connection:
            return connection.execute(sql.encode()).fetchall()

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]

    def change(self, sql: str) -> None:
        self.database.sql(sql, "postvak")

    def ask(self, node: Node, path: str, body: object = None, key: str = "") -> dict[str, object]:
        """The API, by GET or with `body` by POST. Raises OSError (urllib)."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{node.url}/api/v1{path}", data, headers)
        with urllib.request.urlopen(request, timeout=40) as answer:
            return dict(json.load(answer))


def is_well(node: Node) -> bool:
    try:
        with urllib.request.urlopen(f"{node.url}/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Loop(threading.Thread):
    """Does something again and again until it is told to stop; errors of the network belong to it."""

    def __init__(self, work: Callable[[], object], pause: float = 0.05) -> None:
        super().__init__(daemon=True)
        self.work, self.pause = work, pause
        self.over = threading.Event()
        self.done = 0
        self.errors: list[str] = []
        self.start()

    def run(self) -> None:
        while not self.over.wait(self.pause):
            try:
                self.work()
                self.done += 1
            except (OSError, smtplib.SMTPException, psycopg.Error) as error:
                self.errors.append(f"{time.strftime('%X')} {error!r}")

    def end(self) -> None:
        self.over.set()
        self.join(60)


class Customers:
    """Mails that come, half into Dovecot's folder, half by SMTP to one machine or another, as an MX does: again until somebody says 250."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.subjects: list[str] = []
        self.attempts = 0

    def write(self) -> None:
        subject = f"Mail {len(self.subjects):05}"
        raw = mail(
            sender=f"Ann <ann{len(self.subjects)}@customer.example>",
            subject=subject,
            message_id=f"m{len(self.subjects)}@customer.example",
        )
        self.subjects.append(subject)
        if len(self.subjects) % 2:
            self.site.dovecot.deliver("inbox", raw)
            return
        nodes: Sequence[Node] = random.sample(self.site.nodes, 3)
        while not any(self.hand_in(node, raw) for node in nodes):
            time.sleep(0.2)

    def hand_in(self, node: Node, raw: bytes) -> bool:
        self.attempts += 1
        try:
            with smtplib.SMTP(node.machine.address, SMTP, timeout=10) as session:
                return not session.sendmail("ann@customer.example", ["support@in.example.org"], raw)
        except (OSError, smtplib.SMTPException):
            return False


class Agents:
    """Each ticket gets one answer, by one web server or the other, asked again under the same key until one says that it is done."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.answered: set[str] = set()
        self.attempts = 0

    def answer(self) -> None:
        rows = self.site.rows("SELECT number, subject FROM postvak_ticket ORDER BY id")
        for number, subject in rows:
            if str(subject) not in self.answered:
                self.attempts += 1
                node = random.choice((self.site.web, self.site.both))
                body = {"text": f"The answer to {subject}.", "quotes": False, "undo_seconds": 0}
                self.site.ask(node, f"/tickets/{number}/answers", body, key=f"answer-{subject}")
                self.answered.add(str(subject))
