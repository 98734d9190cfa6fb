"""IDLE, reconciliation and silence: mail is noticed at once, nothing is missing, and quiet mailboxes are an alarm."""

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Lease, Mailbox, Queue, Receipt
from postvak.receive.fetch import fetch_mailbox, imap_source
from postvak.receive.idle import Idler
from postvak.receive.reconcile import due_for_comparison, reconcile
from postvak.receive.silence import silent_mailboxes
from tests.mails import mail
from tests.servers import wait_until
from tests.servers.dovecot import Dovecot

NUMBERS = itertools.count(1)
WORKER = "test:1:watch"


@pytest.fixture
def box(dovecot: Dovecot, support: Queue) -> Mailbox:
    name = f"watch{next(NUMBERS)}"
    dovecot.add_user(name, "geheim")
    mailbox = Mailbox(
        name=name, kind="imap", host="localhost", port=dovecot.imaps, ca_pem=dovecot.ca_pem, username=name
    )
    mailbox.password = "geheim"
    mailbox.save()
    return mailbox


@pytest.fixture
def idler() -> Iterator[Idler]:
    watcher = Idler(imap_source, WORKER)
    yield watcher
    watcher.close()


def rounds_until(idler: Idler, condition: object, seconds: float = 20) -> None:
    """Let the watcher work until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "nothing happened in time"
        idler.synced_at = 0.0
        idler.round()


def is_due(mailbox: Mailbox) -> bool:
    return Mailbox.objects.due(timezone.now()).filter(pk=mailbox.pk).exists()


@pytest.mark.servers
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_new_mail_makes_a_watched_mailbox_due_before_its_interval(dovecot: Dovecot, box: Mailbox, idler: Idler) -> None:
    fetch_mailbox(box, worker=WORKER)
    rounds_until(idler, lambda: box.pk in idler.watches)
    assert not is_due(box)
    dovecot.deliver(box.username, mail())
    rounds_until(idler, lambda: is_due(box))
    assert fetch_mailbox(Mailbox.objects.get(pk=box.pk), worker=WORKER).stored == 1


@pytest.mark.servers
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_mailbox_is_watched_by_one_worker_and_let_go_when_it_is_invalid(box: Mailbox, idler: Idler) -> None:
    fetch_mailbox(box, worker=WORKER)
    rounds_until(idler, lambda: box.pk in idler.watches)
    other = Idler(imap_source, "test:2:other")
    other.round()
    assert not other.watches
    assert not other.connecting
    Mailbox.objects.filter(pk=box.pk).update(validity="temporarily")
    rounds_until(idler, lambda: box.pk not in idler.watches)


@pytest.mark.servers
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_stopping_says_goodbye_to_all_servers_and_waits_for_none(dovecot: Dovecot, box: Mailbox) -> None:
    for number in range(4):
        dovecot.add_user(f"{box.username}-{number}", "geheim")
        fields = {
            "name": f"More {number}",
            "username": f"{box.username}-{number}",
            "sealed_password": box.sealed_password,
        }
        Mailbox.objects.create(host=box.host, port=box.port, ca_pem=box.ca_pem, **fields)
    Mailbox.objects.update(last_success_at=timezone.now())
    stopping = Idler(imap_source, WORKER)
    rounds_until(stopping, lambda: len(stopping.watches) == 5)
    log = dovecot.folder / "log"
    before = log.read_text().count("Logged out")
    began = time.monotonic()
    stopping.close()
    assert time.monotonic() - began < 2
    assert not Lease.objects.exclude(owner="").exists()
    wait_until(lambda: log.read_text().count("Logged out") == before + 5, seconds=5, what="five goodbyes")


@pytest.mark.servers
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_stops_while_a_mailbox_is_being_connected_leaves_it_to_others_at_once(box: Mailbox) -> None:
    fetch_mailbox(box, worker=WORKER)
    stopping = Idler(imap_source, WORKER)
    stopping.sync()
    assert stopping.connecting
    stopping.close()
    assert Lease.objects.take(f"idle:{box.pk}", "test:2:other")


@pytest.mark.servers
@pytest.mark.django_db
def test_a_comparison_with_the_server_counts_every_mail_and_finds_none_missing(dovecot: Dovecot, box: Mailbox) -> None:
    for n in range(30):
        dovecot.deliver(box.username, mail(message_id=f"r{n}@x.example", text=str(n)))
    result = reconcile(box, worker=WORKER)
    assert (result.compared, result.missing, result.problem) == (30, (), None)
    box.refresh_from_db()
    assert (box.compared, box.missing) == (30, [])
    assert not due_for_comparison(timezone.now()).exists()
    assert due_for_comparison(timezone.now() + timedelta(hours=25)).get() == box


@pytest.mark.servers
@pytest.mark.django_db
def test_a_mail_that_we_lack_is_named(
    dovecot: Dovecot, box: Mailbox, client: Client, admin: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(box.username, mail())
    reconcile(box, worker=WORKER)
    lost = Receipt.objects.get().source
    monkeypatch.setattr("postvak.receive.reconcile.fetch_mailbox", lambda mailbox, worker: None)
    Receipt.objects.all().delete()
    assert reconcile(box, worker=WORKER).missing == (lost,)
    client.force_login(admin)
    assert lost in client.get(f"/admin/mailboxes/{box.pk}/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last", "failing", "is_silent"),
    [(5, None, False), (20, None, True), (20, 18, True), (None, 20, True), (None, 5, False), (None, None, False)],
)
def test_silence_longer_than_the_limit_is_an_alarm(last: int | None, failing: int | None, is_silent: bool) -> None:
    now = timezone.now()
    box = Mailbox.objects.create(
        name="Quiet",
        kind="imap",
        last_success_at=now - timedelta(minutes=last) if last else None,
        failing_since=now - timedelta(minutes=failing) if failing else None,
    )
    assert (box in silent_mailboxes(now)) is is_silent
