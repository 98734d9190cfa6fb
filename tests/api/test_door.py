"""What every operation has in common: tokens, scopes, problems, pages, rates, safe changes."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, ApiToken, AuditEntry, Status, Ticket
from postvak.tickets.programs import pace
from tests.api.conftest import Enter, Program

pytestmark = pytest.mark.django_db


def problem(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(response.content)
    assert told["status"] == status
    return told


def test_a_token_is_kept_as_a_digest_and_its_making_is_in_the_audit(program: Program) -> None:
    row = ApiToken.objects.get()
    kept = json.dumps([str(value) for value in ApiToken.objects.values_list().get()])
    assert program.secret not in kept
    assert program.secret.startswith(row.beginning)
    entry = AuditEntry.objects.get(kind="apitoken")
    assert program.secret not in json.dumps(entry.changes)
    assert row.digest not in json.dumps(entry.changes)


@pytest.mark.parametrize("secret", ["", "pv_unknown", "nonsense", "pv_ü", "pv_" + "x" * 5000])
def test_who_shows_no_token_that_is_known_is_refused(secret: str, support: object) -> None:
    response = Program(secret).ask("GET", "/me")
    problem(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_that_is_over_or_withdrawn_or_whose_agent_left_opens_nothing(program: Program, bob: Agent) -> None:
    assert program.ask("GET", "/me").status_code == 200
    for changes in ({"expires_at": timezone.now() - timedelta(seconds=1)}, {"withdrawn_at": timezone.now()}):
        ApiToken.objects.update(**changes)
        assert problem(program.ask("GET", "/me"), 401)["code"] == "invalid_token"
        ApiToken.objects.update(expires_at=None, withdrawn_at=None)
    Agent.objects.filter(pk=bob.pk).update(is_active=False)
    problem(program.ask("GET", "/me"), 401)


def test_a_session_of_a_browser_opens_nothing(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    problem(client.get("/api/v1/me"), 401)


def test_a_scope_is_needed_and_names_itself(enter: Enter, bob: Agent) -> None:
    told = problem(enter(bob, "customers:read").ask("GET", "/tickets"), 403)
    assert told["code"] == "scope_missing"
    assert "tickets:read" in told["detail"]


@pytest.mark.parametrize("path", ["/nothing", "/tickets/1/nothing", "/tickets/99999999999999999999", "", "/tickets/x"])
def test_what_isnt_there_is_a_problem_document(path: str, program: Program) -> None:
    problem(program.ask("GET", path), 404)


def test_a_wrong_method_is_told_the_right_ones(program: Program) -> None:
    response = program.ask("POST", "/me")
    problem(response, 405)
    assert response.headers["Allow"] == "GET"


def test_what_is_no_json_is_refused(program: Program, objects: dict[str, Any]) -> None:
    path = f"/api/v1/tickets/{objects['ticket'].number}/notes"
    headers = {"authorization": f"Bearer {program.secret}"}
    problem(
        program.client.post(path, "text=Hi", content_type="application/x-www-form-urlencoded", headers=headers), 415
    )
    problem(program.client.post(path, "{", content_type="application/json", headers=headers), 400)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_what_no_database_keeps_is_refused(text: str, program: Program, objects: dict[str, Any]) -> None:
    number = objects["ticket"].number
    told = problem(program.ask("POST", f"/tickets/{number}/notes", {"text": text}), 422)
    assert told["errors"]
    problem(program.ask("GET", "/tickets?words=a%00b"), 422)
    assert program.ask("GET", "/search?q=%ff").status_code == 200


def test_a_misspelt_parameter_or_field_is_no_silent_nothing(program: Program, objects: dict[str, Any]) -> None:
    assert problem(program.ask("GET", "/tickets?stauts=open"), 422)["errors"][0]["field"] == "stauts"
    number = objects["ticket"].number
    told = problem(program.ask("PATCH", f"/tickets/{number}", {"stauts": "open"}), 422)
    assert told["errors"][0]["field"].endswith("stauts")


def test_our_own_fault_is_a_problem_that_gives_nothing_away(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("postvak.api.me.visible_queues", broken)
    response = program.ask("GET", "/me")
    assert "hunter2" not in json.dumps(problem(response, 500))
    assert "hunter2" in caplog.text


def test_every_problem_is_english_whoever_asks(enter: Enter, bob: Agent) -> None:
    Agent.objects.filter(pk=bob.pk).update(language="nl")
    response = enter(bob, "tickets:read").ask("GET", "/nothing", accept_language="nl")
    assert "There is no such address" in problem(response, 404)["detail"]


def test_pages_lead_on_by_link_and_nothing_is_doubled(program: Program, objects: dict[str, Any]) -> None:
    number = objects["ticket"].number
    for text in "abcde":
        program.do("POST", f"/tickets/{number}/notes", {"text": text})
    seen: list[int] = []
    path = f"/tickets/{number}/messages?limit=2"
    while path:
        response = program.ask("GET", path)
        made = json.loads(response.content)
        seen += [one["id"] for one in made["items"]]
        link = response.headers.get("Link", "")
        assert bool(link) == bool(made["next"])
        path = link.partition(">")[0].partition("/api/v1")[2]
        program.do("POST", f"/tickets/{number}/notes", {"text": "in between"}) if len(seen) == 2 else None
    assert len(seen) == len(set(seen)) == 5 + 3


@pytest.mark.parametrize("sort", ["changed", "-changed", "created", "number", "-number"])
def test_lists_of_tickets_go_page_by_page_in_each_order(sort: str, program: Program, objects: dict[str, Any]) -> None:
    whole = [one["number"] for one in program.get(f"/tickets?sort={sort}")["items"]]
    first = program.get(f"/tickets?sort={sort}&limit=1")
    second = program.do("GET", f"/tickets?sort={sort}&limit=1&after={first['next']}")
    assert [first["items"][0]["number"], second["items"][0]["number"]] == whole
    assert second["next"] is None


def test_a_token_has_so_many_requests_in_a_minute_over_all_processes(enter: Enter, bob: Agent) -> None:
    program = enter(bob, rate=20)
    answers = [program.ask("GET", "/me") for _ in range(11)]
    assert answers[-1].headers["RateLimit"].startswith('"minute";r=9;t=')
    pace.shares.clear()  # another process: what this one had taken and not used is gone
    codes = [program.ask("GET", "/me").status_code for _ in range(12)]
    assert codes == [200] * 8 + [429] * 4
    refused = program.ask("GET", "/me")
    assert int(refused.headers["Retry-After"]) <= 60
    assert problem(refused, 429)["code"] == "too_many_requests"
    ApiToken.objects.update(rate_from=timezone.now() - timedelta(minutes=1))
    pace.shares.clear()
    assert program.ask("GET", "/me").status_code == 200


def test_most_requests_write_nothing(program: Program, django_assert_num_queries: Any) -> None:
    program.get("/me")
    assert ApiToken.objects.get().last_used_from == "127.0.0.1"
    with django_assert_num_queries(2):  # the token, the queues
        program.get("/me")


def test_a_change_by_if_match_fails_when_somebody_was_quicker(program: Program, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}"
    etag = program.ask("GET", path).headers["ETag"]
    changed = program.ask("PATCH", path, {"subject": "Mine"}, if_match=etag)
    assert changed.status_code == 200
    problem(program.ask("PATCH", path, {"subject": "Too late"}, if_match=etag), 412)
    assert Ticket.objects.get(pk=objects["ticket"].pk).subject == "Mine"
    assert program.ask("PATCH", path, {"subject": "Now"}, if_match=changed.headers["ETag"]).status_code == 200


def test_of_a_change_all_or_nothing_is_done(program: Program, objects: dict[str, Any]) -> None:
    path = f"/tickets/{objects['ticket'].number}"
    told = problem(program.ask("PATCH", path, {"subject": "New", "status": "nonsense"}), 422)
    assert told["errors"] == [{"field": "status", "message": "There is no such status."}]
    assert Ticket.objects.get(pk=objects["ticket"].pk).subject == "Picture"


def test_properties_are_changed_as_the_pages_change_them(program: Program, objects: dict[str, Any], bob: Agent) -> None:
    ticket = objects["ticket"]
    wanted = {
        "subject": "Fresh", "status": "closed", "assignee": bob.pk, "priority": 4, "tags": ["one", "Two"],
        "is_personal": True,
    }  # fmt: skip
    made = program.do("PATCH", f"/tickets/{ticket.number}", wanted)
    assert made["assignee"] == {"id": bob.pk, "name": "Bob Baker"}
    assert (made["subject"], made["status"], made["priority"], made["tags"]) == ("Fresh", "closed", 4, ["Two", "one"])
    codes = [line["code"] for line in program.get(f"/tickets/{ticket.number}/history")["items"]]
    assert {"title", "status", "assignee", "priority", "tagged", "personal"} <= set(codes)
    assert Status.objects.get(key="closed").pk == Ticket.objects.get(pk=ticket.pk).status_id
