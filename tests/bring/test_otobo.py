"""A dump of OTOBO becomes ours: set-up, people, tickets with numbers, dates, mails, notes, files and fields; twice is once."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postvak.blobs import store
from postvak.bring.work import KIND, do_import
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.log.sentences import history_line
from postvak.mail.parse import attachment_content
from postvak.models import (
    Address,
    Agent,
    AnswerTemplate,
    Change,
    Customer,
    CustomField,
    Filter,
    Job,
    Message,
    Organisation,
    OutgoingMail,
    Queue,
    Receipt,
    Sla,
    Ticket,
    TicketLink,
    Wording,
)
from postvak.tickets.sla.rules import check_calendar
from tests.bring import otobo_dump

pytestmark = pytest.mark.django_db
DUMPS = {
    "mysqldump": otobo_dump.mysqldump,
    "pg_dump": otobo_dump.pg_dump,
    "pg_dump --inserts": lambda: otobo_dump.pg_dump(has_inserts=True),
}


def bring(path: Path, **options: object) -> Job:
    job = jobs.enqueue(KIND, {"kind": "otobo", "path": str(path), **options}, by=None)
    work_due("test:1:x", {KIND: do_import})
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.said
    return job


@pytest.fixture(params=list(DUMPS))
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "otobo.sql.gz"
    path.write_bytes(gzip.compress(DUMPS[request.param]()))
    return path


def test_a_ticket_comes_with_number_dates_people_mails_notes_and_fields(dump: Path, bob: Agent) -> None:
    job = bring(dump)
    ticket = Ticket.objects.get(number="2023030610000017")
    assert (ticket.subject, ticket.queue.name, ticket.status.key) == (
        "Drucker druckt; nicht",
        "Support::Größe",
        "closed",
    )
    assert (ticket.priority_id, str(ticket.type), ticket.assignee) == (4, "Störung", bob)
    assert ticket.customer is not None
    assert (ticket.customer.name, str(ticket.customer.organisation)) == ("Jörg Müller", "Kunde & Söhne")
    assert ticket.created_at == datetime(2023, 3, 6, 7, 0, 5, tzinfo=UTC)
    assert ticket.fields == {"Geraet": ["drucker"], "Faellig": ["2023-04-01"]}
    first, answer, note = ticket.messages.all()
    assert (first.kind, first.text.splitlines()[0]) == ("incoming", "Er sagt: 'kein Papier';")
    assert (answer.kind, answer.agent, answer.to, answer.text) == (
        "outgoing", bob, [["", "joerg@kunde.example"]], "Papier nachlegen.\nGruß",
    )  # fmt: skip
    assert (note.kind, note.is_internal, note.text, note.blob) == ("note", True, "Kunde ist nett", None)
    assert Receipt.objects.get(message=first).fingerprint
    assert job.counts["tickets"] == 3


def test_the_original_is_kept_byte_by_byte_and_a_lost_one_is_rebuilt_with_its_files(dump: Path) -> None:

    bring(dump)
    original = Message.objects.get(message_id="a1@kunde.example")
    assert store.get(str(original.blob_id)) == otobo_dump.RAW
    question = Message.objects.get(message_id="f1@neu.example")
    file = question.attachments.get()
    assert (file.name, question.has_html) == ("Ä Plan.pdf", True)
    assert attachment_content(store.get(str(question.blob_id)), file.part)[1] == b"%PDF\0'\\;"


def test_the_set_up_comes_along(dump: Path, bob: Agent) -> None:
    bring(dump)
    address = Address.objects.get(email="support@firma.example")
    assert Queue.objects.get(name="Support::Größe").address == address
    assert Queue.objects.get(name="Support::Größe").follow_up == Queue.FollowUp.NEW_TICKET
    assert not Queue.objects.get(name="Alt").is_valid
    assert Wording.objects.get(address=address).text.startswith("{{ agent.name }}")
    zoe = Agent.objects.get(name="Zoë Weg")
    assert (zoe.is_active, zoe.has_usable_password()) == (False, False)
    assert list(Queue.objects.get(name="Support").members.all()) == [bob]
    assert Customer.objects.get(addresses__email="joerg@kunde.example").note == "+49 1"
    assert Organisation.objects.get().number == "K-7"
    field = CustomField.objects.get(key="Geraet")
    assert (field.kind, field.option_list) == ("choice", ["drucker", "pc"])
    templates = {row.name: row.is_valid for row in AnswerTemplate.objects.all() if row.name in {"Danke", "Seltsam"}}
    assert templates == {"Danke": True, "Seltsam": False}
    assert "{{ customer.name }}" in AnswerTemplate.objects.get(name="Danke").texts.get().html


def test_filters_come_switched_off_and_the_report_says_so(dump: Path) -> None:
    assert bring(dump).result["hints"] == ["agents_off", "filters_off", "slas_off"]
    assert not Filter.objects.get(name="Rechnungen").is_valid
    Filter.objects.update(is_valid=True)
    again = bring(dump)
    assert (again.result["hints"], again.result["reasons"].get("filter:settings")) == ([], None)
    assert Filter.objects.get(name="Rechnungen").is_valid


def test_escalation_times_are_service_levels_that_are_switched_off(dump: Path, support: Queue) -> None:
    trial = bring(dump, is_dry=True)
    assert (trial.counts["slas"], trial.counts["calendars"], Sla.objects.count()) == (2, 2, 0)
    job = bring(dump)
    assert (job.counts["slas"], job.counts["calendars"]) == (2, 2)
    gold = Sla.objects.get(name="Gold")
    assert (gold.first_answer, gold.next_answer, gold.solution, gold.is_valid) == (30, 120, None, False)
    assert gold.calendar.hours["0"] == [["08:00", "10:00"]]
    of_queues = Sla.objects.get(name="Support, Support::Größe")
    assert (of_queues.first_answer, of_queues.next_answer, of_queues.solution) == (60, None, 480)
    assert {queue.name for queue in of_queues.queues.all()} == {"Support", "Support::Größe"}
    calendar = of_queues.calendar
    assert (calendar.name, calendar.time_zone) == ("Werkstatt", "Europe/Berlin")
    assert (calendar.hours["4"], calendar.hours["6"]) == ([["08:00", "10:00"], ["13:00", "14:00"]], [])
    assert list(calendar.holidays.values()) == ["Heiligabend"] * 3
    check_calendar(calendar)


def test_a_service_level_that_was_renamed_or_deleted_here_does_not_come_again(dump: Path) -> None:
    bring(dump)
    Sla.objects.filter(name="Gold").update(name="Gold 2026")
    Sla.objects.exclude(name="Gold 2026").delete()
    again = bring(dump)
    assert [row.name for row in Sla.objects.all()] == ["Gold 2026"]
    assert "slas" not in again.counts
    assert "slas_off" not in again.result["hints"]


def test_what_was_changed_there_stands_in_the_history_at_its_date(dump: Path, bob: Agent) -> None:
    assert bring(dump, is_dry=True).counts["history"] == 4
    job = bring(dump)
    lines = list(Ticket.objects.get(number="2023030610000017").history.order_by("pk"))
    assert [history_line(line.code, line.parameters) for line in lines] == [
        "In the old system: moved from queue “Support” to “Support::Größe”",
        "In the old system: status changed from “new” to “closed successful”",
        "In the old system: priority changed from “3 normal” to “4 high”",
        "In the old system: assigned to bob",
        "Taken over from “OTOBO” by an import",
    ]
    assert [line.agent for line in lines[:2]] == [bob, bob]
    assert lines[0].at == datetime(2023, 3, 6, 7, 0, 5, tzinfo=UTC)
    assert job.counts["history"] == 4


def test_merged_and_linked_tickets_stay_so(dump: Path) -> None:
    bring(dump)
    parent = Ticket.objects.get(number="2023030610000017")
    assert Ticket.objects.get(number="2023030710000031").merged_into == parent
    assert TicketLink.objects.get().ticket.number == "2024050110000023"


def test_what_is_left_out_is_said(dump: Path) -> None:
    job = bring(dump)
    assert job.result["reasons"] == {
        "address:no_address": 1,
        "customer:no_address": 1,
        "field:not_taken": 1,
        "ticket:empty": 1,
    }


def test_a_second_import_doubles_nothing(dump: Path) -> None:
    def numbers() -> list[int]:
        models = (
            Ticket,
            Message,
            Queue,
            Agent,
            Customer,
            Organisation,
            AnswerTemplate,
            Filter,
            Receipt,
            TicketLink,
            Wording,
        )
        return [model.objects.count() for model in models]

    bring(dump)
    before = numbers()
    job = bring(dump)
    assert numbers() == before
    assert job.counts["again"] == 6
    assert "tickets" not in job.counts


def test_nothing_is_sent_or_told(dump: Path) -> None:
    bring(dump)
    assert not OutgoingMail.objects.exists()
    assert not Change.objects.exists()


def test_a_trial_writes_nothing(dump: Path) -> None:
    queues = Queue.objects.count()
    job = bring(dump, is_dry=True)
    assert (job.counts["tickets"], job.counts["incoming"], job.counts["queues"]) == (3, 2, 3)
    assert (Ticket.objects.count(), Queue.objects.count(), Customer.objects.count()) == (0, queues, 0)


def test_a_broken_row_is_said_and_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "otobo.sql"
    path.write_bytes(otobo_dump.mysqldump(is_broken=True))
    job = bring(path)
    assert job.result["reasons"]["row:row"] == 1
    assert job.counts["tickets"] == 3


def test_another_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "other.sql"
    path.write_bytes(b"-- MySQL dump\nINSERT INTO `other` VALUES (1,'x');\n")
    job = jobs.enqueue(KIND, {"kind": "otobo", "path": str(path)}, by=None)
    work_due("test:1:x", {KIND: do_import})
    job.refresh_from_db()
    assert (job.state, job.said.split(".")[0]) == ("failed", "The file holds none of the tables that were expected")
