"""schemathesis over the whole document: nothing fails on our side, and every answer is as the document says."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from postvak.models import Agent
from postvak.tickets.programs.scopes import SCOPES
from tests.api.conftest import Enter

EXAMPLES = int(os.environ.get("POSTVAK_API_EXAMPLES", "5"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


def keys_of(path: str, objects: dict[str, Any]) -> dict[str, Any]:
    """Of what there is, for the names in the path."""
    ticket, sent = objects["ticket"], objects["sent"]
    keys = {
        "/tickets/{number}/side": objects["side"].pk,
        "/tickets/{number}/templates": objects["template"].pk,
        "/tickets/{number}/records": objects["record"].pk,
        "/tickets/{number}/followers": ticket.followers.get().pk,
        "/tickets/{number}/participants": ticket.customer_id,
        "/messages": objects["message"].pk,
        "/files": objects["message"].attachments.first().pk,
        "/outgoing": sent.outgoing.pk,
        "/receipts": objects["receipt"].pk,
        "/customers": ticket.customer_id,
        "/views": objects["view"].pk,
        "/agents": objects["view"].agent_id,
        "/ledger": objects["receipt"].line.pk,
        "/drafts": objects["draft"].pk,
        "/bulk-changes": objects["bulk"].pk,
    }
    pk = next((key for start, key in keys.items() if path.startswith(f"/api/v1{start}")), 1)
    return {
        "number": int(ticket.number),
        "pk": pk,
        "delivery": sent.outgoing.deliveries.get().pk,
        "address": ticket.customer.addresses.get().pk,
        "other": 1,
        "file": objects["draft_file"].pk,
        "section": "queues",
        "key": "Support",
        "target": "queue",
        "name": "2026-11-22T161926Z",
    }


def problems(operation: Any, mode: GenerationMode, token: str, path: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the answers to some requests that fit the document, or don't."""
    wrong: list[str] = []
    there = {one.name: path[one.name] for one in operation.path_parameters if one.name in path}
    try:
        cases = operation.as_strategy(mode, path_parameters=there or None)
    except Exception as error:  # nothing to generate
        if mode == NEGATIVE:
            return
        raise AssertionError(operation.label) from error

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    @given(case=cases)
    def ask(case: Case) -> None:
        with transaction.atomic():
            case.headers["Authorization"], case.headers["Accept-Encoding"] = f"Bearer {token}", "identity"
            response = case.call()
            transaction.set_rollback(True)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Failure, FailureGroup) as failure:
            wrong.append(f"{case.as_curl_command()}\n{failure!r}\n{response.text[:600]}")

    try:
        ask()
    except Exception as error:  # schemathesis may find no example that doesn't fit
        if "Unsatisfiable" not in type(error).__name__:
            raise
    yield from wrong[:2]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The test's transaction stays open after each request, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.servers
@pytest.mark.usefixtures("one_connection")
def test_every_operation_answers_as_the_document_says(enter: Enter, admin: Agent, objects: dict[str, Any]) -> None:
    token = enter(admin, *SCOPES, rate=10_000_000).secret
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    found: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in (POSITIVE, NEGATIVE):
            path = keys_of(operation.path, objects)
            found += [f"== {operation.label} ({mode.value})\n{one}" for one in problems(operation, mode, token, path)]
    assert not found, "\n\n".join(found)
