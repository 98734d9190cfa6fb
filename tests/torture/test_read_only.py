"""A database file that may only be read (a restored backup, a file system that went read-only): everybody is asked to
wait, nothing is lost, and work goes on by itself when it can be written again."""

import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from postvak.models import Lease, Mailbox, Receipt
from postvak.receive.fetch import Fetch, fetch_mailbox
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot
from tests.torture.conftest import MakeSite, mails
from tests.torture.plant import FORWARDED, Plant, fetched
from tests.torture.test_many_fetchers import let_a_minute_pass
from tests.torture.test_resources import answer_to, receipts_of

pytestmark = pytest.mark.servers
TOKEN = "a-token-of-the-shop"
BY_HTTP = '[[mailbox]]\nname = "Shop"\nkind = "http"\ntoken = { env = "SHOP_TOKEN" }\n'


@pytest.fixture
def powerless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that a test starts mind the rights of files, also those of root."""
    if os.getuid() != 0:
        return
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED, there is no setpriv: root writes into files that nobody may write")
    rights = "-dac_override,-dac_read_search"
    start = tmp_path / "python"
    start.write_text(f'#!/bin/sh\nexec setpriv --bounding-set={rights} --inh-caps={rights} "{sys.executable}" "$@"\n')
    start.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(start))
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)


@contextmanager
def read_only(plant: Plant) -> Iterator[None]:
    """The file, what SQLite keeps beside it, and their directory."""
    files = [path for path in plant.data.iterdir() if path.name.startswith("postvak.sqlite3")]
    for path in files:
        path.chmod(0o400)
    plant.data.chmod(0o500)
    try:
        yield
    finally:
        plant.data.chmod(0o700)
        for path in files:
            if path.exists():
                path.chmod(0o600)


def status_of_http(plant: Plant, raw: bytes) -> int:
    request = urllib.request.Request(
        f"{plant.url}/api/v1/mail", raw, {"Authorization": f"Bearer {TOKEN}", "Idempotency-Key": "one"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_while_the_database_may_only_be_read_all_four_ways_in_say_try_later(
    tmp_path: Path, dovecot: Dovecot, powerless: None
) -> None:
    users = {kind: f"ro-{kind}-{time.time_ns()}" for kind in ("imap", "pop3")}
    by_smtp, by_http = (mail(subject=f"By {way}", message_id=f"{way}@customer.example") for way in ("SMTP", "HTTP"))
    raws = mails(12)
    with Plant.running(tmp_path) as plant:
        assert isinstance(plant, Plant)
        boxes = [fetched(dovecot, user, kind, name=kind) for kind, user in users.items()]
        plant.set_up(*boxes, FORWARDED.format(name="smtp", address="smtp@in.example.org"), BY_HTTP)
        for raw in raws[:2]:
            dovecot.deliver(users["imap"], raw)
        wait_until(lambda: plant.is_done(2), seconds=20, what="the first tickets")
        wait_until(lambda: not dovecot.messages(users["imap"]), seconds=20, what="an empty folder")
        with read_only(plant):
            for number, raw in enumerate(raws[2:]):
                dovecot.deliver(users["pop3" if number % 2 else "imap"], raw)
            assert answer_to(plant, by_smtp) in {421, 451}
            assert status_of_http(plant, by_http) == 503
            assert plant.cli("ingest", "-", input=by_smtp).returncode == 75
            time.sleep(4)
            left = [len(dovecot.messages(user)) for user in users.values()]
            assert (left, receipts_of(plant)) == ([5, 5], 2)
            assert plant.is_healthy()
        assert answer_to(plant, by_smtp) == 250
        assert status_of_http(plant, by_http) == 201

        def is_done() -> bool:
            let_a_minute_pass(plant)
            plant.fetch_now()
            time.sleep(0.5)
            return plant.is_done(14)

        wait_until(is_done, seconds=40, what="all tickets")
        wait_until(lambda: not any(dovecot.messages(user) for user in users.values()), seconds=20, what="empty folders")
        wait_until(lambda: plant.state_of("imap") == plant.state_of("pop3") == ("", 0), seconds=20, what="good states")
        plant.stop()
        plant.check_books([*(f"Mail t {n:05}" for n in range(12)), "By SMTP", "By HTTP"])


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_database_that_turns_read_only_in_the_middle_of_a_fetch_leaves_the_mails_on_the_server(
    site: MakeSite, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between listing and storing: the worst moment."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL that only reads: test_resources.py")
    place = site(kind)
    place.deliver(mails(3))
    taken = Lease.objects.renew

    def renew(name: str, owner: str) -> bool:
        kept = taken(name, owner)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only=ON")
        return kept

    monkeypatch.setattr(Lease.objects, "renew", renew)
    with pytest.raises(OperationalError, match="readonly"):
        fetch_mailbox(place.mailbox, worker="torture:1:x")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=OFF")
    assert (len(place.left()), Receipt.objects.count()) == (3, 0)
    monkeypatch.undo()
    Lease.objects.all().delete()  # a minute later
    again = fetch_mailbox(Mailbox.objects.get(pk=place.mailbox.pk), worker="torture:1:x")
    assert again == Fetch(seen=3, stored=3)
    assert place.left() == []
