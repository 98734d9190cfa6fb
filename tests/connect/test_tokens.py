"""Tokens of a grant: renewed in time, by one worker, stored before use, and nothing lost when something fails."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from postvak.connect.endpoint import endpoint_of
from postvak.connect.set_up import set_up
from postvak.connect.sign_in import begin, connect_application, finish
from postvak.connect.tokens import access_token
from postvak.models import Address, Channel, Grant, Lease, Mailbox, Queue
from postvak.net import oauth
from postvak.net.connection import ConnectionProblem, Problem
from tests.clock import Clock
from tests.servers.oauth import EXPIRED, REVOKED, Provider

NewGrant = Callable[..., Grant]
BACK = "https://desk.example.org/admin/grants/callback/"
pytestmark = pytest.mark.django_db


def sign_in(grant: Grant, provider: Provider) -> Grant:
    """Ann says yes."""
    start = begin(grant, BACK)
    code = provider.agree(start.url).split("&")[0].removeprefix("code=")
    assert finish(grant, code, start.verifier, BACK) is None
    grant.refresh_from_db()
    return grant


@pytest.fixture
def grant(new_grant: NewGrant, provider: Provider) -> Grant:
    return sign_in(new_grant(), provider)


def refused(grant: Grant) -> ConnectionProblem:
    with pytest.raises(ConnectionProblem) as caught:
        access_token(grant)
    grant.refresh_from_db()
    return caught.value


def refreshes(provider: Provider) -> int:
    return sum(asked["grant_type"] == "refresh_token" for asked in provider.asked)


def test_signing_in_keeps_sealed_tokens_and_says_who_and_until_when(grant: Grant, provider: Provider) -> None:
    assert (grant.account, grant.is_connected, grant.failing_since) == ("ann@example.org", True, None)
    assert grant.access_expires_at is not None
    assert timedelta(minutes=59) < grant.access_expires_at - timezone.now() <= timedelta(hours=1)
    assert provider.refresh_tokens[-1] not in grant.sealed_refresh_token
    assert grant.refresh_token == provider.refresh_tokens[-1]


def test_a_fresh_token_is_used_without_asking_the_provider(grant: Grant, provider: Provider) -> None:
    assert access_token(grant) == access_token(grant)
    assert refreshes(provider) == 0


def test_a_token_is_renewed_a_minute_before_its_end_and_the_new_refresh_token_kept(
    grant: Grant, provider: Provider, clock: Clock
) -> None:
    old = grant.access_token
    clock.advance(minutes=59, seconds=30)
    new = access_token(grant)
    assert (new != old, new in provider.access_tokens) == (True, True)
    grant.refresh_from_db()
    assert grant.refresh_token == provider.refresh_tokens[-1]
    assert len(provider.refresh_tokens) == 2
    for _ in range(3):  # ninety days of this, and it goes on
        clock.advance(hours=2)
        access_token(grant)
    assert len(provider.refresh_tokens) == 5


def test_a_refresh_token_that_is_missing_in_the_answer_stays_the_old_one(
    grant: Grant, provider: Provider, clock: Clock
) -> None:
    provider.rotates, provider.omits_refresh = False, True
    for _ in range(2):
        clock.advance(hours=2)
        assert access_token(grant) in provider.access_tokens
    grant.refresh_from_db()
    assert grant.refresh_token == provider.refresh_tokens[0]


def test_without_any_refresh_token_the_grant_says_so_when_its_hour_is_over(
    new_grant: NewGrant, provider: Provider, clock: Clock
) -> None:
    provider.omits_refresh = True
    grant = sign_in(new_grant(), provider)
    assert access_token(grant)
    clock.advance(hours=2)
    problem = refused(grant)
    assert (problem.problem, problem.details["grant"]) == (Problem.login_refused, "Ann's")
    assert "no refresh token" in problem.said


def test_a_revoked_grant_shows_the_providers_words_and_since_when(
    grant: Grant, provider: Provider, clock: Clock
) -> None:
    clock.advance(hours=2)
    provider.refusal = ("invalid_grant", REVOKED)
    problem = refused(grant)
    assert problem.problem is Problem.login_refused
    assert REVOKED in problem.said
    assert (grant.failing_since, grant.last_said) == (clock.now, f"invalid_grant: {REVOKED}")
    first = clock.now
    clock.advance(hours=1)
    refused(grant)
    assert grant.failing_since == first
    provider.refusal = None
    assert access_token(grant)
    grant.refresh_from_db()
    assert (grant.failing_since, grant.last_said) == (None, "")


def test_connecting_again_heals_a_revoked_grant(grant: Grant, provider: Provider, clock: Clock) -> None:
    clock.advance(hours=2)
    provider.refresh_tokens.clear()
    refused(grant)
    sign_in(grant, provider)
    assert access_token(grant) in provider.access_tokens
    assert grant.failing_since is None


def test_while_the_provider_is_in_trouble_a_living_token_is_used(
    grant: Grant, provider: Provider, clock: Clock
) -> None:
    old = grant.access_token
    provider.status = 503
    clock.advance(minutes=59, seconds=30)
    assert access_token(grant) == old
    clock.advance(minutes=5)
    problem = refused(grant)
    assert problem.problem is Problem.timeout
    provider.status = 0
    assert access_token(grant) != old


def test_a_token_that_a_server_refuses_though_fresh_is_renewed_once(grant: Grant, provider: Provider) -> None:
    old = access_token(grant)
    new = access_token(grant, refused=old)
    assert new != old
    assert access_token(grant, refused=old) == new
    assert refreshes(provider) == 1


def test_an_application_connects_and_renews_without_an_agent(
    new_grant: NewGrant, provider: Provider, clock: Clock
) -> None:
    grant = new_grant(flow="client", tenant="example.org")
    assert connect_application(grant) is None
    first = access_token(grant)
    clock.advance(hours=2)
    assert access_token(grant) != first
    assert {asked["grant_type"] for asked in provider.asked} == {"client_credentials"}
    assert {asked["scope"] for asked in provider.asked} == {"https://outlook.office365.com/.default"}


def test_what_an_administrator_connected_meanwhile_is_not_overwritten(
    grant: Grant, provider: Provider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider answers a worker; before the worker stores that, somebody has connected the account again."""
    clock.advance(hours=2)

    def meanwhile(registration: object, token: str) -> object:
        answer = real(registration, token)
        sign_in(Grant.objects.get(pk=grant.pk), provider)
        return answer

    real = oauth.refresh
    monkeypatch.setattr(oauth, "refresh", meanwhile)
    token = access_token(grant)
    grant.refresh_from_db()
    assert grant.access_token == token
    assert grant.refresh_token == provider.refresh_tokens[-1]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_two_workers_that_renew_at_once_ask_the_provider_once(new_grant: NewGrant, provider: Provider) -> None:
    """The second comes while the first waits for the provider's answer."""
    grant = sign_in(new_grant(), provider)
    Grant.objects.update(access_expires_at=timezone.now())
    provider.gate.clear()
    provider.issued.clear()
    got: list[str] = []

    def second_worker() -> None:
        assert provider.issued.wait(10)
        threading.Timer(0.5, provider.gate.set).start()
        while len(got) < 2:
            with suppress(
                OperationalError
            ):  # SQLite in memory refuses who comes at the same moment, instead of letting him wait
                got.append(access_token(grant))
                break
        connection.close()

    second = threading.Thread(target=second_worker)
    second.start()
    got.append(access_token(grant))
    second.join(20)
    assert len(got) == 2
    assert got[0] == got[1]
    assert refreshes(provider) == 1
    assert not Lease.objects.exclude(owner="").exists()


