"""fetch_mailbox against a real Dovecot: stored once, settled after the commit, errors kept per mailbox."""

import itertools
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from postvak.blobs import store
from postvak.models import Lease, Mailbox, Options, Queue, Receipt, Ticket
from postvak.process.held import try_again
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.receive.fetch import Fetch, fetch_mailbox, open_source
from postvak.receive.imap import ImapSource
from postvak.worker.identity import free_claims_of_the_dead
from tests.clock import Clock
from tests.mails import mail
from tests.servers import free_port
from tests.servers.dovecot import Dovecot
from tests.servers.scripted import scripted

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
NUMBERS = itertools.count(1)
Box = Callable[..., Mailbox]


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    name = f"fetch{next(NUMBERS)}"
    dovecot.add_user(name, "geheim")
    return name


@pytest.fixture
def box(dovecot: Dovecot, user: str, support: Queue) -> Box:
    """Makes the mailbox of `user`; further settings by keyword."""

    def make(**settings: object) -> Mailbox:
        kind = settings.get("kind", "imap")
        port = dovecot.imaps if kind == "imap" else dovecot.pop3s
        given = {"name": user, "kind": kind, "host": "localhost", "port": port, "ca_pem": dovecot.ca_pem}
        return make_box(**(given | {"username": user} | settings))

    return make


def make_box(*, password: str = "geheim", **settings: object) -> Mailbox:
    mailbox = Mailbox(**settings)  # type: ignore[misc]
    mailbox.password = password
    mailbox.save()
    return mailbox


def fetch(mailbox: Mailbox, worker: str = "test:1:x") -> Fetch:
    """One run with the mailbox as it stands in the database, and whatever it made processed."""
    mailbox.refresh_from_db()
    done = fetch_mailbox(mailbox, worker=worker)
    while process_due("test:1:x"):
        pass
    mailbox.refresh_from_db()
    return done


def numbered(count: int) -> list[bytes]:
    return [mail(subject=f"Mail {n}", message_id=f"n{n}@customer.example", text=str(n)) for n in range(count)]


def outcomes() -> list[str]:
    return list(Receipt.objects.order_by("id").values_list("outcome", flat=True))


# -- stored once -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_new_mails_become_tickets_and_a_second_run_stores_nothing(
    dovecot: Dovecot, user: str, box: Box, kind: str
) -> None:
    for raw in numbered(3):
        dovecot.deliver(user, raw)
    mailbox = box(kind=kind)
    assert fetch(mailbox) == Fetch(seen=3, stored=3)
    assert fetch(mailbox) == Fetch(seen=3, stored=0)
    assert sorted(Ticket.objects.values_list("subject", flat=True)) == ["Mail 0", "Mail 1", "Mail 2"]
    dovecot.deliver(user, mail(subject="Mail 3", message_id="n3@customer.example"))
    assert fetch(mailbox) == Fetch(seen=4, stored=1)
    assert outcomes() == ["new_ticket"] * 4


def test_the_stored_bytes_are_those_of_the_server(dovecot: Dovecot, user: str, box: Box) -> None:
    raw = mail(text="Grüße €") + b"\x80\xff and \r\n.\r\n..dot\r\n"
    dovecot.deliver(user, raw)
    fetch(box())
    receipt = Receipt.objects.get()
    assert receipt.size == len(raw)
    assert store.get(receipt.blob_id) == raw
    assert re.fullmatch(r"INBOX/\d+/1", receipt.source)
    assert receipt.arrived_at is not None


def test_more_mails_than_fit_into_one_commit_all_arrive(dovecot: Dovecot, user: str, box: Box) -> None:
    Options.objects.update(tickets_per_hour=120)
    for raw in numbered(120):
        dovecot.deliver(user, raw)
    assert fetch(box()) == Fetch(seen=120, stored=120)
    assert Ticket.objects.count() == 120


