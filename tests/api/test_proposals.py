"""Proposals of classification through the API."""

from typing import Any

import pytest
from django.utils import timezone

from postvak.models import Agent, Brand, Prediction, Queue, Ticket
from tests.api.conftest import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def billing(brand: Brand, bob: Agent) -> Queue:
    queue = Queue.objects.create(name="Billing", brand=brand)
    queue.members.add(bob)
    return queue


def proposal(ticket: Ticket, label: object, **values: Any) -> Prediction:
    usual = {"target": "queue", "probability": 0.93, "role": "offered", "words": [["invoice", 0.4]]}
    return Prediction.objects.create(ticket=ticket, label=str(label), made_at=timezone.now(), **{**usual, **values})


def test_it_is_read_and_accepted(program: Program, objects: dict[str, Any], billing: Queue) -> None:
    ticket = objects["ticket"]
    row = proposal(ticket, billing.pk)
    (shown,) = program.get(f"/tickets/{ticket.number}/proposals")
    assert (shown["target"], shown["name"], shown["words"]) == ("queue", "Billing", [["invoice", 0.4]])
    changed = program.do("POST", f"/tickets/{ticket.number}/proposals/{row.pk}/accept")
    assert changed["queue"]["name"] == "Billing"
    assert program.get(f"/tickets/{ticket.number}/proposals") == []
    assert program.ask("POST", f"/tickets/{ticket.number}/proposals/{row.pk}/accept").status_code == 404


def test_it_is_dismissed(program: Program, objects: dict[str, Any], billing: Queue) -> None:
    ticket = objects["ticket"]
    row = proposal(ticket, billing.pk)
    assert program.ask("POST", f"/tickets/{ticket.number}/proposals/{row.pk}/dismiss").status_code == 204
    row.refresh_from_db()
    assert row.role == "dismissed"


def test_what_he_may_not_see_or_do_is_refused(program: Program, objects: dict[str, Any], brand: Brand) -> None:
    ticket = objects["ticket"]
    secret = Queue.objects.create(name="Secret", brand=brand)
    row = proposal(ticket, secret.pk)
    assert program.get(f"/tickets/{ticket.number}/proposals") == []
    assert program.ask("POST", f"/tickets/{ticket.number}/proposals/{row.pk}/accept").status_code == 404
    ticket.refresh_from_db()
    assert ticket.queue != secret
    counted = proposal(ticket, 4, target="priority", role="audit")
    assert program.ask("POST", f"/tickets/{ticket.number}/proposals/{counted.pk}/accept").status_code == 404
