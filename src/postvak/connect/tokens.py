"""A valid access token for a grant: renewed by one worker at a time, stored before it is used. Spec 01.

A provider that rotates refresh tokens takes each only once. So whoever renews holds a lease meanwhile; the network is
asked outside of any transaction; and the answer is stored only if the refresh token is still the one that was used –
after "connect again" the administrator's tokens win. A worker that dies between answer and commit leaves the old
refresh token: the next one tries it, and the provider takes it once more or says that somebody has to connect again.
"""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from postvak.connect.registration import registration_of
from postvak.crypto.sealing import seal
from postvak.models import Grant, Lease
from postvak.net import oauth
from postvak.net.connection import ConnectionProblem, Problem
from postvak.net.oauth import Refusal, Tokens

log = logging.getLogger("postvak.connect")

PATIENCE = 45.0  # seconds that we wait for another worker's renewal
PAUSE = 0.1
NEVER_GIVEN = "no_refresh_token: the provider gave no refresh token at the last sign-in"


def access_token(grant: Grant, *, refused: str = "") -> str:
    """A token that is good for another minute at least; `refused`: one that a server did not take, though fresh.

    Raises ConnectionProblem with the provider's words, CannotOpen.
    """
    known = Grant.objects.get(pk=grant.pk)
    if is_usable(known, refused):
        return known.access_token
    with alone_with(grant):
        known = Grant.objects.get(pk=grant.pk)
        return known.access_token if is_usable(known, refused) else renew(known, refused)


def is_usable(grant: Grant, refused: str) -> bool:
    return grant.is_fresh(timezone.now()) and bool(grant.access_token) and grant.access_token != refused


@contextmanager
def alone_with(grant: Grant) -> Iterator[None]:
    """Wait until no other worker renews this grant's tokens."""
    name, owner = f"grant:{grant.pk}", f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
    give_up_at = time.monotonic() + PATIENCE
    while not Lease.objects.take(name, owner):
        if time.monotonic() > give_up_at:
            raise problem_with(grant, Problem.timeout, "another worker has been renewing the tokens for too long")
        time.sleep(PAUSE)
    try:
        yield
    finally:
        Lease.objects.give_back(name, owner)


def renew(grant: Grant, refused: str) -> str:
    """Ask the provider and store what it says. While it can't be reached, a token that still lives is used."""
    used = grant.sealed_refresh_token
    answer = ask(grant)
    if isinstance(answer, Tokens):
        return store_renewed(grant, answer, instead_of=used)
    log.warning("connected account %s: %s", grant.name, answer.said)
    record_refusal(grant, answer, used)
    if answer.is_temporary and lives(grant, timezone.now()) and grant.access_token != refused:
        return grant.access_token
    raise problem_with(grant, Problem.timeout if answer.is_temporary else Problem.login_refused, answer.said)


def ask(grant: Grant) -> Tokens | Refusal:
    registration = registration_of(grant)
    if grant.flow == Grant.Flow.CLIENT:
        return oauth.client_credentials(registration)
    if not grant.sealed_refresh_token:
        return Refusal("no_refresh_token", NEVER_GIVEN)
    return oauth.refresh(registration, grant.refresh_token)


def lives(grant: Grant, now: datetime) -> bool:
    return bool(grant.access_expires_at and grant.access_expires_at > now and grant.sealed_access_token)


def store_renewed(grant: Grant, tokens: Tokens, *, instead_of: str) -> str:
    """The new pair in one transaction; a refresh token that is missing in the answer stays the old one (RFC 6749
    section 6). If somebody connected the account again meanwhile, theirs stay."""
    with transaction.atomic():
        row = Grant.objects.select_for_update().get(pk=grant.pk)
        if row.sealed_refresh_token != instead_of:
            return row.access_token
        take_over(row, tokens, timezone.now())
        row.save()
    return tokens.access


def take_over(grant: Grant, tokens: Tokens, now: datetime) -> None:
    """Into the row, not yet saved."""
    keys = settings.CONFIGURATION.sealing_keys
    grant.sealed_access_token = seal(tokens.access, keys)
    if tokens.refresh:
        grant.sealed_refresh_token = seal(tokens.refresh, keys)
    grant.access_expires_at = now + tokens.lifetime
    grant.refreshed_at = now
    grant.failing_since, grant.last_said = None, ""


def record_refusal(grant: Grant, refusal: Refusal, used: str) -> None:
    Grant.objects.filter(pk=grant.pk, sealed_refresh_token=used).update(
        failing_since=grant.failing_since or timezone.now(), last_said=refusal.said
    )


def problem_with(grant: Grant, problem: Problem, said: str) -> ConnectionProblem:
    """At the provider's sign-in server, not at the mail server."""
    where = urlsplit(registration_of(grant, with_secret=False).token_url)
    details = {"host": where.hostname or "?", "port": str(where.port or 443), "grant": grant.name}
    return ConnectionProblem(problem, said, details)
