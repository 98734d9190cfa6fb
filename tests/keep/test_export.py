"""The export of everything, and its way back into a fresh installation: nothing is lost on the round."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.apps import apps
from django.db import transaction

from postvak.keep import rows
from postvak.keep.about import about_person
from postvak.keep.archive import write_export
from postvak.keep.load import CannotLoad, delete_all, load
from postvak.log.ledger.numbers import fold, totals
from postvak.models import (
    Agent,
    Blob,
    Change,
    Channel,
    Customer,
    CustomField,
    History,
    LedgerEntry,
    Mailbox,
    Message,
    OutgoingMail,
    Queue,
    Tag,
    Ticket,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.answer import Answer, answer
from postvak.tickets.search.index import index_due
from tests.mails import mail

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.usefixtures("no_automatic_mail"),
]


@pytest.fixture
def filled(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> Ticket:
    """A ticket with an answer, a tag, a field, odd letters and a mail of odd bytes."""
    accept(mailbox, [Arrived("e/1", mail(text="Grüße \U0001f600")), Arrived("e/2", b"\xff\x00 no mail at all")])
    process_due("test:1:x")
    ticket = Ticket.objects.get(subject="The lamp flickers")
    CustomField.objects.create(label="Colour", key="colour")
    Tag.objects.create(name="lamp").taggings.create(ticket=ticket)  # type: ignore[attr-defined]
    Ticket.objects.filter(pk=ticket.pk).update(fields={"colour": "rosé"}, organisation=None)
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    OutgoingMail.objects.update(next_attempt_at=None)
    ticket.refresh_from_db()
    return ticket


def exported() -> bytes:
    file = io.BytesIO()
    write_export(file)
    return file.getvalue()


def lines(archive: bytes) -> dict[str, list[str]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as zipped:
        return {name: sorted(zipped.read(name).decode().splitlines()) for name in zipped.namelist() if "data/" in name}


@transaction.atomic
def emptied() -> None:
    """As a fresh installation, but without its shipped rows: loading brings its own."""
    for model in reversed(list(apps.get_app_config("postvak").get_models(include_auto_created=True))):
        if rows.name_of(model) not in {"searchstate"}:
            delete_all(model)


def test_what_is_exported_and_taken_in_is_the_same(filled: Ticket, tmp_path: Path) -> None:
    fold()
    first, numbers = exported(), {way: totals(way) for way in ("in", "out")}
    doubted = {"data/delivery.jsonl", "data/deliveryevent.jsonl", "data/imported.jsonl", "data/ledgerentry.jsonl"}
    raws = {blob.digest for blob in Blob.objects.all()}
    (tmp_path / "x.zip").write_bytes(first)
    emptied()
    load(tmp_path / "x.zip", lambda done, total: None)
    before, after = lines(first), lines(exported())
    different = {name for name in before if before[name] != after[name]}
    assert different <= doubted | {"data/ticket.jsonl", "data/auditentry.jsonl"}
    assert raws == {blob.digest for blob in Blob.objects.all()}
    fold()
    assert totals("in") == numbers["in"]
    assert LedgerEntry.objects.count() == sum(sum(one.values()) for one in numbers.values())
    assert not Change.objects.exists()


def test_afterwards_everything_works_on(filled: Ticket, tmp_path: Path, mailbox: Mailbox) -> None:
    (tmp_path / "x.zip").write_bytes(exported())
    emptied()
    load(tmp_path / "x.zip", lambda done, total: None)
    accept(mailbox, [Arrived("e/9", mail(message_id="n@x.example", subject=f"Re: [#{filled.number}]"))])
    assert process_due("test:1:x")
    assert Message.objects.filter(message_id="n@x.example").exists()
    while index_due("test:1:x"):
        pass
    assert History.objects.order_by("-pk")[0].ticket_id == Message.objects.get(message_id="n@x.example").ticket_id


def test_it_goes_only_into_a_fresh_installation(filled: Ticket, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(exported())
    with pytest.raises(CannotLoad, match="fresh"):
        load(tmp_path / "x.zip", lambda done, total: None)


def test_no_secret_is_in_it(filled: Ticket, bob: Agent) -> None:
    Channel.objects.update(sealed_password="sealed-secret")
    raw = exported()
    with zipfile.ZipFile(io.BytesIO(raw)) as zipped:
        everything = b"".join(zipped.read(name) for name in zipped.namelist())
    assert b"sealed-secret" not in everything
    assert bob.password.encode() not in everything


def test_the_mails_are_exact_and_every_file_has_its_checksum(filled: Ticket) -> None:
    with zipfile.ZipFile(io.BytesIO(exported())) as zipped:
        sums = dict(line.split("  ")[::-1] for line in zipped.read("SHA256SUMS").decode().splitlines())
        assert set(sums) == set(zipped.namelist()) - {"SHA256SUMS"}
        assert all(hashlib.sha256(zipped.read(name)).hexdigest() == digest for name, digest in sums.items())
        (ticket,) = [
            one for one in map(json.loads, zipped.read("tickets.jsonl").splitlines()) if one["id"] == filled.pk
        ]
        assert zipped.read(ticket["messages"][0]["mail"]) == mail(text="Grüße \U0001f600")
    assert (ticket["fields"], ticket["tags"]) == ({"colour": "rosé"}, ["lamp"])


def test_one_person_gets_what_is_his(filled: Ticket) -> None:
    ann = Customer.objects.get(addresses__email="ann@customer.example")
    with zipfile.ZipFile(io.BytesIO(b"".join(about_person(ann)))) as zipped:
        card = json.loads(zipped.read("person.json"))
        mails = [name for name in zipped.namelist() if name.endswith(".eml")]
    assert card["addresses"] == ["ann@customer.example"]
    assert len(mails) == 2
