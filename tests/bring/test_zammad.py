"""What Zammad's API gives, saved as JSON, becomes tickets; twice is once."""

import base64
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postvak.bring.work import KIND, do_import
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.models import Agent, Job, Message, Ticket

pytestmark = pytest.mark.django_db
AT = "2023-05-06T07:08:09.000Z"
EXPORT = {
    "users": [
        {"id": 2, "email": "Bob@example.org", "firstname": "Bob", "lastname": "B"},
        {"id": 3, "email": "ann@customer.example", "firstname": "Änn", "lastname": "\0S"},
    ],
    "groups": [{"id": 1, "name": "Helpdesk"}],
    "organizations": [],
    "tickets": [
        {
            "id": 5,
            "number": "67001",
            "title": "Lampe",
            "group_id": 1,
            "state": "closed",
            "priority": "3 high",
            "owner_id": 2,
            "customer_id": 3,
            "created_at": AT,
            "close_at": "2023-05-08T07:00:00Z",
            "tags": ["vip"],
        },
        {"id": 6, "number": "67002", "title": "Leer", "group_id": 1, "state_id": 2, "customer_id": 3, "created_at": AT},
    ],
    "ticket_articles": [
        {
            "id": 1,
            "ticket_id": 5,
            "type": "email",
            "sender": "Customer",
            "from": "Änn <ann@customer.example>",
            "to": "help@example.org",
            "subject": "Lampe",
            "body": "<p>Kaputt &amp; alt</p>",
            "content_type": "text/html",
            "message_id": "<z1@customer.example>",
            "created_at": AT,
            "created_by_id": 3,
            "attachments": [
                {
                    "filename": "a.txt",
                    "data": base64.b64encode(b"hi").decode(),
                    "preferences": {"Content-Type": "text/plain"},
                }
            ],
        },
        {
            "id": 2,
            "ticket_id": 5,
            "type": "note",
            "sender": "Agent",
            "internal": True,
            "body": "psst",
            "content_type": "text/plain",
            "created_at": "2023-05-07T07:08:09Z",
            "created_by_id": 2,
        },
        {
            "id": 3,
            "ticket_id": 5,
            "type": "email",
            "sender": "Agent",
            "from": "help@example.org",
            "to": "ann@customer.example",
            "subject": "Re: Lampe",
            "body": "Neu",
            "content_type": "text/plain",
            "created_at": "2023-05-07T08:08:09Z",
            "created_by_id": 2,
        },
    ],
}


def bring(path: Path, *, state: str = "done") -> Job:
    job = jobs.enqueue(KIND, {"kind": "zammad", "path": str(path)}, by=None)
    work_due("test:1:x", {KIND: do_import})
    job.refresh_from_db()
    assert job.state == state, job.said
    return job


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "zammad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in EXPORT.items():
            archive.writestr(f"export/{name}.json", json.dumps(rows))
    return path


def test_tickets_come_with_people_mails_notes_and_files(export: Path, bob: Agent) -> None:
    job = bring(export)
    ticket = Ticket.objects.get(number="67001")
    assert (ticket.queue.name, ticket.status.key, ticket.priority_id, ticket.assignee) == ("Helpdesk", "closed", 4, bob)
    assert (ticket.created_at, ticket.closed_at) == (
        datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC), datetime(2023, 5, 8, 7, tzinfo=UTC),
    )  # fmt: skip
    kinds = list(ticket.messages.values_list("kind", "is_internal", "text"))
    assert kinds == [("incoming", False, "Kaputt & alt"), ("note", True, "psst"), ("outgoing", False, "Neu")]
    assert ticket.messages.first().attachments.get().name == "a.txt"  # type: ignore[union-attr]
    assert str(ticket.customer) == "Änn S"
    assert list(ticket.tags.values_list("name", flat=True)) == ["vip"]
    assert job.result["reasons"] == {"ticket:empty": 1}


def test_a_second_import_doubles_nothing(export: Path) -> None:
    bring(export)
    job = bring(export)
    assert (Ticket.objects.count(), Message.objects.count(), job.counts) == (1, 3, {"again": 3})


def test_what_is_no_export_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "tickets.json").write_text("{}")
    assert "no export" in bring(tmp_path, state="failed").said
