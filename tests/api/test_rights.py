"""Every operation × who asks, generated from the document: a new operation without a rule fails here."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from pydantic import BaseModel

from postvak.api.main import written
from postvak.models import Agent
from postvak.tickets.programs.scopes import SCOPES
from tests.api.conftest import Enter, Program
from tests.api.test_schema import keys_of

pytestmark = pytest.mark.django_db

# What is the same for all agents: lists show what each may see, customers are in common, and new things are made.
IN_COMMON = (
    "/agents",
    "/customers",
    "/organisations",
    "/teams",
    "/vocabulary",
    "/me",
    "/notices",
    "/reports",
    "/views",
    "/templates",
    "/suppressions",
    "/bulk-changes",
)
ELSEWHERE = (
    "/views",
    "/communications",
    "/organisations",
    "/settings",
    "/keys",
    "/bulk-changes",
    "/jobs",
    "/mailboxes",
    "/channels",
    "/webhooks",
    "/audit",
    "/signing-keys",
    "/backups",
)  # one of them is not among the objects, or is somebody's own
LISTS = {
    "/tickets",
    "/search",
    "/messages",
    "/drafts",
    "/outgoing",
    "/receipts",
    "/ledger",
    "/tickets/by-mail",
    "/tickets/by-phone",
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in written()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path.removeprefix("/api/v1"), operation


def ask(program: Program, method: str, path: str, objects: dict[str, Any]) -> HttpResponse:
    """What is changed is undone. The body is empty: who may not do it learns nothing of what is wrong with it."""
    for name, value in keys_of(f"/api/v1{path}", objects).items():
        path = path.replace("{" + name + "}", str(value))
    with transaction.atomic():
        response = program.ask(method, path, {} if method in {"POST", "PUT", "PATCH"} else None)
        if response.streaming:
            response = HttpResponse(b"".join(response.streaming_content), status=response.status_code)  # type: ignore[attr-defined]
        transaction.set_rollback(True)
    return response


def scopes_of(operation: dict[str, Any]) -> list[str]:
    found: list[str] = operation["security"][0]["token"]
    return found


def is_for_administrators(operation: dict[str, Any]) -> bool:
    return "For administrators." in operation["description"]


def test_nobody_comes_in_without_a_token(objects: dict[str, Any]) -> None:
    for method, path, operation in operations():
        assert ask(Program(""), method, path, objects).status_code == 401, operation["operationId"]


def test_nobody_comes_in_without_the_scope(enter: Enter, admin: Agent, objects: dict[str, Any]) -> None:
    programs = {scope: enter(admin, *(other for other in SCOPES if other != scope)) for scope in SCOPES}
    for method, path, operation in operations():
        for scope in scopes_of(operation):
            response = ask(programs[scope], method, path, objects)
            assert response.status_code == 403, operation["operationId"]
            assert b"scope_missing" in response.content


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_own_operations_and_no_other(
    enter: Enter, admin: Agent, objects: dict[str, Any], scope: str
) -> None:
    """What the operation says of a request that is nonsense, or that an administrator of no queue makes, is its own affair."""
    program = enter(admin, scope)
    for method, path, operation in operations():
        response = ask(program, method, path, objects)
        is_let_in = scopes_of(operation) in ([], [scope])
        assert (b"scope_missing" in response.content) != is_let_in, (operation["operationId"], response.content[:300])


def test_every_scope_opens_something() -> None:
    assert {scope for *_place, operation in operations() for scope in scopes_of(operation)} == set(SCOPES)


def test_an_agent_without_the_queue_finds_nothing_there(enter: Enter, cas: Agent, objects: dict[str, Any]) -> None:
    program, number = enter(cas), objects["ticket"].number
    for method, path, operation in operations():
        if path.startswith(IN_COMMON):
            continue
        response = ask(program, method, path, objects)
        if is_for_administrators(operation):
            assert response.status_code == 403, operation["operationId"]
        elif path in LISTS:
            assert number not in response.content.decode(), operation["operationId"]
        else:  # a body that doesn't fit is refused before anything is looked for
            assert response.status_code in {404, 422}, operation["operationId"]
            assert number not in response.content.decode(), operation["operationId"]


def test_no_valid_body_helps_an_agent_without_the_queue(enter: Enter, cas: Agent, objects: dict[str, Any]) -> None:
    program, ticket = enter(cas), objects["ticket"]
    message, outgoing = objects["message"].pk, objects["sent"].outgoing.pk
    for method, path, body in (
        ("POST", f"/tickets/{ticket.number}/notes", {"text": "Hi"}),
        ("POST", f"/tickets/{ticket.number}/answers", {"text": "Hi"}),
        ("POST", f"/tickets/{ticket.number}/forwards", {"to": ["x@y.example"]}),
        ("POST", f"/tickets/{ticket.number}/redirects", {"to": ["x@y.example"], "about": message}),
        ("POST", f"/tickets/{ticket.number}/side-conversations", {"to": ["x@y.example"], "subject": "S", "text": "T"}),
        ("PATCH", f"/tickets/{ticket.number}", {"subject": "Mine"}),
        ("PUT", f"/tickets/{ticket.number}/merge", {"ticket": ticket.number}),
        ("PUT", f"/messages/{message}/ticket", {"ticket": ticket.number}),
        ("POST", f"/messages/{message}/split", {}),
        ("POST", f"/messages/{objects['sent'].pk}/repeats", {}),
        (
            "PATCH",
            f"/outgoing/{outgoing}/deliveries/{objects['sent'].outgoing.deliveries.get().pk}",
            {"recipient": "x@y.example"},
        ),
        ("POST", f"/receipts/{objects['receipt'].pk}/decision", {"decision": "try_again"}),
        ("PUT", f"/views/{objects['view'].pk}", {"name": "Mine"}),
    ):
        assert program.ask(method, path, body).status_code == 404, path
    response = program.ask(
        "POST", "/tickets/by-phone", {"queue": ticket.queue_id, "subject": "S", "text": "T", "name": "N"}
    )
    assert response.status_code == 422


def test_a_member_and_an_administrator_find_it(enter: Enter, bob: Agent, admin: Agent, objects: dict[str, Any]) -> None:
    for agent in (bob, admin):
        program = enter(agent)
        for method, path, operation in operations():
            if method == "GET" and not (is_for_administrators(operation) and agent == bob):
                if "{" in path and path.startswith(ELSEWHERE):
                    continue
                response = ask(program, method, path, objects)
                wanted = {200, 422} if path == "/search" else {200}
                assert response.status_code in wanted, (operation["operationId"], response.content[:300])


def test_administrators_operations_refuse_others(enter: Enter, bob: Agent, objects: dict[str, Any]) -> None:
    program = enter(bob)
    closed = [(method, path) for method, path, operation in operations() if is_for_administrators(operation)]
    assert closed
    for method, path in closed:
        assert ask(program, method, path, objects).status_code == 403, path


def test_no_two_shapes_have_the_same_name() -> None:
    """The document knows shapes by their name: of two the one would stand for the other."""
    names = [kind.__name__ for kind in shapes(BaseModel) if kind.__module__.startswith("postvak.api.")]
    shown = [name for name in names if name != "Wanted"]  # of the address: no shape of its own in the document
    assert sorted(shown) == sorted(set(shown))


def shapes(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        if "[" not in one.__name__:
            yield one
        yield from shapes(one)
