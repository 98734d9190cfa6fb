"""What Zammad's API gives, saved as JSON, becomes tickets; twice is once."""

import base64
import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postvak.blobs import store
from postvak.bring.work import KIND, do_import
from postvak.bring.zammad_files import objects_in
from postvak.jobs import queue as jobs
from postvak.jobs.run import work_due
from postvak.models import Agent, Customer, CustomField, Job, Message, Organisation, Queue, Ticket, TicketLink

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


# ---- a whole export ------------------------------------------------------------

RAW = "From: Änn <ann@customer.example>\r\nSubject: Lampe\r\nMessage-ID: <z1@customer.example>\r\n\r\nKaputt, im Original\r\n".encode()
MORE = {
    "users": [
        {"id": 1, "email": "", "login": "-", "created_at": "2020-01-01T00:00:00Z"},
        {"id": 2, "email": "bob@example.org", "firstname": "Bob", "roles": ["Agent"], "group_ids": {"1": ["full"]}},
        {"id": 3, "email": "ann@customer.example", "firstname": "Änn", "organization_id": 4, "phone": "+31 1", "vip_level": "gold"},
        {"id": 9, "email": "kim@example.org", "firstname": "Kim", "roles": ["Admin"]},
        {"id": 10, "email": "", "firstname": "No", "lastname": "Mail"},
    ],
    "groups": [{"id": 1, "name": "Helpdesk::Süd"}],
    "organizations": [{"id": 4, "name": "Kunde & Söhne", "domain": "Customer.example", "domain_assignment": True, "note": "nett", "sap": 12}],
    "object_manager_attributes": [
        {"object": "Ticket", "name": "device", "display": "Gerät", "data_type": "tree_select", "editable": True, "active": True, "position": 5,
         "data_option": {"options": [{"value": "pc", "children": [{"value": "pc::old"}]}]}},
        {"object": "Ticket", "name": "title", "display": "Title", "data_type": "input", "editable": False},
        {"object": "Ticket", "name": "urgent", "display": "Eilt", "data_type": "boolean", "editable": True},
        {"object": "Ticket", "name": "odd", "display": "Odd", "data_type": "new_thing", "editable": True},
        {"object": "User", "name": "vip_level", "display": "VIP", "data_type": "input", "editable": True},
        {"object": "Organization", "name": "sap", "display": "SAP", "data_type": "integer", "editable": True},
    ],
    "tickets": [
        {"id": 5, "number": "67001", "title": "Lampe", "group_id": 1, "state": "pending reminder", "priority_id": 1, "owner_id": 2, "customer_id": 3,
         "created_at": AT, "pending_time": "2099-01-01T00:00:00Z", "device": "pc::old", "urgent": True},
        {"id": 6, "number": "67002", "title": "Doppelt", "group_id": 1, "state_id": 5, "customer_id": 3, "created_at": AT},
        {"id": 7, "number": "67003", "title": "Teil", "group_id": 1, "state_id": 2, "customer_id": 3, "created_at": AT},
    ],
    "ticket_articles": [
        {"id": 1, "ticket_id": 5, "type_id": 1, "sender_id": 2, "from": "Änn <ann@customer.example>", "subject": "Lampe", "body": "gekürzt",
         "message_id": "<z1@customer.example>", "created_at": AT, "created_by_id": 3,
         "attachments": [{"id": 31, "filename": "a.txt"}, {"id": 32, "filename": "gone.txt"}]},
        {"id": 2, "ticket_id": 5, "type_id": 5, "sender_id": 2, "body": "Rief an \0", "created_at": AT, "created_by_id": 3},
        {"id": 3, "ticket_id": 5, "type": "email", "sender": "Agent", "internal": True, "to": "boss@example.org", "body": "FYI", "created_at": AT, "created_by_id": 2,
         "attachments": [{"id": 31, "filename": "b.txt"}]},
        {"id": 4, "ticket_id": 6, "type": "note", "sender": "Agent", "body": "merged", "created_at": AT, "created_by_id": 2},
        {"id": 5, "ticket_id": 7, "type": "web", "sender": "Customer", "body": "Teil", "created_at": AT, "created_by_id": 3},
    ],
    "tags": [{"ticket": 5, "tags": ["vip", "Größe"]}],
    "links": [
        {"ticket": 6, "link_type": "child", "link_object": "Ticket", "link_object_value": 5},
        {"ticket": 5, "link_type": "parent", "link_object": "Ticket", "link_object_value": 6},
        {"ticket": 5, "link_type": "normal", "link_object": "Ticket", "link_object_value": 7},
        {"ticket": 7, "link_type": "normal", "link_object": "Ticket", "link_object_value": 5},
    ],
}  # fmt: skip


