"""A program with a token, and one of everything in the queue Support."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from postvak.log.audit import By
from postvak.mail.compose import File
from postvak.models import Agent, AnswerTemplate, Channel, Mailbox, Queue, Receipt, SavedView, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets import bulk
from postvak.tickets.answer import Answer, answer
from postvak.tickets.drafts import USUAL_LIMIT, Place, Typed, add_file, save
from postvak.tickets.links import link_record
from postvak.tickets.programs import pace
from postvak.tickets.programs.scopes import SCOPES
from postvak.tickets.programs.tokens import Wish, make_token
from postvak.tickets.side import start
from tests.mails import mail
from tests.web.test_desk import HTML


class Program:
    """A script that knows the API and nothing else."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client()

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named |= {"authorization": f"Bearer {self.secret}"} if self.secret else {}
        data = json.dumps(body) if body is not None else ""
        return self.client.generic(method, f"/api/v1{path}", data, content_type="application/json", headers=named)  # type: ignore[return-value]

    def get(self, path: str) -> Any:
        return self.done(self.ask("GET", path))

    def do(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        return self.done(self.ask(method, path, body, **headers))

    def done(self, response: HttpResponse) -> Any:
        assert response.status_code < 300, response.content.decode()
        return json.loads(response.content) if response.content else None


def problem(answer: Any, status: int) -> Any:
    """What a refusal with this status says (RFC 9457)."""
    assert answer.status_code == status, answer.content.decode()
    return json.loads(answer.content)


Enter = Callable[..., Program]


@pytest.fixture(autouse=True)
def fresh_pace() -> Iterator[None]:
    """What this process took of a token's minute belongs to the rows of another test."""
    pace.shares.clear()
    yield
    pace.shares.clear()


@pytest.fixture
def enter(db: None) -> Enter:
    """A program of this agent, with all scopes unless others are named."""

    def made(agent: Agent, *scopes: str, rate: int = 100_000) -> Program:
        _row, secret = make_token(agent, Wish("Script", scopes or SCOPES, rate=rate), by=By())
        return Program(secret)

    return made


@pytest.fixture
def root(enter: Enter, admin: Agent) -> Program:
    return enter(admin)


@pytest.fixture
def program(enter: Enter, bob: Agent) -> Program:
    return enter(bob)


@pytest.fixture
def objects(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel, no_automatic_mail: None) -> dict[str, Any]:
    """One of everything in the queue Support, which Cas must not see."""
    accept(mailbox, [Arrived("api/1", mail()), Arrived("api/2", HTML)])
    process_due("test:1:x")
    ticket = Ticket.objects.get(subject="Picture")
    sent = answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    side = start(ticket, Answer(to=("dee@third.example",), subject="Part", text="Hi"), by=bob)
    template = AnswerTemplate.objects.create(name="For support only")
    template.queues.add(support)
    ticket.followers.add(bob)
    draft = save(Place(bob, ticket, "reply"), Typed(text="Dear"), draft=None, revision=0)
    return {
        "ticket": ticket,
        "message": ticket.messages.order_by("pk")[0],
        "sent": sent,
        "side": side.side,
        "record": link_record(ticket, "https://shop.example/1", "", by=bob),
        "receipt": Receipt.objects.get(ticket=ticket),
        "template": template,
        "draft": draft,
        "draft_file": add_file(draft, File("a.txt", "text/plain", b"a"), limit=USUAL_LIMIT),
        "bulk": bulk.start("read", {"on": True}, [ticket.pk], by=bob),
        "view": SavedView.objects.create(agent=bob, name="Mine"),
    }
