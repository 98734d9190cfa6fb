"""Connections to PostgreSQL: a pool for the pages, a pooler in front, and a database that is restarted while everybody is connected."""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mails import mail
from tests.servers import free_port, short_folder, wait_until
from tests.servers.cluster import Here, Server, own
from tests.servers.pgbouncer import PgBouncer
from tests.servers.plugin import installed
from tests.torture.plant import FORWARDED, Plant, Sender

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.getuid() != 0, reason="starts servers as another user, which needs root"),
]
CLIENTS = 12


@pytest.fixture
def server() -> Iterator[Server]:
    with short_folder(None, "pvc-") as folder:
        own(folder)
        made = Server(Here("first"), folder, free_port())
        try:
            made.make()
            made.start()
            made.sql("CREATE DATABASE postvak")
            yield made
        finally:
            made.kill()


class Reader(threading.Thread):
    """Asks for a page that asks the database, until told to stop; `answers`: the status of each."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.over, self.answers = url, threading.Event(), list[int]()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.02):
            self.answers.append(status_of(self.url))


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@contextmanager
def readers(url: str) -> Iterator[list[Reader]]:
    reading = [Reader(url) for _ in range(CLIENTS)]
    try:
        yield reading
    finally:
        for reader in reading:
            reader.over.set()
        for reader in reading:
            reader.join(70)


def test_pages_share_a_few_connections_and_none_fails_after_a_restart_of_the_database(
    server: Server, tmp_path: Path
) -> None:
    with Plant.running(tmp_path, server.url()) as desk:
        url = f"{desk.url}/health/ready"
        wait_until(lambda: status_of(url) == 200, seconds=30, what="a worker")
        with readers(url):
            wait_until(lambda: pages_of(server) > 0, seconds=10, what="pages that ask")
            assert pages_of(server) <= 5
        server.kill()
        assert status_of(url) == 503
        server.start()
        wait_until(lambda: status_of(url) == 200, seconds=40, what="a page and a worker")
        assert answers_of(url) == {200}
        desk.stop()


def answers_of(url: str) -> set[int]:
    """To many who ask at the same time."""
    with readers(url) as reading:
        wait_until(lambda: all(len(reader.answers) > 10 for reader in reading), seconds=60, what="pages")
    return {answer for reader in reading for answer in reader.answers}


def pages_of(server: Server) -> int:
    """Connections on which only the pages ask this."""
    with server.connected() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%django_migrations%' AND pid <> pg_backend_pid()"
        )
        (number,) = found.fetchone() or (0,)
        return int(str(number))


class Pooled(Plant):
    """By way of a pooler."""

    direct = ""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "POSTVAK_DATABASE_DIRECT": self.direct}


def test_everything_works_behind_pgbouncer_in_transaction_mode(server: Server, tmp_path: Path) -> None:
    with installed(lambda: PgBouncer.running(server)) as bouncer:
        Pooled.direct = f"{server.url()}?application_name=direct"
        subjects = [f"Mail {number:03}" for number in range(60)]
        with Pooled.running(tmp_path, bouncer.url()) as desk:
            assert isinstance(desk, Pooled)
            wait_until(lambda: listeners(server) == 1, seconds=20, what="a bell that is heard past the pooler")
            desk.set_up(FORWARDED.format(name="smtp", address="smtp@in.example.org"))
            raws = [mail(subject=one, message_id=f"{one[5:]}@customer.example") for one in subjects]
            halves = (raws[::2], raws[1::2])
            senders = [
                Sender(desk, "smtp", "smtp@in.example.org", half, [0.0] * 30, threading.Event()) for half in halves
            ]
            for sender in senders:
                sender.start()
            wait_until(lambda: desk.is_done(len(subjects)), seconds=60, what="all tickets")
            backup = desk.cli("backup", str(tmp_path), "--without-keys")
            assert backup.returncode == 0, backup.stderr
            assert answers_of(f"{desk.url}/health/ready") == {200}, "nothing of a session was left to others"
            desk.stop()
            desk.check_books(subjects)
            assert "ERROR" not in desk.tail()


def listeners(server: Server) -> int:
    with server.connected() as connection:
        rows = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'direct' AND query LIKE 'LISTEN%'"
        )
        return int(str((rows.fetchone() or (0,))[0]))
