"""A day of a script that knows nothing but the API."""

from typing import Any

import pytest

from postvak.models import Agent, Channel, Mailbox, Queue
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.api.conftest import Program
from tests.mails import mail

pytestmark = pytest.mark.django_db


def test_from_the_mail_that_came_in_to_the_closed_ticket(
    program: Program, mailbox: Mailbox, support: Queue, channel: Channel, bob: Agent, no_automatic_mail: None
) -> None:
    accept(mailbox, [Arrived("story/1", mail(subject="Where is my order?", text="It is late."))])
    process_due("test:1:x")

    me = program.get("/me")
    waiting = program.get("/tickets?state=active&mark=unanswered")["items"]
    assert [one["subject"] for one in waiting] == ["Where is my order?"]
    number = waiting[0]["number"]
    messages = program.get(f"/tickets/{number}/messages")["items"]
    assert messages[0]["text"].strip() == "It is late."

    program.do("PATCH", f"/tickets/{number}", {"assignee": me["id"], "add_tags": ["delivery"]})
    program.do("POST", f"/tickets/{number}/notes", {"text": "Asked the carrier."})
    sent = program.do(
        "POST",
        f"/tickets/{number}/answers",
        {"text": "It comes tomorrow.", "status": "closed", "undo_seconds": 0, "seen": messages[0]["id"]},
        idempotency_key="story-1",
    )
    assert [one["email"] for one in sent["to"]] == [messages[0]["author"]["email"]]
    out = program.get(f"/outgoing/{sent['outgoing']}")
    assert [one["state"] for one in out["deliveries"]] == ["queued"]

    ticket = program.get(f"/tickets/{number}")
    assert (ticket["status"], ticket["is_open"], ticket["waiting_since"]) == ("closed", False, None)
    assert ticket["tags"] == ["delivery"]
    receipt = program.get(f"/receipts?ticket={number}")["items"][0]
    assert program.get(f"/receipts/{receipt['id']}")["receipt"]["outcome"] == "new_ticket"
    assert {line["direction"] for line in program.get("/ledger")["items"]} == {"in", "out"}


def test_an_answer_that_crosses_a_mail_of_the_customer_is_stopped(
    program: Program, mailbox: Mailbox, objects: dict[str, Any]
) -> None:
    number = objects["ticket"].number
    response = program.ask("POST", f"/tickets/{number}/answers", {"text": "Hi", "seen": 0})
    assert response.status_code == 422
    assert b"came while you were writing" in response.content
    assert program.ask("POST", f"/tickets/{number}/answers", {"text": "Hi"}).status_code == 201


def test_a_file_goes_out_and_comes_back_the_same(program: Program, objects: dict[str, Any]) -> None:
    number = objects["ticket"].number
    given = {"name": "a.bin", "content_type": "application/pdf", "content": "AAECAw=="}
    sent = program.do("POST", f"/tickets/{number}/answers", {"text": "See there", "files": [given]})
    assert program.ask("GET", f"/files/{sent['files'][0]['id']}").content == bytes(range(4))
    whole = program.ask("GET", f"/messages/{sent['id']}/original")
    assert whole.headers["Content-Type"] == "message/rfc822"
    assert b"See there" in whole.content
    wrong = program.ask("POST", f"/tickets/{number}/answers", {"text": "See", "files": [given | {"content": "?"}]})
    assert wrong.status_code == 422


def test_a_mail_can_be_taken_back(program: Program, objects: dict[str, Any]) -> None:
    number = objects["ticket"].number
    sent = program.do("POST", f"/tickets/{number}/answers", {"text": "Oh", "undo_seconds": 60})
    assert program.do("POST", f"/outgoing/{sent['outgoing']}/take-back")["taken_back_at"]
    assert program.ask("POST", f"/outgoing/{sent['outgoing']}/take-back").status_code == 409


def test_a_call_becomes_a_ticket_and_a_first_mail_another(program: Program, support: Queue, channel: Channel) -> None:
    call = {
        "queue": support.pk,
        "subject": "Rang",
        "text": "Wants a price",
        "email": "new@caller.example",
        "name": "Ned",
    }
    ticket = program.do("POST", "/tickets/by-phone", call)
    assert ticket["customer"]["name"] == "Ned"
    first = {"queue": support.pk, "to": ["new@caller.example"], "subject": "Price", "text": "10"}
    sent = program.do("POST", "/tickets/by-mail", first)
    assert sent["ticket"] != ticket["number"]
    customer = program.get("/customers?email=new@caller.example")["items"][0]
    assert len(program.get(f"/tickets?customer={customer['id']}")["items"]) == 2


def test_tickets_are_merged_split_linked_and_parted(program: Program, objects: dict[str, Any]) -> None:
    one, other = (row["number"] for row in program.get("/tickets?sort=number")["items"])
    program.do("POST", f"/tickets/{one}/links", {"ticket": other})
    assert program.get(f"/tickets/{other}/links")["tickets"][0]["ticket"] == one
    program.do("DELETE", f"/tickets/{one}/links/{other}")
    whole = program.do("PUT", f"/tickets/{one}/merge", {"ticket": other})
    assert whole["number"] == other
    assert program.ask("PATCH", f"/tickets/{one}", {"subject": "No"}).status_code == 409
    program.do("DELETE", f"/tickets/{one}/merge")
    newest = program.get(f"/tickets/{objects['ticket'].number}/messages")["items"][-1]
    fresh = program.do("POST", f"/messages/{newest['id']}/split", {})
    assert fresh["number"] not in {one, other}
    program.do("PUT", f"/messages/{newest['id']}/ticket", {"ticket": objects["ticket"].number})


def test_customers_and_organisations_are_made_changed_and_merged(program: Program, bob: Agent) -> None:
    company = program.do("POST", "/organisations", {"name": "Acme", "domains": ["acme.example"]})
    one = program.do(
        "POST", "/customers", {"name": "Ann", "emails": ["ann@acme.example"], "organisation": company["id"]}
    )
    two = program.do("POST", "/customers", {"emails": ["a.a@acme.example"]})
    assert program.ask("POST", f"/customers/{two['id']}/addresses", {"email": "ann@acme.example"}).status_code == 409
    merged = program.do("POST", f"/customers/{two['id']}/merge", {"into": one["id"]})
    assert {row["email"] for row in merged["addresses"]} == {"ann@acme.example", "a.a@acme.example"}
    assert program.get("/customers?q=acme")["items"][0]["organisation"]["name"] == "Acme"
    changed = program.do("PATCH", f"/customers/{one['id']}", {"note": "VIP", "organisation": None})
    assert (changed["note"], changed["organisation"], changed["name"]) == ("VIP", None, "Ann")


def test_what_one_may_only_read_stays_as_it_is(enter: Any, bob: Agent, support: Queue, objects: dict[str, Any]) -> None:
    support.membership_set.filter(agent=bob).update(may_answer=False, may_move=False, may_close=False, may_delete=False)
    program, number = enter(bob), objects["ticket"].number
    assert program.ask("GET", f"/tickets/{number}").status_code == 200
    for method, path, body in (
        ("PATCH", f"/tickets/{number}", {"status": "closed"}),
        ("PATCH", f"/tickets/{number}", {"subject": "No"}),
        ("POST", f"/tickets/{number}/notes", {"text": "No"}),
        ("POST", f"/tickets/{number}/answers", {"text": "No"}),
        ("PUT", f"/tickets/{number}/trash", None),
    ):
        assert program.ask(method, path, body).status_code == 403, path
