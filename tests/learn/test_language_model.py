"""The language model that is asked as well: what it gets to see, what is done with its answers, and what its troubles cost."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from postvak.learn import language_model, proposals
from postvak.learn.cards import card
from postvak.learn.decided import find_decisions
from postvak.learn.language_model import ask_due, trial
from postvak.models import (
    Agent,
    Brand,
    Classifier,
    LanguageModel,
    Mailbox,
    MailSecurity,
    Prediction,
    Queue,
    Status,
    Ticket,
)
from postvak.notify.health.classification import classification
from postvak.process import proposed
from postvak.tickets import change
from tests.learn.taught import activate, come_in, prediction
from tests.process.arrivals import make_filter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]


class Service(ThreadingHTTPServer):
    """Answers as it is told to: a queue and how sure it is, or bytes; with a status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer: tuple[str, float] | bytes = ("Billing", 0.9)
        self.status, self.waits = 200, 0.0
        self.got: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def body(self) -> bytes:
        if isinstance(self.answer, bytes):
            return self.answer
        content = json.dumps({"queue": self.answer[0], "confidence": self.answer[1]})
        return json.dumps(
            {"choices": [{"message": {"role": "assistant", "content": f"```json\n{content}\n```"}}]}
        ).encode()


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        time.sleep(self.server.waits)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def row(db: None, service: Service, brand: Brand) -> LanguageModel:
    Brand.objects.update(asks_language_model=True)
    row = LanguageModel(pk=1, url=service.url, model="small", mode="suggest", timeout=5)
    row.secret = "sesame"
    row.save()
    return row


@pytest.fixture
def billing(brand: Brand, bob: Agent) -> Queue:
    queue = Queue.objects.create(name="Billing", brand=brand)
    queue.members.add(bob)
    return queue


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue, billing: Queue) -> Ticket:
    return come_in(mailbox, "invoices")[1]


def ask() -> int:
    return ask_due(timezone.now(), "test:1")


def said(ticket: Ticket) -> Prediction:
    return Prediction.objects.get(ticket=ticket, engine="service")


def proven(label: str, mailbox: Mailbox, number: int = 120) -> None:
    """It was right so many times about tickets of the past."""
    one = Ticket.objects.first()
    assert one is not None
    status = Status.objects.get(key="closed")
    tickets = Ticket.objects.bulk_create(
        Ticket(
            number=f"9{n}", subject="old", queue=one.queue, status=status, is_open=False,
            created_at=timezone.now(), changed_at=timezone.now(),
        )
        for n in range(number)
    )  # fmt: skip
    Prediction.objects.bulk_create(
        Prediction(
            ticket=ticket, target="queue", engine="service", label=label, wanted=label, probability=0.8, is_learned=True,
            made_at=timezone.now(), decided_at=timezone.now(),
        )
        for ticket in tickets
    )  # fmt: skip


def test_it_is_asked_after_the_ticket_is_there_and_proposes(
    ticket: Ticket, row: LanguageModel, service: Service, billing: Queue
) -> None:
    assert ask() == 1
    ((path, headers, body),) = service.got
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer sesame"
    assert (body["model"], body["temperature"]) == ("small", 0)
    asked = body["messages"][1]["content"]
    assert "- Billing (brand: " in asked
    assert ticket.subject in asked
    found = said(ticket)
    assert (found.label, found.probability, found.role) == (str(billing.pk), 0.9, "offered")
    assert [one.pk for one in proposals.for_ticket(ticket)] == [found.pk]
    ticket.refresh_from_db()
    assert ticket.queue != billing
    assert ask() == 0


def test_mails_of_other_brands_and_queues_that_take_no_part_never_leave(
    ticket: Ticket, row: LanguageModel, service: Service, support: Queue
) -> None:
    Brand.objects.update(asks_language_model=False)
    assert ask() == 0
    Brand.objects.update(asks_language_model=True)
    Queue.objects.filter(pk=support.pk).update(is_proposed=False)
    assert ask() == 0
    assert service.got == []


def test_what_came_encrypted_never_leaves(ticket: Ticket, row: LanguageModel, service: Service) -> None:
    MailSecurity.objects.create(message=ticket.messages.get(), encrypted="pgp", state="open", looked_at=timezone.now())
    assert ask() == 1
    assert service.got == []
    assert said(ticket).label == ""


def test_switched_off_it_is_not_asked(ticket: Ticket, row: LanguageModel, service: Service) -> None:
    LanguageModel.objects.update(mode="off")
    assert ask() == 0
    assert service.got == []


