"""Too much, or too little: huge mails, full folders, a full disk, a database that refuses to write or is restarted."""

import base64
import ctypes
import os
import re
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from postvak.models import Receipt
from postvak.receive.fetch import Fetch, fetch_mailbox
from tests.mails import mail
from tests.servers import postgres as postgres_server
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.servers.plugin import installed
from tests.servers.postgres import Postgres
from tests.torture.conftest import MakeSite, is_full, mails
from tests.torture.plant import FORWARDED, Plant, fetched, wait_for, workers
from tests.torture.test_many_fetchers import let_a_minute_pass

pytestmark = pytest.mark.servers
MEGABYTE = 1024 * 1024


# -- large ------------------------------------------------------------


@pytest.mark.django_db
def test_a_folder_of_thousands_of_mails_is_fetched_in_one_run(site: MakeSite) -> None:
    count = 10_000 if is_full() else 2_000
    place = site("imap")
    place.deliver(mails(count))
    began = time.monotonic()
    assert fetch_mailbox(place.mailbox, worker="torture:1:x") == Fetch(seen=count, stored=count)
    seconds = time.monotonic() - began
    print(f"{count} mails in {seconds:.1f} s: {count / seconds:.0f} mails/s")
    assert Receipt.objects.filter(mailbox=place.mailbox).count() == count
    assert place.left() == []
    assert seconds < count / 30