def test_mails_of_several_folders_are_fetched(dovecot: Dovecot, user: str, box: Box) -> None:
    for folder, raw in zip(("INBOX", "Archive", "Lists/Grüße"), numbered(3), strict=True):
        dovecot.deliver(user, raw, folder)
    assert fetch(box(folders="INBOX, Archive,Lists/Grüße")) == Fetch(seen=3, stored=3)
    folders = {source.rsplit("/", 2)[0] for source in Receipt.objects.values_list("source", flat=True)}
    assert folders == {"INBOX", "Archive", "Lists/Grüße"}


def test_a_copy_in_another_folder_is_a_duplicate_on_the_same_ticket(dovecot: Dovecot, user: str, box: Box) -> None:
    mailbox = box(folders="INBOX,Copies")
    dovecot.deliver(user, mail())
    dovecot.deliver(user, mail(), "Copies")
    assert fetch(mailbox).stored == 2
    assert outcomes() == ["new_ticket", "duplicate"]
    assert Ticket.objects.get().message_count == 1


def test_a_mail_that_was_moved_by_hand_is_no_second_ticket(dovecot: Dovecot, user: str, box: Box) -> None:
    mailbox = box(folders="INBOX,Done")
    dovecot.deliver(user, mail(), "Done")
    fetch(mailbox)
    dovecot.deliver(user, mail())
    fetch(mailbox)
    assert outcomes() == ["new_ticket", "duplicate"]


def test_a_new_uidvalidity_makes_receipts_anew_but_no_second_ticket(dovecot: Dovecot, user: str, box: Box) -> None:
    dovecot.deliver(user, mail())
    mailbox = box()
    fetch(mailbox)
    renew_uidvalidity(dovecot, user)
    assert fetch(mailbox) == Fetch(seen=1, stored=1)
    assert outcomes() == ["new_ticket", "duplicate"]
    first, second = Receipt.objects.order_by("id")
    assert first.source.split("/")[1] != second.source.split("/")[1]
    assert Ticket.objects.get().message_count == 1


def renew_uidvalidity(dovecot: Dovecot, user: str) -> None:
    """As after a restore: the same mails, other numbers. Dovecot keeps UIDVALIDITY in dovecot-uidlist."""
    home = dovecot.folder / "mail" / user
    uidlist = home / "dovecot-uidlist"
    lines = uidlist.read_text().split("\n")
    lines[0] = re.sub(r"\bV(\d+)", lambda match: f"V{int(match.group(1)) + 1}", lines[0])
    uidlist.write_text("\n".join(lines))
    for index in home.glob("dovecot.index*"):
        index.unlink()


def test_mails_before_the_start_date_are_kept_and_make_no_ticket(dovecot: Dovecot, user: str, box: Box) -> None:
    start = timezone.now() - timedelta(days=1)
    dovecot.deliver(user, numbered(2)[0], arrived_at=start - timedelta(hours=1))
    dovecot.deliver(user, numbered(2)[1], arrived_at=start + timedelta(hours=1))
    fetch(box(start_at=start))
    assert outcomes() == ["before_start", "new_ticket"]


# -- after storing -----------------------------------------------------------------------


def test_nothing_is_touched_on_the_server_by_default(dovecot: Dovecot, user: str, box: Box) -> None:
    dovecot.deliver(user, mail())
    fetch(box())
    assert dovecot.messages(user) == [mail()]
    assert dovecot.flags(user) == [set()]


def test_stored_mails_are_marked_as_seen(dovecot: Dovecot, user: str, box: Box) -> None:
    dovecot.deliver(user, mail())
    fetch(box(after_storing="seen"))
    assert dovecot.flags(user) == [{"\\Seen"}]


