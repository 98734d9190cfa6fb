"""A dump of osTicket becomes ours: set-up, people, tickets with numbers, dates, mails, notes, files and fields; twice is once."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postvak.blobs import store
from postvak.bring.work import KIND, do_import
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.mail.parse import attachment_content, parse
from postvak.models import (
    Address,
    Agent,
    Change,
    Customer,
    CustomField,
    Job,
    Message,
    Organisation,
    OutgoingMail,
    Queue,
    Ticket,
    TicketLink,
)
from tests.bring import osticket_dump

pytestmark = pytest.mark.django_db


def bring(path: Path, *, state: str = "done", **options: object) -> Job:
    job = jobs.enqueue(KIND, {"kind": "osticket", "path": str(path), **options}, by=None)
    work_due("test:1:x", {KIND: do_import})
    job.refresh_from_db()
    assert job.state == state, job.said
    return job


@pytest.fixture(params=["ost_", osticket_dump.PREFIX])
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "osticket.sql.gz"
    path.write_bytes(gzip.compress(osticket_dump.mysqldump(prefix=request.param)))
    return path


def test_a_ticket_comes_with_number_dates_people_mails_notes_and_fields(dump: Path, bob: Agent) -> None:
    job = bring(dump)
    ticket = Ticket.objects.get(number="100017")
    assert (ticket.subject, ticket.queue.name) == ("Drucker druckt; nicht", "Hilfe::Größe")
    assert (ticket.status.key, ticket.priority_id, str(ticket.type), ticket.assignee) == ("closed", 4, "Störung", bob)
    assert ticket.customer is not None
    assert (ticket.customer.name, str(ticket.customer.organisation)) == ("Jörg Müller", "Kunde & Söhne")
    assert (ticket.created_at, ticket.closed_at) == (
        datetime(2023, 3, 6, 7, 0, 5, tzinfo=UTC), datetime(2023, 3, 7, 8, tzinfo=UTC),
    )  # fmt: skip
    assert ticket.fields == {"geraet": ["Drucker"], "Ort": ["Süd"], "faellig": ["2023-04-01"]}
    first, answer, note = ticket.messages.all()
    assert (first.kind, first.author_email, first.cc) == (
        "incoming", "Joerg@Kunde.example", [["", "chef@kunde.example"]],
    )  # fmt: skip
    assert 'Er sagt: "kein Papier"' in first.text
    assert (answer.kind, answer.agent, answer.to, answer.text) == (
        "outgoing", bob, [["J", "joerg@kunde.example"]], "Papier nachlegen.",
    )  # fmt: skip
    assert (note.kind, note.is_internal, note.text) == ("note", True, "Kunde ist nett")
    assert (job.counts["tickets"], job.counts["incoming"], job.counts["note"]) == (3, 3, 2)


def test_mails_are_rebuilt_with_their_headers_and_files_put_together(dump: Path) -> None:
    bring(dump)
    first = Message.objects.get(message_id="a1@kunde.example")
    raw = store.get(str(first.blob_id))
    mail = parse(raw)
    assert raw.startswith(b"Received: from mx.kunde.example\r\n by mail.firma.example;")
    assert (mail.author, mail.message_id) == (parse(osticket_dump.HEADERS.encode()).author, "a1@kunde.example")
    assert (raw.count(b"\nMIME-Version:"), b'boundary="x"' in raw, mail.header("X-Postvak-Rebuilt")) == (
        raw.count(b"\nContent-Type:"), False, "osTicket",
    )  # fmt: skip
    plan, picture = first.attachments.order_by("part")
    assert (plan.name, attachment_content(raw, plan.part)[1]) == ("Ä Plan.pdf", b"".join(osticket_dump.CHUNKS))
    assert (picture.is_inline, picture.content_id) == (True, "kEy2")


def test_files_on_disk_come_from_their_directory(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "files" / "k").mkdir(parents=True)
    (tmp_path / "files" / "k" / "kEy3").write_bytes(b"here")
    job = bring(dump, articles=str(tmp_path / "files"))
    assert Message.objects.get(message_id="o1@firma.example").attachments.get().name == "lost.txt"
    assert "file:file_missing" not in job.result["reasons"]


def test_the_set_up_comes_along(dump: Path, bob: Agent) -> None:
    job = bring(dump)
    address = Address.objects.get(email="hilfe@firma.example")
    assert Queue.objects.get(name="Hilfe").address == address
    assert list(Queue.objects.get(name="Hilfe").members.all()) == [bob]
    zoe = Agent.objects.get(name="Zoë Weg")
    assert (zoe.is_active, zoe.has_usable_password(), job.result["hints"]) == (False, False, ["agents_off"])
    joerg = Customer.objects.get(addresses__email="joerg@kunde.example")
    assert (joerg.note, joerg.fields, joerg.addresses.count()) == ("+49 1", {"art": ["VIP"]}, 2)
    organisation = Organisation.objects.get()
    assert (organisation.note, organisation.domains.get().domain) == ("Straße 1", "kunde.example")
    fields = {one.key: (one.kind, one.holder, one.option_list) for one in CustomField.objects.all()}
    assert fields["geraet"] == ("choice", "ticket", ["Drucker", "PC"])
    assert fields["Ort"] == ("choices", "ticket", ["Nord", "Süd"])
    assert fields["art"] == ("text", "customer", [])


def test_a_merged_ticket_leads_to_the_other_and_open_ones_are_open(dump: Path) -> None:
    bring(dump)
    assert Ticket.objects.get(number="100031").merged_into == Ticket.objects.get(number="100017")
    assert not TicketLink.objects.exists()
    fresh = Ticket.objects.get(number="100023")
    assert (fresh.subject, fresh.status.key, fresh.is_open) == ("Frage O'Neill", "new", True)
    called, wrote = fresh.messages.all()
    assert (called.kind, called.is_internal, wrote.kind) == ("note", False, "incoming")


def test_what_is_left_out_is_said(dump: Path) -> None:
    job = bring(dump)
    assert job.result["reasons"] == {
        "address:no_address": 1,
        "article:not_taken": 1,
        "customer:no_address": 1,
        "field:not_taken": 1,
        "file:file_missing": 1,
        "ticket:empty": 1,
    }


def test_a_second_import_doubles_nothing_and_nobody_is_told(dump: Path) -> None:
    def numbers() -> list[int]:
        models = (Ticket, Message, Queue, Agent, Customer, Organisation, CustomField, Address)
        return [model.objects.count() for model in models]

    bring(dump)
    before = numbers()
    job = bring(dump)
    assert (numbers(), job.counts) == (before, {"again": 6})
    assert not OutgoingMail.objects.exists()
    assert not Change.objects.exists()


def test_a_trial_writes_nothing(dump: Path) -> None:
    queues = Queue.objects.count()
    job = bring(dump, is_dry=True)
    assert (job.counts["tickets"], job.counts["incoming"], job.counts["queues"], job.counts["fields"]) == (3, 3, 2, 4)
    assert (Ticket.objects.count(), Queue.objects.count(), Customer.objects.count()) == (0, queues, 0)


def test_a_broken_row_is_said_and_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "osticket.sql"
    path.write_bytes(osticket_dump.mysqldump(is_broken=True))
    job = bring(path)
    assert (job.result["reasons"]["row:row"], job.counts["tickets"]) == (1, 3)


def test_another_dump_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.sql"
    path.write_bytes(b"-- MySQL dump\nINSERT INTO `ost_ticket` VALUES (1,'x');\n")
    assert "none of the tables" in bring(path, state="failed").said