def test_it_acts_only_after_it_was_right_often_enough(
    ticket: Ticket,
    row: LanguageModel,
    service: Service,
    billing: Queue,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language_model, "is_audited", lambda key: False)
    LanguageModel.objects.update(mode="act")
    ask()
    assert said(ticket).role == "offered"
    proven(str(billing.pk), mailbox)
    _receipt, second = come_in(mailbox, "invoices", 2)
    ask()
    second.refresh_from_db()
    assert second.queue == billing
    assert said(second).role == "acted"
    assert second.history.get(code="queue_by_service").agent is None
    service.answer = ("Billing", 0.3)
    _receipt, third = come_in(mailbox, "invoices", 3)
    ask()
    third.refresh_from_db()
    assert third.queue != billing
    assert said(third).role == "offered"


def test_where_the_own_model_or_a_filter_or_a_person_was_first_it_only_counts(
    row: LanguageModel, service: Service, billing: Queue, support: Queue, mailbox: Mailbox, admin: Agent,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(proposed, "is_audited", lambda key: False)
    LanguageModel.objects.update(mode="act")
    activate("queue", {"invoices": billing.pk, "delivery": support.pk})
    service.answer = ("Support", 1.0)
    _receipt, moved = come_in(mailbox, "invoices")
    proven(str(support.pk), mailbox)
    ask()
    moved.refresh_from_db()
    assert (moved.queue, said(moved).role, prediction(moved).role) == (billing, "shadow", "acted")
    change.set_status(moved, Status.objects.get(key="closed"), by=admin)
    assert find_decisions(timezone.now(), "test:1") == 0  # silence is no consent, whichever engine did it
    Classifier.objects.update(mode="off")
    _receipt, touched = come_in(mailbox, "invoices", 2, to="nobody@example.org")
    change.set_status(touched, Status.objects.get(key="open"), by=admin)
    make_filter("10 all", ("queue", "Billing"))
    _receipt, filtered = come_in(mailbox, "invoices", 3)
    ask()
    assert (said(touched).role, said(filtered).role) == ("shadow", "shadow")


@pytest.mark.parametrize(
    "answer",
    [b"no json", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": "Billing!"}}]}', ("Nowhere", 0.9), ("Billing", 7.0)],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_none(
    ticket: Ticket, row: LanguageModel, service: Service, answer: bytes | tuple[str, float]
) -> None:
    service.answer = answer
    assert ask() == 1
    assert (said(ticket).label, said(ticket).role) == ("", "shadow")
    assert proposals.for_ticket(ticket) == []


def test_a_service_that_fails_is_asked_again_later_and_health_says_so(
    ticket: Ticket, row: LanguageModel, service: Service
) -> None:
    service.status, service.answer = 503, b"overloaded"
    assert ask() == 0
    row.refresh_from_db()
    assert row.last_problem == "503 overloaded"
    (finding,) = classification(timezone.now())
    assert (finding.code, "503 overloaded" in finding.text) == ("language_model_silent", True)
    assert ask() == 0
    assert len(service.got) == 1  # not before a minute is over
    service.status, service.answer = 200, ("Billing", 0.9)
    assert ask_due(timezone.now() + timedelta(minutes=2), "test:1") == 1
    row.refresh_from_db()
    assert row.last_problem == ""
    assert list(classification(timezone.now())) == []


def test_a_service_that_is_slow_costs_its_time_limit_only(ticket: Ticket, row: LanguageModel, service: Service) -> None:
    service.waits = 3.0
    LanguageModel.objects.update(timeout=1)
    begun = time.monotonic()
    assert ask() == 0
    assert time.monotonic() - begun < 2.5
    assert not Prediction.objects.exists()


def test_no_transaction_is_open_while_it_is_asked(
    ticket: Ticket, row: LanguageModel, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth: list[int] = []
    usual = language_model.post
    monkeypatch.setattr(
        language_model, "post", lambda *a, **k: depth.append(len(connection.savepoint_ids)) or usual(*a, **k)
    )
    before = len(connection.savepoint_ids)
    ask()
    assert depth == [before]


def test_its_answers_are_decided_on_and_compared(
    ticket: Ticket, row: LanguageModel, service: Service, bob: Agent, support: Queue
) -> None:
    ask()
    change.set_status(ticket, Status.objects.get(key="closed"), by=bob)
    assert find_decisions(timezone.now(), "test:1") == 1
    assert said(ticket).wanted == str(support.pk)
    found = card(Classifier.objects.get(target="queue")).service
    assert found is not None
    assert (found.tickets, found.accuracy) == (1, 0.0)


def test_a_trial_shows_both_sides_and_keeps_nothing(row: LanguageModel, service: Service, billing: Queue) -> None:
    found = trial(row, "My invoice", "It is wrong.")
    assert (found.name, found.confidence, found.problem) == ("Billing", 0.9, "")
    assert "My invoice" in found.sent
    assert "choices" in found.received
    assert not Prediction.objects.exists()
    unsaved = LanguageModel(url="file:///etc/passwd", model="x")
    assert trial(unsaved, "a", "b").problem