def test_stored_mails_are_moved(dovecot: Dovecot, user: str, box: Box) -> None:
    dovecot.deliver(user, mail())
    dovecot.deliver(user, b"Subject: older\r\n\r\n", "Done")
    fetch(box(after_storing="move", move_to="Done"))
    assert dovecot.messages(user) == []
    assert sorted(dovecot.messages(user, "Done")) == sorted([mail(), b"Subject: older\r\n\r\n"])


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_stored_mails_are_deleted(dovecot: Dovecot, user: str, box: Box, kind: str) -> None:
    for raw in numbered(2):
        dovecot.deliver(user, raw)
    assert fetch(box(kind=kind, after_storing="delete")).stored == 2
    assert dovecot.messages(user) == []


@pytest.mark.parametrize("after_storing", ["seen", "move", "delete"])
def test_nothing_happens_on_the_server_when_the_mail_can_not_be_stored(
    dovecot: Dovecot, user: str, box: Box, tmp_path: Path, settings: Settings, after_storing: str
) -> None:
    large = mail() + os.urandom(200_000).hex().encode()
    dovecot.deliver(user, large)
    dovecot.deliver(user, b"Subject: older\r\n\r\n", "Done")
    mailbox = box(after_storing=after_storing, move_to="Done")
    (tmp_path / "blobs").write_text("a file where the directory of large mails should be")
    good = settings.CONFIGURATION
    settings.CONFIGURATION = replace(good, data=tmp_path)
    with pytest.raises(OSError, match="blobs"):
        fetch_mailbox(mailbox, worker="test:1:x")
    assert dovecot.messages(user) == [large]
    assert dovecot.flags(user) == [set()]
    assert not Receipt.objects.exists()
    settings.CONFIGURATION = good
    assert fetch(mailbox, worker="another:1:y").stored == 1


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_what_a_crash_left_between_commit_and_deleting_is_deleted_by_the_next_run(
    dovecot: Dovecot, user: str, box: Box, kind: str
) -> None:
    mailbox = box(kind=kind, after_storing="delete")
    store_and_crash(mailbox, dovecot, user)
    assert fetch(mailbox) == Fetch(seen=1, stored=0)
    assert dovecot.messages(user) == []
    assert outcomes() == ["new_ticket"]


@pytest.mark.parametrize(("after_storing", "flags"), [("seen", [{"\\Seen"}]), ("move", [])])
def test_what_a_crash_left_between_commit_and_marking_or_moving_is_done_later(
    dovecot: Dovecot, user: str, box: Box, clock: Clock, after_storing: str, flags: list[set[str]]
) -> None:
    dovecot.deliver(user, b"Subject: older\r\n\r\n", "Done")
    mailbox = box(after_storing=after_storing, move_to="Done")
    store_and_crash(mailbox, dovecot, user)
    clock.advance(minutes=1)
    assert fetch(mailbox).stored == 0
    assert dovecot.flags(user) == flags
    assert outcomes() == ["new_ticket"]