def as_directory(place: Path) -> Path:
    """Pages one after the other, as curl appends them; links as one answer for each ticket."""
    for name, rows in MORE.items():
        if name != "links":
            (place / f"{name}.json").write_text("".join(json.dumps([row]) for row in rows))
    for owner in {row["ticket"] for row in MORE["links"]}:
        listed = [row for row in MORE["links"] if row["ticket"] == owner]
        (place / f"links-{owner}.json").write_text(json.dumps({"links": listed, "assets": {}}))
    for name, raw in contents().items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(raw)
    return place


def contents() -> dict[str, bytes]:
    return {"attachments/31": b"Hallo", "plain/1": RAW, "plain/3": b'{"error":"Not found"}'}


def as_tar(place: Path) -> Path:
    """An object per line, packed."""
    path = place / "export.tar.gz"
    files = {f"{name}.jsonl": "\n".join(map(json.dumps, rows)).encode() for name, rows in MORE.items()} | contents()
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(f"zammad/{name}")
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return path


@pytest.fixture(params=[as_directory, as_tar])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return request.param(tmp_path)


def test_originals_files_calls_and_internal_mails_come_as_what_they_are(whole: Path, bob: Agent) -> None:
    job = bring(whole)
    ticket = Ticket.objects.get(number="67001")
    first, call, internal = ticket.messages.all()
    assert (first.kind, first.text.strip(), store.get(str(first.blob_id))) == ("incoming", "Kaputt, im Original", RAW)
    assert (call.kind, call.is_internal, call.text, call.author_email) == (
        "note", False, "Rief an ", "ann@customer.example",
    )  # fmt: skip
    assert (internal.kind, internal.is_internal, internal.to, internal.agent) == (
        "outgoing", True, [["", "boss@example.org"]], bob,
    )  # fmt: skip
    assert internal.attachments.get().size == 5
    assert (ticket.status.key, ticket.pending_until, ticket.priority_id) == (
        "internal", datetime(2099, 1, 1, tzinfo=UTC), 2,
    )  # fmt: skip
    assert job.result["reasons"] == {"customer:no_address": 1, "field:not_taken": 1, "file:file_missing": 1}


def test_people_fields_tags_and_links_come_along(whole: Path, bob: Agent) -> None:
    job = bring(whole)
    ticket = Ticket.objects.get(number="67001")
    assert ticket.fields == {"device": ["pc::old"], "urgent": ["1"]}
    assert CustomField.objects.get(key="device").option_list == ["pc", "pc::old"]
    organisation = Organisation.objects.get()
    assert (organisation.fields, organisation.domains.get().domain) == ({"sap": ["12"]}, "customer.example")
    ann = Customer.objects.get(addresses__email="ann@customer.example")
    assert (ann.fields, ann.note, ann.organisation) == ({"vip_level": ["gold"]}, "+31 1", organisation)
    assert list(Queue.objects.get(name="Helpdesk::Süd").members.all()) == [bob]
    assert not Agent.objects.get(email="kim@example.org").is_active
    assert job.result["hints"] == ["agents_off"]
    assert set(ticket.tags.values_list("name", flat=True)) == {"vip", "Größe"}
    assert Ticket.objects.get(number="67002").merged_into == ticket
    assert TicketLink.objects.get().kind == TicketLink.Kind.RELATED


def test_a_whole_export_twice_is_once_and_a_trial_writes_nothing(whole: Path) -> None:
    trial = jobs.enqueue(KIND, {"kind": "zammad", "path": str(whole), "is_dry": True}, by=None)
    work_due("test:1:x", {KIND: do_import})
    trial.refresh_from_db()
    assert (trial.counts["tickets"], trial.counts["fields"], Ticket.objects.count()) == (3, 4, 0)
    bring(whole)
    job = bring(whole)
    assert (job.counts, Ticket.objects.count(), TicketLink.objects.count()) == ({"again": 5}, 3, 1)


def test_a_broken_object_and_a_cut_file_are_said_and_stop_no_other(tmp_path: Path) -> None:
    as_directory(tmp_path)
    rows = json.dumps(MORE["tickets"][0]) + '\n{"id": nonsense}\n' + json.dumps(MORE["tickets"][2])
    (tmp_path / "tickets.json").write_text(rows + '\n{"id": 8, "title": "cut')
    assert bring(tmp_path).result["reasons"]["row:row"] == 2
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 16])
def test_objects_are_found_wherever_the_portions_end(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.bring.zammad_files.PORTION", size)
    rows = [{"a": '} " \\ {'}, {"b": {"c": ["]{", {}]}}, {"ä": "\\\\"}]
    raw = json.dumps(rows[:2]) + "\n" + json.dumps(rows[2:], indent=1, ensure_ascii=False)
    assert [json.loads(one) for one in objects_in(io.BytesIO(raw.encode()))] == rows
