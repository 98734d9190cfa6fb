"""Through the API: many tickets at once, drafts, invitations, jobs."""

import json
from typing import Any

import pytest

from postvak.models import Agent, AuditEntry, BulkChange, Channel, Draft, Invitation, Job, Queue, Ticket
from postvak.tickets.programs.scopes import SCOPES
from tests.api.conftest import Enter, Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers(objects: dict[str, Any]) -> list[str]:
    return list(Ticket.objects.order_by("number").values_list("number", flat=True))


def test_many_tickets_are_changed_and_changed_back(program: Program, numbers: list[str]) -> None:
    done = program.do("POST", "/bulk-changes", {"verb": "tag", "tags": ["urgent"], "tickets": numbers})
    assert (done["total"], done["waiting"], done["left_alone"], done["can_undo"]) == (len(numbers), 0, [], True)
    assert all("urgent" in program.get(f"/tickets/{number}")["tags"] for number in numbers)
    program.do("POST", f"/bulk-changes/{done['id']}/undo")
    assert all(program.get(f"/tickets/{number}")["tags"] == [] for number in numbers)
    assert program.ask("POST", f"/bulk-changes/{done['id']}/undo").status_code == 409
    assert program.get(f"/bulk-changes/{done['id']}")["undone_at"]


def test_a_saved_view_stands_for_its_tickets(program: Program, objects: dict[str, Any], numbers: list[str]) -> None:
    done = program.do("POST", "/bulk-changes", {"verb": "status", "status": "closed", "view": objects["view"].pk})
    assert done["total"] == len(numbers)
    assert {program.get(f"/tickets/{number}")["status"] for number in numbers} == {"closed"}


def test_what_a_colleague_may_not_see_is_not_changed(enter: Enter, cas: Agent, numbers: list[str]) -> None:
    done = enter(cas).do("POST", "/bulk-changes", {"verb": "trash", "tickets": numbers})
    assert done["total"] == 0
    assert not Ticket.objects.filter(status__type="removed").exists()


def test_the_changes_of_others_are_not_shown(enter: Enter, admin: Agent, objects: dict[str, Any]) -> None:
    assert enter(admin).get("/bulk-changes")["items"] == []
    assert enter(admin).ask("GET", f"/bulk-changes/{objects['bulk'].pk}").status_code == 404


def test_who_would_lose_sight_of_tickets_is_asked_first(program: Program, numbers: list[str]) -> None:
    wish = {"verb": "private", "tickets": numbers}
    answer = program.ask("POST", "/bulk-changes", wish)
    assert (answer.status_code, json.loads(answer.content)["errors"][0]["message"]) == (409, "loses_sight")
    assert program.do("POST", "/bulk-changes", wish | {"despite": ["loses_sight"]})["total"] == len(numbers)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"verb": "queue", "queue": 99999}, "queue"),
        ({"verb": "assign", "agent": 99999}, "agent"),
        ({"verb": "status", "status": "trash"}, "status"),
        ({"verb": "merge", "into": 1}, "into"),
        ({"verb": "answer", "template": 99999}, "template"),
        ({"verb": "tag", "tags": [" "]}, "tags"),
        ({"verb": "read", "view": 1}, "tickets"),
    ],
)
def test_what_there_is_not_is_named(program: Program, numbers: list[str], wish: dict[str, Any], field: str) -> None:
    before = BulkChange.objects.count()
    answer = program.ask("POST", "/bulk-changes", wish | {"tickets": numbers})
    assert (answer.status_code, json.loads(answer.content)["errors"][0]["field"]) == (422, field)
    assert BulkChange.objects.count() == before


# -- drafts ----------------------------------------------------------------------------


def test_a_draft_is_begun_changed_filled_and_removed(program: Program, objects: dict[str, Any]) -> None:
    number = int(objects["ticket"].number)
    draft = program.do("POST", "/drafts", {"ticket": number, "kind": "forward", "to": "x@y.example", "text": "See"})
    key = draft["id"]
    file = program.do("POST", f"/drafts/{key}/files", {"name": "a.txt", "content": "QQ=="})
    changed = program.do(
        "PUT", f"/drafts/{key}", {"html": "<p>See <script>x</script></p>", "revision": draft["revision"]}
    )
    assert (changed["html"], changed["to"], changed["files"]) == ("<p>See </p>", "", [file])
    stale = program.ask("PUT", f"/drafts/{key}", {"text": "Old", "revision": draft["revision"]})
    assert (stale.status_code, json.loads(stale.content)["code"]) == (409, "newer")
    program.do("DELETE", f"/drafts/{key}/files/{file['id']}")
    program.do("DELETE", f"/drafts/{key}")
    assert program.ask("GET", f"/drafts/{key}").status_code == 404