def test_a_move_that_the_server_may_still_be_carrying_out_for_a_killed_worker_is_not_asked_for_twice(
    dovecot: Dovecot, user: str, box: Box, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(user, b"Subject: older\r\n\r\n", "Done")
    mailbox = box(after_storing="move", move_to="Done")
    store_and_crash(mailbox, dovecot, user)
    clock.advance(minutes=5)
    with monkeypatch.context() as patch:
        patch.setattr(ImapSource, "settle", killed)
        with pytest.raises(SystemExit):
            fetch(mailbox)
    clock.advance(minutes=0.1)
    fetch(mailbox)
    assert len(dovecot.messages(user)) == 1
    clock.advance(minutes=1)
    fetch(mailbox)
    assert (len(dovecot.messages(user)), len(dovecot.messages(user, "Done"))) == (0, 2)


def killed(*args: object) -> None:
    raise SystemExit


def store_and_crash(mailbox: Mailbox, dovecot: Dovecot, user: str) -> None:
    """What a worker does up to the commit, and then no more."""
    dovecot.deliver(user, mail())
    source = open_source(mailbox)
    fetched = list(source.fetch(source.items()))
    accept(mailbox, [Arrived(one.key, one.raw, one.arrived_at) for one in fetched])
    source.close()


def test_mails_that_came_after_storing_are_not_deleted_with_the_stored_ones(
    dovecot: Dovecot, user: str, box: Box
) -> None:
    mailbox = box(after_storing="delete")
    store_and_crash(mailbox, dovecot, user)
    source = open_source(mailbox)
    known = source.items()
    dovecot.deliver(user, mail(message_id="late@customer.example"))
    source.close()
    assert len(known) == 1
    assert fetch(mailbox) == Fetch(seen=2, stored=1)
    assert dovecot.messages(user) == []
    assert Receipt.objects.count() == 2


# -- what goes wrong ---------------------------------------------------------------------


def test_a_wrong_password_is_recorded_with_the_servers_words(box: Box, clock: Clock) -> None:
    mailbox = box(password="wrong")
    done = fetch(mailbox)
    assert done.problem is not None
    assert mailbox.last_problem == "login_refused"
    assert "Authentication failed" in mailbox.last_said
    assert (mailbox.failures, mailbox.failing_since) == (1, clock.now)
    assert mailbox.last_success_at is None
    assert "wrong" not in str(mailbox.last_details)


def test_an_unknown_server_is_recorded(box: Box) -> None:
    mailbox = box(host="no-such-server.invalid")
    fetch(mailbox)
    assert mailbox.last_problem == "unknown_host"
    assert mailbox.last_details["host"] == "no-such-server.invalid"


def test_a_wrong_folder_is_recorded_with_the_folders_that_are_there(dovecot: Dovecot, user: str, box: Box) -> None:
    dovecot.deliver(user, mail(), "Support")
    mailbox = box(folders="Suport")
    fetch(mailbox)
    assert mailbox.last_problem == "no_such_folder"
    assert mailbox.last_details["folders"] == "INBOX, Support"
    assert "Suport" in mailbox.last_said


def test_a_password_that_can_not_be_opened_is_recorded(box: Box) -> None:
    mailbox = box()
    Mailbox.objects.filter(pk=mailbox.pk).update(sealed_password="gAAAA-made-with-a-lost-key")
    fetch(mailbox)
    assert mailbox.last_problem == "login_refused"
    assert "sealing.keys" in mailbox.last_said


def test_failures_back_off_to_a_quarter_of_an_hour_and_a_success_clears_them(
    dovecot: Dovecot, box: Box, clock: Clock
) -> None:
    mailbox = box(port=free_port())
    since = clock.now
    pauses = []
    for _ in range(7):
        fetch(mailbox)
        assert mailbox.next_fetch_at is not None
        pauses.append((mailbox.next_fetch_at - clock.now) / timedelta(minutes=1))
        clock.now = mailbox.next_fetch_at - timedelta(seconds=1)
        assert not Mailbox.objects.due(clock.now).exists()
        clock.advance(seconds=1)
        assert Mailbox.objects.due(clock.now).get() == mailbox
    assert pauses == [1, 2, 4, 8, 15, 15, 15]
    assert (mailbox.failures, mailbox.failing_since, mailbox.last_problem) == (7, since, "refused")

    Mailbox.objects.update(port=dovecot.imaps)
    fetch(mailbox)
    assert (mailbox.failures, mailbox.failing_since, mailbox.last_problem) == (0, None, "")
    assert (mailbox.last_said, mailbox.last_details) == ("", {})
    assert mailbox.last_success_at == clock.now
    assert mailbox.next_fetch_at == clock.now + timedelta(seconds=60)


def test_one_mail_that_the_server_can_not_read_does_not_stop_the_others(support: Queue) -> None:
    with scripted(b"+OK ready\r\n", broken_pop3) as port:
        mailbox = make_box(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
        fetch(mailbox)
        assert sorted(Receipt.objects.values_list("source", flat=True)) == ["UIDL/one", "UIDL/three"]
        assert outcomes() == ["new_ticket", "new_ticket"]
        assert (mailbox.last_problem, mailbox.unreadable) == ("", {"UIDL/two": 1})


def test_a_mail_that_the_server_can_not_read_three_times_is_held_and_can_be_asked_for_anew(support: Queue) -> None:
    broken = [True]

    def answering(line: bytes) -> bytes:
        return broken_pop3(line) if broken[0] or line != b"RETR 2" else b"+OK\r\n" + mail() + b".\r\n"

    with scripted(b"+OK ready\r\n", answering) as port:
        mailbox = make_box(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
        for _ in range(3):
            assert not Receipt.objects.held().exists()
            fetch(mailbox)
        held = Receipt.objects.held().get()
        assert (held.source, mailbox.unreadable) == ("UIDL/two", {})
        assert "message 2 is corrupt" in held.trace.entries[0][2]["said"]
        assert fetch(mailbox).unreadable == ()
        broken[0] = False
        assert try_again([held]) == 1
        fetch(mailbox)
    assert outcomes() == ["new_ticket"] * 3


def test_after_an_unreadable_mail_the_others_are_still_deleted_and_it_stays() -> None:
    said: list[bytes] = []

    def listening(line: bytes) -> bytes:
        said.append(line)
        return broken_pop3(line)

    with scripted(b"+OK ready\r\n", listening) as port:
        settings = {"host": "127.0.0.1", "port": port, "security": "none", "username": "a"}
        fetch(make_box(name="Old", kind="pop3", after_storing="delete", **settings))
    assert [line for line in said if line.startswith(b"DELE")] == [b"DELE 1", b"DELE 3"]


def broken_pop3(line: bytes) -> bytes:
    """Three mails, of which the second can't be read."""
    command, *words = line.split()
    if command == b"UIDL":
        return b"+OK\r\n1 one\r\n2 two\r\n3 three\r\n.\r\n"
    if command == b"LIST":
        return b"+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n"
    if command == b"RETR" and words == [b"2"]:
        return b"-ERR message 2 is corrupt\r\n"
    if command == b"RETR":
        number = words[0].decode()
        return b"+OK\r\n" + mail(message_id=f"p{number}@customer.example", text=number) + b".\r\n"
    return b"+OK\r\n"


def test_a_connection_that_breaks_in_the_middle_keeps_what_came_and_goes_on_later(support: Queue) -> None:
    broken = [True]

    def breaking(line: bytes) -> bytes:
        if line == b"RETR 2":
            return b"+OK\r\nSubject: half a ma<hang up>" if broken[0] else b"+OK\r\n" + mail() + b".\r\n"
        return broken_pop3(line)

    with scripted(b"+OK ready\r\n", breaking) as port:
        mailbox = make_box(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
        assert fetch(mailbox).problem is not None
        assert list(Receipt.objects.values_list("source", flat=True)) == ["UIDL/one"]
        assert mailbox.last_problem == "closed"
        broken[0] = False
        assert fetch(mailbox) == Fetch(seen=3, stored=2)
    assert mailbox.last_problem == ""
    assert outcomes() == ["new_ticket"] * 3


# -- one at a time -----------------------------------------------------------------------


def test_a_mailbox_that_another_worker_has_is_left_alone(dovecot: Dovecot, user: str, box: Box) -> None:
    mailbox = box()
    dovecot.deliver(user, mail())
    assert Lease.objects.take(f"mailbox:{mailbox.pk}", "other:1:x")
    assert fetch(mailbox) == Fetch(busy=True)
    assert mailbox.next_fetch_at is None
    assert not Receipt.objects.exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_workers_at_once_the_second_finds_the_mailbox_busy() -> None:
    """The second comes while the first waits for the server's answer to its log-in."""
    second: list[Fetch] = []

    def while_logging_in(line: bytes) -> bytes:
        if line.startswith(b"PASS"):
            second.append(fetch_mailbox(Mailbox.objects.get(name="Old"), worker="second:1:b"))
            connection.close()
        return broken_pop3(line)

    with scripted(b"+OK ready\r\n", while_logging_in) as port:
        mailbox = make_box(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
        first = fetch_mailbox(mailbox, worker="first:1:a")
    assert (first.stored, first.busy) == (2, False)
    assert second == [Fetch(busy=True)]


def test_the_lease_is_given_back_after_success_and_after_failure(box: Box) -> None:
    mailbox = box()
    assert not fetch(mailbox, "first:1:a").busy
    Mailbox.objects.update(port=free_port())
    assert not fetch(mailbox, "second:1:b").busy
    assert not fetch(mailbox, "third:1:c").busy


def test_the_lease_of_a_dead_worker_of_this_machine_is_freed(dovecot: Dovecot, user: str, box: Box) -> None:
    mailbox = box()
    dovecot.deliver(user, mail())
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    assert Lease.objects.take(f"mailbox:{mailbox.pk}", f"{socket.gethostname()[:40]}:{gone.pid}:abcd")
    assert fetch(mailbox).busy
    free_claims_of_the_dead()
    assert fetch(mailbox).stored == 1


@pytest.fixture
def living_worker() -> Iterator[str]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield f"{socket.gethostname()[:40]}:{process.pid}:abcd"
        process.kill()


@pytest.mark.parametrize("elsewhere", [True, False])
def test_the_lease_of_a_living_worker_and_of_another_machine_is_not_freed(
    box: Box, living_worker: str, elsewhere: bool
) -> None:
    mailbox = box()
    owner = "another-machine:999999:abcd" if elsewhere else living_worker
    assert Lease.objects.take(f"mailbox:{mailbox.pk}", owner)
    free_claims_of_the_dead()
    assert fetch(mailbox).busy


def test_a_lease_runs_out_by_itself_after_a_minute(dovecot: Dovecot, user: str, box: Box, clock: Clock) -> None:
    mailbox = box()
    dovecot.deliver(user, mail())
    assert Lease.objects.take(f"mailbox:{mailbox.pk}", "another-machine:1:x")
    clock.advance(seconds=59)
    assert fetch(mailbox).busy
    clock.advance(seconds=1)
    assert fetch(mailbox).stored == 1


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_worker_that_lost_its_lease_while_the_server_was_slow_stores_nothing() -> None:
    def slow(line: bytes) -> bytes:
        if line.startswith(b"LIST"):
            Lease.objects.update(owner="another-machine:1:x")
            connection.close()
        return broken_pop3(line)

    with scripted(b"+OK ready\r\n", slow) as port:
        mailbox = make_box(name="Old", kind="pop3", host="127.0.0.1", port=port, security="none", username="a")
        assert fetch_mailbox(mailbox, worker="test:1:x").stored == 0
    assert not Receipt.objects.exists()
    assert Lease.objects.get().owner == "another-machine:1:x"


def test_when_our_store_fails_the_mailbox_says_so_backs_off_and_nothing_is_deleted(
    dovecot: Dovecot, user: str, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = box(after_storing="delete")
    dovecot.deliver(user, mail())
    prepare = store.prepare

    def full_disk(contents: list[bytes]) -> list[object]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "prepare", full_disk)
    with pytest.raises(OSError, match="No space left"):
        fetch_mailbox(mailbox, worker="test:1:x")
    mailbox.refresh_from_db()
    assert (mailbox.last_problem, mailbox.failures) == ("not_stored", 1)
    assert "No space left on device" in mailbox.last_said
    assert len(dovecot.messages(user)) == 1
    monkeypatch.setattr(store, "prepare", prepare)
    fetch(mailbox)
    assert (mailbox.last_problem, dovecot.messages(user)) == ("", [])
    assert outcomes() == ["new_ticket"]
