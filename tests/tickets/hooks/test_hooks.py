"""Web hooks: told once of each event they want, signed so that the other side can check it, tried again until they took it."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from postvak.models import (
    Agent,
    Change,
    Channel,
    Delivery,
    Lease,
    Mailbox,
    Queue,
    Status,
    Ticket,
    Webhook,
    WebhookDelivery,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.answer import Answer, answer
from postvak.tickets.change import set_status
from postvak.tickets.hooks import deliver
from postvak.tickets.hooks.deliver import WAITS, again, attempt, deliver_for, due_hooks, new_secret
from postvak.tickets.hooks.deliver import test as send_test
from tests.mails import mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail")]
State = WebhookDelivery.State


class OtherSide(ThreadingHTTPServer):
    """A program that notes what it is told, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


class Handler(BaseHTTPRequestHandler):
    server: OtherSide

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()
        self.wfile.write(b"thanks\0")

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def running() -> Iterator[OtherSide]:
    server = OtherSide()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def other_side() -> Iterator[OtherSide]:
    with running() as server:
        yield server


@pytest.fixture
def hook(db: None, other_side: OtherSide) -> Webhook:
    hook = Webhook(name="CRM", url=other_side.url, created_at=timezone.now())
    hook.secret = new_secret()
    hook.save()
    return hook


@pytest.fixture
def ticket(mailbox: Mailbox, support: Queue) -> Ticket:
    accept(mailbox, [Arrived("hooks/1", mail())])
    process_due("test:1:x")
    return Ticket.objects.get()


def followed() -> None:
    follow_changes("test:1:x")


def events() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("event", flat=True))


def never() -> bool:
    return False


def test_a_mail_an_answer_and_a_status_are_told_once(
    hook: Webhook, ticket: Ticket, bob: Agent, channel: Channel
) -> None:
    followed()
    assert events() == ["ticket.opened", "message.received"]
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    set_status(ticket, Status.objects.get(key="closed"), by=bob)
    followed()
    Change.objects.update(is_followed=False)  # a worker died before it could say that it was done
    followed()
    assert events().count("message.sent") == 1
    bodies = [json.loads(one.body) for one in WebhookDelivery.objects.filter(event="ticket.status")]
    assert bodies[-1]["change"]["new"] == "closed"
    assert bodies[-1]["ticket"]["number"] == ticket.number


def test_only_what_a_web_hook_wants(hook: Webhook, ticket: Ticket, sales: Queue) -> None:
    hook.events = ["message.received"]
    hook.save()
    other = Webhook.objects.create(name="Sales", url=hook.url, created_at=timezone.now())
    other.queues.add(sales)
    off = Webhook.objects.create(name="Off", url=hook.url, created_at=timezone.now(), is_valid=False)
    followed()
    assert [(one.webhook, one.event) for one in WebhookDelivery.objects.all()] == [(hook, "message.received")]
    assert not off.deliveries.exists()


def test_the_past_is_no_event(hook: Webhook, mailbox: Mailbox, support: Queue) -> None:
    Mailbox.objects.update(imports_closed=True)
    mailbox.refresh_from_db()
    accept(mailbox, [Arrived("hooks/2", mail())])
    process_due("test:1:x")
    followed()
    assert events() == []


def test_an_answer_that_nobody_got_is_an_event(hook: Webhook, ticket: Ticket, bob: Agent, channel: Channel) -> None:
    answer(ticket, Answer(to=("ann@customer.example",), text="Hi"), by=bob)
    Delivery.objects.update(state=Delivery.State.BOUNCED, changed_at=timezone.now())
    Ticket.objects.update(answer=Ticket.Answer.FAILED)
    followed()
    assert events().count("message.undelivered") == 1


def test_it_is_signed_as_standard_webhooks_say(hook: Webhook, ticket: Ticket, other_side: OtherSide) -> None:
    followed()
    assert deliver_for(hook.pk, "test:1:x", never) == 2
    assert set(WebhookDelivery.objects.values_list("state", "status", "said")) == {(State.DELIVERED, 200, "thanks")}
    headers, body = other_side.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook.secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert json.loads(body)["event"] == "ticket.opened"


def test_what_is_refused_is_tried_again_later_and_given_up_in_the_end(
    hook: Webhook, ticket: Ticket, other_side: OtherSide
) -> None:
    followed()
    one = WebhookDelivery.objects.earliest("pk")
    WebhookDelivery.objects.exclude(pk=one.pk).delete()
    before = timezone.now()
    for wait in WAITS:
        other_side.answers = [500]
        attempt(one, hook)
        one.refresh_from_db()
        assert one.state == State.PENDING
        assert one.next_attempt_at >= before + wait
    hook.refresh_from_db()
    assert hook.failing_since is not None
    assert hook.last_said == "500 thanks"
    assert due_hooks(timezone.now()) == []
    other_side.answers = [500]
    attempt(one, hook)
    assert one.state == State.FAILED
    assert again([one]) == 1
    assert due_hooks(timezone.now()) == [hook.pk]
    deliver_for(hook.pk, "test:1:x", never)
    one.refresh_from_db()
    hook.refresh_from_db()
    assert (one.state, one.attempts, hook.failing_since) == (State.DELIVERED, 1, None)


@pytest.mark.parametrize(("status", "state"), [(410, State.FAILED), (302, State.PENDING), (404, State.PENDING)])
def test_what_an_answer_means(
    hook: Webhook, ticket: Ticket, other_side: OtherSide, status: int, state: WebhookDelivery.State
) -> None:
    followed()
    one = WebhookDelivery.objects.earliest("pk")
    other_side.answers = [status]
    attempt(one, hook)
    assert one.state == state
    assert len(other_side.got) == 1  # no redirect is followed


def test_nobody_there_is_said_in_words(hook: Webhook, ticket: Ticket) -> None:
    hook.url = "http://127.0.0.1:9/"
    followed()
    one = WebhookDelivery.objects.earliest("pk")
    attempt(one, hook)
    assert one.status is None
    assert "refused" in one.said


def test_two_workers_do_not_tell_the_same(hook: Webhook, ticket: Ticket, other_side: OtherSide) -> None:
    followed()
    assert Lease.objects.take(f"webhook:{hook.pk}", "test:2:y")
    assert deliver_for(hook.pk, "test:1:x", never) == 0
    assert other_side.got == []


def test_a_test_is_posted_at_once_and_never_again(hook: Webhook, admin: Agent, other_side: OtherSide) -> None:
    other_side.answers = [503]
    delivery = send_test(hook, admin)
    assert (delivery.state, delivery.status) == (State.FAILED, 503)
    assert json.loads(other_side.got[0][1])["event"] == "test"


def test_old_deliveries_are_forgotten_and_waiting_ones_never(hook: Webhook, ticket: Ticket) -> None:
    followed()
    first = WebhookDelivery.objects.earliest("pk")
    WebhookDelivery.objects.filter(pk=first.pk).update(state=State.DELIVERED)
    deliver.forget(timezone.now() + timedelta(days=31))
    assert list(WebhookDelivery.objects.values_list("state", flat=True)) == [State.PENDING]