def test_there_is_one_draft_of_a_kind(program: Program, objects: dict[str, Any]) -> None:
    wish = {"ticket": int(objects["ticket"].number), "kind": "reply", "text": "Again"}
    assert program.ask("POST", "/drafts", wish).status_code == 409
    assert Draft.objects.get(pk=objects["draft"].pk).text == "Dear"


def test_a_colleagues_draft_is_read_and_copied_not_changed(enter: Enter, admin: Agent, objects: dict[str, Any]) -> None:
    program, key = enter(admin), objects["draft"].pk
    assert program.get(f"/drafts/{key}")["text"] == "Dear"
    for method, path, body in (
        ("PUT", "", {"text": "Mine", "revision": 1}),
        ("DELETE", "", None),
        ("POST", "/files", {"name": "a", "content": ""}),
        ("DELETE", f"/files/{objects['draft_file'].pk}", None),
    ):
        assert program.ask(method, f"/drafts/{key}{path}", body).status_code == 404
    mine = program.do("POST", f"/drafts/{key}/copies")
    assert (mine["agent"], mine["text"], len(mine["files"])) == (admin.pk, "Dear", 1)


# -- invitations ----------------------------------------------------------------------------


def test_a_colleague_is_invited_by_mail_and_no_longer(
    enter: Enter, admin: Agent, support: Queue, channel: Channel
) -> None:
    program = enter(admin, "people:write", "people:read")
    made = program.do("POST", "/invitations", {"email": "Dee@Example.org", "queues": [support.pk]})
    assert (made["email"], made["link"], made["problem"]) == ("dee@example.org", "", "")
    assert Invitation.objects.get().outgoing is not None
    assert [one["id"] for one in program.get("/invitations")["items"]] == [made["id"]]
    program.do("POST", f"/invitations/{made['id']}/mail")
    program.do("DELETE", f"/invitations/{made['id']}")
    assert program.get("/invitations")["items"] == []
    assert AuditEntry.objects.filter(kind="invitation", agent=admin, origin="api").count() == 3


def test_where_no_mail_can_go_out_the_link_is_shown_once(enter: Enter, admin: Agent, monkeypatch: Any) -> None:
    program = enter(admin)
    made = program.do("POST", "/invitations", {"email": "dee@example.org"})
    assert made["problem"]
    assert made["link"].startswith("http://testserver/invitation/")
    assert "link" not in program.get("/invitations")["items"][0]


@pytest.mark.parametrize(
    "wrong",
    [{"email": "nobody"}, {"email": "eva@example.org"}, {"queues": [99999]}, {"language": "xx"}, {"role": 99999}],
)
def test_a_wrong_invitation_is_refused(enter: Enter, admin: Agent, wrong: dict[str, Any]) -> None:
    wish = {"email": "dee@example.org"} | wrong
    if wish["email"] == "eva@example.org":
        wish["email"] = admin.email.upper()
    assert enter(admin).ask("POST", "/invitations", wish).status_code == 422
    assert not Invitation.objects.exists()


# -- jobs ----------------------------------------------------------------------------


def test_an_export_is_asked_for_once_and_fetched(enter: Enter, admin: Agent, tmp_path: Any, settings: Any) -> None:
    program = enter(admin, "exports:write")
    job = program.do("POST", "/jobs", {"kind": "export"})
    assert (job["state"], job["has_file"]) == ("waiting", False)
    assert program.ask("POST", "/jobs", {"kind": "export"}).status_code == 409
    assert program.ask("GET", f"/jobs/{job['id']}/file").status_code == 404
    folder = settings.CONFIGURATION.data / "jobs" / str(job["id"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "all.zip").write_bytes(b"PK")
    Job.objects.filter(pk=job["id"]).update(file="all.zip", state="done")
    answer = program.ask("GET", f"/jobs/{job['id']}/file")
    assert b"".join(answer.streaming_content) == b"PK"  # type: ignore[attr-defined]
    assert "all.zip" in answer.headers["Content-Disposition"]
    assert AuditEntry.objects.filter(action="exported").count() == 2


def test_a_job_is_stopped_and_goes_on(enter: Enter, admin: Agent) -> None:
    program = enter(admin)
    job = program.do("POST", "/jobs", {"kind": "backup"})
    assert program.do("POST", f"/jobs/{job['id']}/stop")["state"] == "stopped"
    assert program.do("POST", f"/jobs/{job['id']}/attempt")["state"] == "waiting"
    assert program.ask("POST", f"/jobs/{job['id']}/attempt").status_code == 409


def test_reading_the_settings_is_no_right_to_everything(enter: Enter, admin: Agent) -> None:
    program = enter(admin, *(scope for scope in SCOPES if scope != "exports:write"))
    assert program.ask("POST", "/jobs", {"kind": "export"}).status_code == 403
    assert program.ask("GET", "/jobs").status_code == 403
