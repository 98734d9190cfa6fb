"""While no more mail can be taken, senders are told so before they send it, keep it, and bring it later; and it is seen."""

import asyncio
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from postvak.configuration import Database, Listening
from postvak.models import Lease, Mailbox
from postvak.receive.accept import Arrived, accept
from postvak.receive.listener import limits, pressure, writer
from postvak.receive.listener.directory import Directory, Lookup, make
from postvak.receive.listener.limits import Limits, Room
from postvak.receive.listener.pressure import Pressure
from postvak.receive.listener.reception import Reception
from postvak.receive.listener.session import Session
from postvak.receive.listener.writer import Writer
from postvak.receive.refusing import Reason, backlog, refusals, show_refusals
from tests.mails import mail
from tests.receive.listening import Listener, Talk
from tests.servers import wait_until

SUPPORT = "support@in.example.org"
WORKER = "test:1:listen"


def under(reason: Reason) -> Pressure:
    found = Pressure(Limits(5, 5), Writer(lambda: None), 10, WORKER)
    match reason:
        case Reason.SLOW:
            found.writer.busy_since = monotonic() - pressure.SLOW - 1
        case Reason.ROOM:
            found.limits.bytes = limits.MEMORY * 3 // 4 + 1
        case Reason.DISK:
            found.is_disk_full = True
        case Reason.BACKLOG:
            found.has_backlog = True
    return found


@pytest.mark.parametrize(
    ("reason", "reply"),
    [(Reason.SLOW, "451 4.3.0"), (Reason.ROOM, "452 4.3.1"), (Reason.DISK, "452 4.3.1"), (Reason.BACKLOG, "451 4.3.2")],
)
def test_each_reason_has_a_reply_for_now_with_an_enhanced_code_and_is_told_of_once(reason: Reason, reply: str) -> None:
    one = under(reason)
    assert [one.reply()[:9] for _ in range(3)] == [reply] * 3
    assert one.new == {reason}
    assert one.reply().endswith("Please try again later.")


def test_without_pressure_mail_is_taken() -> None:
    assert Pressure(Limits(5, 5), Writer(lambda: None), 10, WORKER).reply() == ""


def test_the_disk_counts_only_where_mails_go_there(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = settings.CONFIGURATION
    elsewhere = replace(configuration, database=replace(configuration.database, engine="postgresql"), bucket=object())
    usage = shutil.disk_usage(configuration.data)
    for total, free, is_full in (
        (2**40, 2**28, False),
        (2**40, 2**27, True),
        (2**25, 2**22, False),
        (2**25, 2**20, True),
    ):
        monkeypatch.setattr(shutil, "disk_usage", lambda place, t=total, f=free: usage._replace(total=t, free=f))
        assert (pressure.is_disk_full(configuration), pressure.is_disk_full(elsewhere)) == (is_full, False), (
            total,
            free,
        )


def test_the_disk_of_a_database_elsewhere_counts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=0 if place == tmp_path else 2**60))
    configuration = settings.CONFIGURATION
    assert not pressure.is_disk_full(configuration)
    database = Database("sqlite3", str(tmp_path / "x.sqlite3"))
    assert pressure.is_disk_full(replace(configuration, database=database, bucket=None))
    assert pressure.is_disk_full(replace(configuration, database=database, bucket=object()))


def test_a_mail_begins_only_while_there_is_room_for_those_that_began() -> None:
    found, room = Pressure(Limits(5, 5), Writer(lambda: None), 10, WORKER), limits.MEMORY * 3 // 4
    began = Room(found.limits, limits.MEMORY)
    assert (began.take(room), found.reply()) == (True, "")
    assert (began.take(1), found.reply()[:9]) == (True, "452 4.3.1")
    began.give_back()
    assert found.reply() == ""


