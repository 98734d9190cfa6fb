"""Logging in by XOAUTH2 at a real Dovecot and at the SMTP server: whole ways, and tokens that end on the way."""

import base64
import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from postvak.connect.endpoint import endpoint_of
from postvak.connect.sign_in import begin, finish
from postvak.models import Agent, Channel, Grant, Mailbox, OutgoingMail, Queue, Receipt, Ticket
from postvak.net.connection import ConnectionProblem, Endpoint, Problem, Security
from postvak.process.run import process_due
from postvak.receive import fetch as fetching
from postvak.receive import imap, pop3
from postvak.receive.accept import Arrived, accept
from postvak.receive.fetch import fetch_mailbox
from postvak.receive.pop3 import Pop3Source
from postvak.send.deliver import send_due
from postvak.send.smtp import SmtpSession
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.servers.dovecot import Dovecot
from tests.servers.oauth import REVOKED, Provider
from tests.servers.scripted import scripted
from tests.servers.smtpd import SmtpServer

pytestmark = [pytest.mark.django_db, pytest.mark.servers]
NewGrant = Callable[..., Grant]
BACK = "https://desk.example.org/admin/grants/callback/"
NUMBERS = itertools.count(1)
WORKER = "test:1:x"


def connect(grant: Grant, provider: Provider) -> Grant:
    start = begin(grant, BACK)
    code = provider.agree(start.url).split("&")[0].removeprefix("code=")
    assert finish(grant, code, start.verifier, BACK) is None
    grant.refresh_from_db()
    return grant


@pytest.fixture
def grant(new_grant: NewGrant, provider: Provider) -> Grant:
    provider.account = f"ann{next(NUMBERS)}@example.org"
    return connect(new_grant(account=""), provider)


@pytest.fixture
def box(token_dovecot: Dovecot, grant: Grant, support: Queue) -> Callable[..., Mailbox]:
    def make(kind: str = "imap", **given: object) -> Mailbox:
        port = token_dovecot.imaps if kind == "imap" else token_dovecot.pop3s
        facts = {"name": kind, "kind": kind, "host": "localhost", "port": port, "ca_pem": token_dovecot.ca_pem}
        return Mailbox.objects.create(**facts, grant=grant, queue=support, **given)

    return make


def fetch(mailbox: Mailbox) -> fetching.Fetch:
    done = fetch_mailbox(Mailbox.objects.get(pk=mailbox.pk), worker=WORKER)
    mailbox.refresh_from_db()
    return done


def numbered(count: int) -> list[bytes]:
    return [mail(subject=f"Mail {n}", message_id=f"o{n}@customer.example", text=str(n)) for n in range(count)]


# -- receiving -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_mail_is_fetched_with_the_token(
    token_dovecot: Dovecot, grant: Grant, box: Callable[..., Mailbox], kind: str
) -> None:
    for raw in numbered(3):
        token_dovecot.deliver(grant.account, raw)
    assert fetch(box(kind)).stored == 3
    while process_due(WORKER):
        pass
    assert Ticket.objects.count() == 3


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_token_that_the_server_refuses_though_fresh_is_renewed_and_the_mailbox_is_not_called_disturbed(
    token_dovecot: Dovecot, provider: Provider, grant: Grant, box: Callable[..., Mailbox], kind: str
) -> None:
    token_dovecot.deliver(grant.account, mail())
    provider.expire_access_tokens()
    mailbox = box(kind)
    assert fetch(mailbox).stored == 1
    assert mailbox.failing_since is None
    assert len(provider.refresh_tokens) == 2


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_a_revoked_account_names_the_account_and_the_providers_words(
    token_dovecot: Dovecot, provider: Provider, grant: Grant, box: Callable[..., Mailbox], kind: str
) -> None:
    mailbox = box(kind)
    provider.expire_access_tokens()
    provider.refusal = ("invalid_grant", REVOKED)
    assert fetch(mailbox).problem is not None
    assert (mailbox.last_problem, mailbox.last_details["grant"]) == ("login_refused", "Ann's")
    assert REVOKED in mailbox.last_said
    grant.refresh_from_db()
    assert grant.failing_since is not None


@pytest.mark.parametrize("kind", ["imap", "pop3"])
def test_the_servers_own_words_are_readable_when_it_refuses_a_token(
    token_dovecot: Dovecot, grant: Grant, box: Callable[..., Mailbox], kind: str
) -> None:
    endpoint = endpoint_of(box(kind))
    wrong = Endpoint(
        endpoint.host, endpoint.port, endpoint.security, ca_pem=endpoint.ca_pem, username=grant.account, token="wrong"
    )
    with pytest.raises(ConnectionProblem) as caught:
        imap.probe(wrong, ["INBOX"]) if kind == "imap" else pop3.probe(wrong)
    assert caught.value.problem is Problem.login_refused
    assert "status" in caught.value.said
    assert "eyJ" not in caught.value.said