def peak_of(pid: int) -> float:
    """Megabytes that a process had in memory at most."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024  # type: ignore[index]


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_mail_of_60_megabytes_becomes_a_ticket_in_bounded_memory(tmp_path: Path, dovecot: Dovecot, kind: str) -> None:
    """The peers: OTOBO 508 MB for 30 MB, and 40 MB stays on the server for ever."""
    plant, user = Plant(tmp_path), f"large-{time.time_ns()}"
    plant.data.mkdir()
    plant.set_up(fetched(dovecot, user, kind, name="Box") + "size_limit = 100\n")
    attachment = base64.encodebytes(os.urandom(44 * MEGABYTE)).replace(b"\n", b"\r\n")
    raw = mail(subject="Large").replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=x")
    raw += b"--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x\r\nContent-Type: application/octet-stream\r\n"
    raw += b"Content-Transfer-Encoding: base64\r\n\r\n" + attachment + b"--x--\r\n"
    with workers(plant, 1) as (worker,):
        dovecot.deliver(user, mail(subject="Small", message_id="small@customer.example"))
        wait_for(plant, 1, 30)
        before = peak_of(worker.pid)
        dovecot.deliver(user, raw)
        plant.fetch_now()
        seconds = wait_for(plant, 2, 60)
        peak = peak_of(worker.pid)
    print(f"{len(raw) / MEGABYTE:.0f} MB by {kind}: {seconds:.1f} s, peak {peak:.0f} MB, before {before:.0f} MB")
    assert peak - before < 10 * len(raw) / MEGABYTE
    assert plant.check_books(["Small", "Large"]) == {"new_ticket": 2}
    assert dovecot.messages(user) == []


# -- a full disk ------------------------------------------------------------


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own in memory. Where that can't be: skipped loudly, but not in CI as root."""
    place.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        if os.environ.get("CI") and os.getuid() == 0:
            pytest.fail(f"no tmpfs can be mounted: {done.stderr}", pytrace=False)
        pytest.skip(f"NOT TESTED, no tmpfs can be mounted: {done.stderr or ctypes.get_errno()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, leave: int) -> Path:
    """Everything but `leave` bytes."""
    ballast = place / "ballast"
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    ballast.write_bytes(b"x" * (free - leave))
    return ballast


def heavy(count: int) -> list[bytes]:
    """Half of them go into the database, half into files."""
    return [
        mail(
            subject=f"Heavy {number:02}",
            message_id=f"heavy-{number}@customer.example",
            text=base64.encodebytes(os.urandom(30_000 if number % 2 else 150_000)).decode(),
        )
        for number in range(count)
    ]


def answer_to(plant: Plant, raw: bytes) -> int:
    """What the listener says after the mail (or before it)."""
    try:
        with smtplib.SMTP("127.0.0.1", plant.smtp, timeout=40) as session:
            session.sendmail("ann@customer.example", ["smtp@in.example.org"], raw)
    except smtplib.SMTPResponseException as refused:
        return refused.smtp_code
    except smtplib.SMTPRecipientsRefused as refused:
        return next(iter(refused.recipients.values()))[0]
    return 250


def test_a_full_disk_loses_nothing_and_is_survived(tmp_path: Path, dovecot: Dovecot) -> None:
    count, user, other = 30, f"full-{time.time_ns()}", f"full-pop-{time.time_ns()}"
    raws = heavy(count)
    with small_disk(tmp_path / "data", 24), Plant.running(tmp_path) as plant:
        assert isinstance(plant, Plant)
        plant.set_up(
            fetched(dovecot, user, "imap", name="imap"),
            fetched(dovecot, other, "pop3", name="pop3"),
            FORWARDED.format(name="smtp", address="smtp@in.example.org"),
        )
        ballast = fill(plant.data, 2_500_000)
        for number, raw in enumerate(raws):
            dovecot.deliver(user if number % 4 < 2 else other, raw)
        wait_until(lambda: has_failed(plant), seconds=40, what="a full disk")
        last = mail(subject="By SMTP", message_id="smtp@customer.example", text=raws[0].decode())
        assert answer_to(plant, last) in {451, 452}, "it could not be stored, or the disk was seen to be full before"
        time.sleep(4)
        left = len(dovecot.messages(user)) + len(dovecot.messages(other))
        receipts = plant.value("SELECT count(*) FROM postvak_receipt")
        print(f"disk full: {left} mails on the server, {receipts} receipts")
        assert left + receipts >= count
        assert left > 0
        ballast.unlink()
        assert plant.is_healthy()
        wait_until(lambda: answer_to(plant, last) == 250, seconds=20, what="mail that is taken again")

        def is_done() -> bool:
            let_a_minute_pass(plant)
            plant.fetch_now()
            plant.change("UPDATE postvak_receipt SET next_attempt_at = received_at WHERE state = 'received'")
            time.sleep(0.5)
            return plant.is_done(count + 1)

        wait_until(
            is_done, seconds=40, what=f"all tickets {plant.rows('SELECT state, outcome, error FROM postvak_receipt')}"
        )
        wait_until(lambda: not dovecot.messages(user) + dovecot.messages(other), seconds=20, what="empty folders")
        wait_until(lambda: plant.state_of("imap") == plant.state_of("pop3") == ("", 0), seconds=20, what="good states")
        plant.stop()
        plant.check_books([*(f"Heavy {number:02}" for number in range(count)), "By SMTP"])


def has_failed(plant: Plant) -> bool:
    """The page says so; where not even that could be written, the log."""
    states = {plant.state_of("imap")[0], plant.state_of("pop3")[0]}
    return "not_stored" in states or re.search("disk is full|No space left", plant.errors.read_text()) is not None


# -- PostgreSQL ------------------------------------------------------------


class Cluster:
    """A PostgreSQL that can be crashed. Commits are durable there, other than in the cluster of the other tests."""

    def __init__(self, server: Postgres) -> None:
        self.url = server.url
        self.account = server._account
        self.sql("ALTER DATABASE postvak SET synchronous_commit = on")
        self.data = self.sql("SHOW data_directory")

    def sql(self, statement: str) -> str:
        with psycopg.connect(self.url.replace("/postvak", "/postgres"), autocommit=True) as database:
            done = database.execute(statement.encode())
            row = done.fetchone() if done.description else None
            return str(row[0]) if row else ""

    def control(self, *words: str) -> None:
        command = [postgres_server._binary("pg_ctl"), "-D", self.data, "-w", "-m", "immediate", *words]
        subprocess.run(
            command, user=self.account, cwd="/", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def is_read_only(self, yes: bool) -> None:
        """For all sessions, from now on; those that are open end."""
        self.sql(f"ALTER DATABASE postvak SET default_transaction_read_only = {'on' if yes else 'off'}")
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postvak'")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with installed(Postgres.running) as server:
        crashing = Cluster(server)
        yield crashing
        crashing.control("stop")


def test_postgresql_that_crashes_in_mid_fetch_and_one_that_only_reads_lose_nothing(
    tmp_path: Path, dovecot: Dovecot, cluster: Cluster
) -> None:
    user, count = f"pg-{time.time_ns()}", 400
    raws = [mail(subject=f"Mail {n:03}", message_id=f"pg-{n}@customer.example") for n in range(count + 20)]
    with Plant.running(tmp_path, cluster.url) as plant:
        assert isinstance(plant, Plant)
        plant.set_up(
            fetched(dovecot, user, "imap", name="imap"), FORWARDED.format(name="smtp", address="smtp@in.example.org")
        )
        for raw in raws[:count]:
            dovecot.deliver(user, raw)
        for wanted in (50, 200):
            wait_until(lambda: receipts_of(plant) >= wanted, seconds=20, what="some mails")  # noqa: B023
            cluster.control("restart", "-l", "/dev/null")
            assert len(dovecot.messages(user)) + receipts_of(plant) >= count
        wait_for_all(plant, count)
        cluster.is_read_only(True)
        before = receipts_of(plant)
        for raw in raws[count:]:
            dovecot.deliver(user, raw)
        assert answer_to(plant, mail(subject="By SMTP", message_id="x@customer.example")) in {421, 451}
        time.sleep(4)
        assert (receipts_of(plant), len(dovecot.messages(user))) == (before, 20)
        cluster.is_read_only(False)
        assert_that_smtp_works_again(plant)
        wait_for_all(plant, count + 21)
        wait_until(lambda: not dovecot.messages(user), seconds=20, what="empty folder")
        wait_until(lambda: plant.state_of("imap") == ("", 0), seconds=20, what="a good state")
        plant.stop()
        print(plant.check_books([*(f"Mail {n:03}" for n in range(count + 20)), "By SMTP"]))


def receipts_of(plant: Plant) -> int:
    return int(plant.value("SELECT count(*) FROM postvak_receipt"))


def wait_for_all(plant: Plant, count: int) -> None:
    """With the back-off over, as a quarter of an hour later."""

    def is_done() -> bool:
        let_a_minute_pass(plant)
        plant.fetch_now()
        time.sleep(0.3)
        return plant.is_done(count)

    wait_until(is_done, seconds=40, what=f"{count} tickets")


def assert_that_smtp_works_again(plant: Plant) -> None:
    wait_until(
        lambda: answer_to(plant, mail(subject="By SMTP", message_id="x@customer.example")) == 250,
        seconds=20,
        what="a mail by SMTP",
    )