class Surprised(Lookup):
    """Fails in a way that nobody thought of, then answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, question: Callable[[], Any]) -> Any:
        self.asked += 1
        if self.asked == 1:
            raise ValueError("nobody thought of this")
        return True


def test_a_look_that_fails_is_not_the_last_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pressure, "LOOK", 0.001)
    one = Pressure(Limits(5, 5), Writer(lambda: None), 10, WORKER)

    async def looking() -> None:
        watching = asyncio.create_task(one.watch(Surprised()))
        async with asyncio.timeout(10):
            while not one.has_backlog:
                assert not watching.done()
                await asyncio.sleep(0.001)
        watching.cancel()

    asyncio.run(looking())
    assert "nobody thought of this" in caplog.text


@pytest.mark.django_db
def test_what_gone_workers_refused_is_forgotten_after_a_day() -> None:
    show_refusals({Reason.DISK, Reason.SLOW}, "gone:1:listen")
    Lease.objects.filter(name="refusing:disk:gone:1:listen").update(until=timezone.now() - timedelta(days=2))
    show_refusals((), WORKER)
    assert Lease.objects.filter(name__startswith="refusing:").count() == 2
    show_refusals({Reason.CROWD}, WORKER)
    left = Lease.objects.filter(name__startswith="refusing:").values_list("name", flat=True)
    assert set(left) == {"refusing:slow:gone:1:listen", f"refusing:crowd:{WORKER}"}


@pytest.mark.django_db
def test_what_is_refused_is_seen_for_a_minute_whoever_refuses() -> None:
    show_refusals({Reason.DISK, Reason.SLOW}, WORKER)
    show_refusals({Reason.SLOW}, "other:1:listen")
    assert refusals(timezone.now()) == {Reason.DISK, Reason.SLOW}
    assert refusals(timezone.now() + timedelta(seconds=61)) == set()


# -- the real listener ----------------------------------------------------------------------


def answer(talk: Talk) -> str:
    """To a mail that begins now."""
    talk.say("RSET")
    return talk.say("MAIL FROM:<ann@customer.example>")[:9]


@pytest.mark.servers
def test_over_the_limit_of_waiting_mails_no_more_are_taken_until_some_are_processed(tmp_path: Path) -> None:
    with Listener.running(tmp_path, POSTVAK_LISTEN_BACKLOG="2") as listener, Talk(listener.port) as talk:
        for number in range(2):
            assert talk.deliver(mail(message_id=f"m{number}@x.example"), SUPPORT).startswith("250")
        wait_until(lambda: answer(talk) == "451 4.3.2", seconds=20, what="a refusal")
        with Talk(listener.lmtp, hello="LHLO") as local:
            assert answer(local) == "451 4.3.2"
        shown = "SELECT count(*) FROM postvak_lease WHERE name LIKE 'refusing:backlog:%'"
        wait_until(lambda: listener.rows(shown) == [(1,)], seconds=20, what="a row that others see")
        assert "refused for now, and its senders will try again: backlog" in listener.log
        assert listener.count() == 2
        listener.change("UPDATE postvak_receipt SET state = 'done', outcome = 'ignored'")
        wait_until(lambda: answer(talk) == "250 2.1.0", seconds=20, what="mail is taken again")
        talk.say("RSET")
        assert talk.deliver(mail(message_id="m2@x.example"), SUPPORT).startswith("250")
        assert listener.count() == 3


# -- a database that is slow ----------------------------------------------------------------------


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Nothing is stored until it is set."""
    free = threading.Event()

    def commit(batch: list[writer.Parcel]) -> list[bool]:
        assert free.wait(30)
        return [True] * len(batch)

    async def directory(self: Lookup) -> Directory:
        return make([Mailbox(pk=1, name="Support", kind="forward", forward_addresses=SUPPORT)])

    monkeypatch.setattr(writer, "commit", commit)
    monkeypatch.setattr(Lookup, "directory", directory)
    monkeypatch.setattr(limits, "MEMORY", 100_000)
    yield free
    free.set()


async def say(reader: asyncio.StreamReader, sending: asyncio.StreamWriter, line: bytes) -> bytes:
    sending.write(line + b"\r\n")
    reply = await reader.readline()
    while reply[3:4] == b"-":
        reply = await reader.readline()
    return reply


async def listening(conversation: Callable[[int, Reception], Awaitable[None]]) -> None:
    with Writer(lambda: None) as writing:
        reception = Reception(Listening(), writing, WORKER)
        server = await asyncio.get_running_loop().create_server(lambda: Session(reception), "127.0.0.1", 0)
        await conversation(server.sockets[0].getsockname()[1], reception)
        server.close()
        reception.lookup.close()


async def begin(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    found = await asyncio.open_connection("127.0.0.1", port)
    await found[0].readline()
    await say(*found, b"EHLO mail.example")
    return found


def test_what_waits_to_be_stored_takes_its_room_until_it_is_stored(
    stuck: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow database must not cost memory: who comes meanwhile is told to come later, before he sends anything."""

    async def conversation(port: int, reception: Reception) -> None:
        first, second = await begin(port), await begin(port)
        for line in (b"MAIL FROM:<ann@customer.example>", b"RCPT TO:<" + SUPPORT.encode() + b">", b"DATA"):
            assert (await say(*first, line))[:1] in b"23"
        first[1].write(b"x" * 150_000 + b"\r\n.\r\n")
        while reception.writer.busy_since is None:
            await asyncio.sleep(0.01)
        assert reception.limits.bytes > 150_000
        assert (await say(*second, b"MAIL FROM:<bob@customer.example>")).startswith(b"452 4.3.1")
        monkeypatch.setattr(limits, "MEMORY", 10**9)
        monkeypatch.setattr(pressure, "SLOW", 0.0)
        assert (await say(*second, b"MAIL FROM:<bob@customer.example>")).startswith(b"451 4.3.0")
        stuck.set()
        assert (await first[0].readline()).startswith(b"250 2.0.0 stored")
        assert (await say(*second, b"MAIL FROM:<bob@customer.example>")).startswith(b"250")
        assert reception.limits.bytes == 0
        for _reader, sending in (first, second):
            sending.close()

    asyncio.run(listening(conversation))


@pytest.mark.django_db
def test_mails_of_mailboxes_that_only_look_and_of_others_are_no_backlog(mailbox: Mailbox) -> None:
    box = Mailbox.objects.create(name="Forwarded", kind=Mailbox.Kind.FORWARD, forward_addresses=SUPPORT)
    for number, owner in enumerate((box, box, box, mailbox)):
        accept(owner, [Arrived(f"SMTP/{number}", mail(message_id=f"b{number}@x.example"))])
    box.receipts.filter(source="SMTP/0").update(next_attempt_at=None)
    assert (backlog(100), backlog(1)) == (2, 1)
