"""Tickets as files: the mbox is read by Python's mailbox module, the ZIP by its zipfile, and no byte is lost."""

import gc
import io
import json
import mailbox as mailboxes
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from postvak.blobs import store
from postvak.models import Agent, Channel, Message, Ticket
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import note
from postvak.tickets.export import mbox, mbox_entry, plain_name, zipped
from tests.mails import mail
from tests.tickets.conftest import Receive
from tests.web.test_desk import HTML

pytestmark = pytest.mark.django_db

TRICKY = "From the start\n>From a quote\n>>From deeper\nfrom small\n From blank\n\nFrom: not a header\n"


def raw(message: Message) -> bytes:
    return store.get(str(message.blob_id)).replace(b"\r\n", b"\n")


def read_back(path: Path) -> list[bytes]:
    """What a program that knows mboxrd reads: the module finds the mails, one ">" goes from each marked line."""
    box = mailboxes.mbox(path)
    return [re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118


def test_an_mbox_gives_back_every_mail_byte_for_byte(
    receive: Receive, bob: Agent, channel: Channel, tmp_path: Path
) -> None:
    lamp, picture = receive(text=TRICKY), receive(raw=HTML)
    answer(lamp, Answer(to=("ann@customer.example",), text=TRICKY), by=bob)
    note(lamp, "Ann called.", by=bob)
    path = tmp_path / "tickets.mbox"
    path.write_bytes(b"".join(mbox([lamp.pk, picture.pk])))
    mails = Message.objects.exclude(kind="note").order_by("ticket", "created_at")
    expected = [raw(one) if raw(one).endswith(b"\n") else raw(one) + b"\n" for one in mails]
    assert len(expected) == 3
    assert read_back(path) == expected


def test_the_line_between_mails_is_that_of_rfc_4155(receive: Receive) -> None:
    message = receive().messages.get()
    first = mbox_entry(message).partition(b"\n")[0].decode()
    assert re.fullmatch(r"From ann@customer\.example [A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \d{4}", first)


def test_a_hostile_sender_can_not_begin_a_mail_of_his_own(receive: Receive, tmp_path: Path) -> None:
    message = receive().messages.get()
    message.author_email = "a b\nFrom x@y Sat Nov 21 10:00:00 2026\n"
    path = tmp_path / "hostile.mbox"
    path.write_bytes(mbox_entry(message))
    assert len(mailboxes.mbox(path)) == 1


def test_mails_whose_bytes_are_lost_are_named(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    lamp = receive(subject="Lamp")

    def lost(digest: str) -> bytes:
        raise store.BlobMissing("gone")

    monkeypatch.setattr(store, "get", lost)
    assert b"X-Postvak-Missing: BlobMissing" in b"".join(mbox([lamp.pk]))
    archive = opened(lamp)
    assert "could not be read" in archive.read(named(archive, "conversation.html")).decode()


def opened(*tickets: Ticket) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(zipped([ticket.pk for ticket in tickets]))))


def named(archive: zipfile.ZipFile, ending: str) -> str:
    return next(name for name in archive.namelist() if name.endswith(ending))


def test_a_zip_has_originals_files_notes_and_properties(receive: Receive, bob: Agent) -> None:
    ticket = receive(raw=HTML)
    note(ticket, "<b>Ann</b> called.", by=bob)
    archive = opened(ticket)
    assert archive.testzip() is None
    assert archive.read(named(archive, ".eml")) == store.get(str(ticket.messages.exclude(blob=None).get().blob_id))
    assert archive.read(named(archive, "page.html")).strip() == b"<script>alert(1)</script>"
    facts = json.loads(archive.read(named(archive, "ticket.json")))
    assert (facts["number"], facts["queue"]) == (ticket.number, "Support")
    assert [one["internal"] for one in facts["messages"]] == [False, True]
    assert facts["history"][-1] | {"at": ""} == {"at": "", "by": "Bob Baker", "what": "Internal note written"}
    page = archive.read(named(archive, "conversation.html")).decode()
    assert "&lt;b&gt;Ann&lt;/b&gt; called." in page
    assert "<script" not in page


def test_several_tickets_have_a_folder_each(receive: Receive) -> None:
    first, second = receive(subject="Lamp"), receive(subject="../../etc/passwd")
    archive = opened(first, second)
    folders = {name.split("/")[0] for name in archive.namelist()}
    assert folders == {f"{first.number} lamp", f"{second.number} etcpasswd"}
    assert not any(name.startswith("/") or ".." in name for name in archive.namelist())


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../evil.sh", "_.._evil.sh"),
        ("C:\\a\\b.txt", "C_a_b.txt"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 80 + ".pdf"),
        ("a\nb\x00.pdf", "a_b_.pdf"),
    ],
)
def test_names_of_files_are_never_paths(name: str, safe: str) -> None:
    assert plain_name(name) == safe


def test_many_tickets_need_no_more_memory_than_one(receive: Receive) -> None:
    text = "\n".join("0123456789abcdef" * 4 for _n in range(1500))  # 100 kB each
    keys = [
        receive(raw=mail(message_id=f"big{n}@x.example", subject=f"Big {n}", text=f"{n}\n{text}")).pk for n in range(7)
    ]
    for maker in (mbox, zipped):
        peak(maker, keys[:1])  # what is loaded once
        assert peak(maker, keys) < 1.5 * peak(maker, keys[:2])


def peak(maker: Callable[[list[int]], Iterator[bytes]], keys: list[int]) -> int:
    tracemalloc.start()
    for _piece in maker(keys):
        gc.collect()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_a_zip_has_the_clock_of_the_agent_though_it_is_made_after_the_request(
    client: Client, receive: Receive, bob: Agent
) -> None:
    ticket = receive()
    at = datetime(2026, 3, 1, 20, 15, 30, tzinfo=UTC)
    Message.objects.filter(ticket=ticket).update(created_at=at)
    Ticket.objects.filter(pk=ticket.pk).update(created_at=at, changed_at=at)
    for zone, hour, day in (("Asia/Tokyo", 5, 2), ("America/New_York", 15, 1)):
        Agent.objects.filter(pk=bob.pk).update(time_zone=zone, language="de")
        client.force_login(Agent.objects.get(pk=bob.pk))
        answer = client.get(f"/tickets/{ticket.number}/export.zip")
        archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
        info = archive.getinfo(named(archive, "conversation.html"))
        assert info.date_time[:5] == (2026, 3, day, hour, 15)
        page = archive.read(info).decode()
        assert f"{hour:02d}:15" in page
        assert f"0{day}.03.2026" in page