@pytest.mark.parametrize("grace", [True, False])
def test_a_worker_killed_between_answer_and_commit_costs_a_repetition_or_a_clear_word(
    provider: Provider, tmp_path: Path, grace: bool
) -> None:
    """Its own installation, a real kill -9. The rotated token was never stored: the next one tries the old."""
    provider.grace = grace
    installation = {**os.environ, "POSTVAK_DATA": str(tmp_path), "POSTVAK_DATABASE": f"sqlite://{tmp_path}/db.sqlite3"}
    provider.refresh_tokens.append("the first")

    def run(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.connect.one_renewal", *words]
        return subprocess.Popen(command, env=installation, text=True, stdout=subprocess.PIPE)

    made, _ = run("make", provider.url, provider.client_id, provider.client_secret).communicate(timeout=60)
    assert made.strip() == "made"
    provider.gate.clear()
    provider.issued.clear()
    victim = run("renew")
    assert provider.issued.wait(30)
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    provider.gate.set()
    said, _ = run("renew").communicate(timeout=60)
    if grace:
        assert said.strip() in provider.access_tokens
    else:
        assert said.strip() == f"login_refused invalid_grant: {EXPIRED}"


# -- what logs in with it ------------------------------------------------------------------


def test_an_endpoint_carries_the_token_and_no_password(grant: Grant) -> None:
    mailbox = Mailbox(name="Ann", host="localhost", grant=grant)
    mailbox.password = "old one"
    endpoint = endpoint_of(mailbox)
    assert (endpoint.username, endpoint.token, endpoint.password) == ("ann@example.org", grant.access_token, "")


def test_a_token_is_handed_to_no_other_server(grant: Grant, provider: Provider) -> None:
    with pytest.raises(ConnectionProblem, match="is not given the token"):
        endpoint_of(Mailbox(name="Ann", host="imap.evil.example", grant=grant))


def test_without_a_grant_the_endpoint_is_that_of_the_password() -> None:
    mailbox = Mailbox(name="Ann", host="imap.example.org", username="ann")
    mailbox.password = "secret"
    assert (endpoint_of(mailbox).password, endpoint_of(mailbox).token) == ("secret", "")


def test_one_go_sets_up_mailbox_address_and_channel_and_again_changes_nothing_twice(
    grant: Grant, support: Queue
) -> None:
    for _ in range(2):
        mailbox = set_up(grant, support)
    assert (mailbox.kind, mailbox.host, mailbox.port) == ("imap", "outlook.office365.com", 993)
    assert (mailbox.queue, mailbox.grant, mailbox.is_look_only) == (support, grant, True)
    channel = Channel.objects.get(grant=grant)
    assert (channel.host, channel.port, channel.security) == ("smtp.office365.com", 587, "starttls")
    assert mailbox.reply_via == channel
    address = Address.objects.get(email="ann@example.org")
    assert (address.queue, address.channel) == (support, channel)
    assert Mailbox.objects.filter(grant=grant).count() == 1


def test_a_mailbox_that_used_the_password_so_far_is_connected_instead_of_doubled(grant: Grant, support: Queue) -> None:
    old = Mailbox(name="Old", host="outlook.office365.com", username="Ann@example.org", queue=support)
    old.password = "basic authentication"
    old.save()
    assert set_up(grant, support).pk == old.pk
    old.refresh_from_db()
    assert (old.name, old.grant, old.sealed_password, old.is_look_only) == ("Old", grant, "", False)