def test_a_token_that_ends_in_the_middle_of_a_session_costs_nothing_but_a_new_log_in(
    token_dovecot: Dovecot,
    provider: Provider,
    grant: Grant,
    box: Callable[..., Mailbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """POP3 that deletes opens a new session after each batch; by then the token's hour is over."""
    for raw in numbered(4):
        token_dovecot.deliver(grant.account, raw)
    settle, ended = Pop3Source.settle, []

    def settle_and_end(source: Pop3Source, *args: object) -> None:
        settle(source, *args)  # type: ignore[arg-type]
        if not ended:
            ended.append(provider.expire_access_tokens())
            Grant.objects.update(access_expires_at=timezone.now())

    monkeypatch.setattr(fetching, "BATCH", 2)
    monkeypatch.setattr(Pop3Source, "settle", settle_and_end)
    mailbox = box("pop3", after_storing="delete")
    assert fetch(mailbox).problem is None
    assert Receipt.objects.count() == 4
    assert token_dovecot.messages(grant.account) == []
    assert (mailbox.failing_since, len(provider.refresh_tokens)) == (None, 2)


def test_a_pop3_server_that_wants_the_token_in_the_command_gets_it_there() -> None:
    heard: list[bytes] = []

    def answer(line: bytes) -> bytes:
        heard.append(line)
        if line.startswith(b"AUTH"):
            return b"+OK\r\n" if line.count(b" ") == 2 else b"-ERR malformed command\r\n"
        return b"+OK\r\n.\r\n" if line in {b"UIDL", b"LIST"} else b"+OK\r\n"

    with scripted(b"+OK ready\r\n", answer) as port:
        pop3.probe(Endpoint("127.0.0.1", port, Security.none, username="ann", token="t"))
    assert heard[0] == b"AUTH XOAUTH2"
    assert heard[1] == b"AUTH XOAUTH2 " + base64.b64encode(b"user=ann\1auth=Bearer t\1\1")


# -- sending -------------------------------------------------------------------------------


@pytest.fixture
def channel(token_smtp: SmtpServer, grant: Grant) -> Channel:
    facts = {"host": "localhost", "port": token_smtp.port, "ca_pem": token_smtp.ca_pem}
    return Channel.objects.create(name="Ann's way out", is_default=True, grant=grant, **facts)


@pytest.fixture
def write(channel: Channel, mailbox: Mailbox, bob: Agent) -> Callable[[], OutgoingMail]:
    def writes() -> OutgoingMail:
        number = next(NUMBERS)
        accept(mailbox, [Arrived(f"w{number}", mail(message_id=f"w{number}@x.example", text=str(number)))])
        while process_due(WORKER):
            pass
        return answer(Ticket.objects.latest("pk"), Answer(to=("ann@customer.example",), text="Yes."), by=bob).outgoing

    return writes


def states() -> list[str]:
    return [row.state for outgoing in OutgoingMail.objects.order_by("pk") for row in outgoing.deliveries.all()]


def test_answers_go_out_with_the_token(token_smtp: SmtpServer, write: Callable[[], OutgoingMail], grant: Grant) -> None:
    write()
    assert send_due(WORKER) == 1
    (sent,) = token_smtp.mails
    assert sent.username == grant.account
    assert states() == ["accepted"]


def test_a_token_that_ends_between_two_answers_of_one_session_delays_none(
    token_smtp: SmtpServer, provider: Provider, write: Callable[[], OutgoingMail], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server hangs up after the first mail and takes the old token no more."""
    for _ in range(3):
        write()
    send = SmtpSession.send

    def send_and_end(session: SmtpSession, *args: object, **more: object) -> object:
        done = send(session, *args, **more)  # type: ignore[arg-type]
        if len(token_smtp.mails) == 1:
            provider.expire_access_tokens()
            session.close()
        return done

    monkeypatch.setattr(SmtpSession, "send", send_and_end)
    assert send_due(WORKER) == 3
    assert states() == ["accepted"] * 3
    assert len(token_smtp.mails) == 3
    assert Channel.objects.get(name="Ann's way out").failures == 0


def test_a_revoked_account_pauses_the_channel_with_the_providers_words(
    provider: Provider, write: Callable[[], OutgoingMail], channel: Channel
) -> None:
    write()
    provider.expire_access_tokens()
    provider.refusal = ("invalid_grant", REVOKED)
    send_due(WORKER)
    channel.refresh_from_db()
    assert channel.paused_until is not None
    assert channel.paused_until < timezone.now() + timedelta(minutes=20)
    assert (channel.last_problem, REVOKED in channel.last_said) == ("login_refused", True)
    assert states() == ["deferred"]


def test_a_refused_token_is_explained_and_stays_out_of_the_dialogue(token_smtp: SmtpServer) -> None:
    endpoint = Endpoint(
        "localhost", token_smtp.port, Security.starttls, ca_pem=token_smtp.ca_pem, username="ann", token="t0k3n"
    )
    with pytest.raises(ConnectionProblem) as caught:
        SmtpSession(endpoint)
    problem = caught.value
    assert problem.problem is Problem.login_refused
    assert "535" in problem.said
    assert "status 401" in problem.said
    shown = problem.said + problem.details["dialogue"]
    for secret in ("t0k3n", base64.b64encode(b"user=ann\1auth=Bearer t0k3n\1\1").decode()):
        assert secret not in shown


def test_a_server_without_xoauth2_is_asked_for_nothing_else(smtp_server: SmtpServer) -> None:
    endpoint = Endpoint(
        "localhost", smtp_server.port, Security.starttls, ca_pem=smtp_server.ca_pem, username="ann", token="t0k3n"
    )
    with pytest.raises(ConnectionProblem, match="no way of logging in that we know"):
        SmtpSession(endpoint)
