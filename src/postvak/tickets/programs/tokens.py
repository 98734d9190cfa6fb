"""Tokens with which programs act as an agent: made, found by what a program sends, withdrawn. Spec 10.

Only the SHA-256 of a token is kept: it is random and long, so nobody finds it by trying, and nobody can show it again.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db.models import Q, QuerySet
from django.utils import timezone

from postvak.log.audit import By, recording
from postvak.mail.charsets import storable
from postvak.models import Agent, ApiToken
from postvak.tickets.programs.scopes import known

PREFIX = "pv_"
SHOWN = 8  # letters by which one recognises it
USUAL_RATE = 600


@dataclass(frozen=True, slots=True)
class Wish:
    """A token that somebody wants."""

    name: str
    scopes: Iterable[str]
    expires_at: datetime | None = None
    rate: int = USUAL_RATE


def make_token(agent: Agent, wish: Wish, *, by: By) -> tuple[ApiToken, str]:
    """(its row, the token itself). The token is known now and never again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        agent=agent,
        name=storable(wish.name)[:100],
        scopes=known(wish.scopes),
        digest=digest_of(secret),
        beginning=secret[:SHOWN],
        created_at=timezone.now(),
        expires_at=wish.expires_at,
        rate_per_minute=wish.rate,
    )
    with recording(by, row):
        row.save()
    return row, secret


def token_of(secret: str, now: datetime) -> ApiToken | None:
    """The token that a program sent, with its agent; null when it is unknown, over or withdrawn, or its agent isn't valid."""
    if not secret.startswith(PREFIX) or not secret.isascii():
        return None
    return usable(now).filter(digest=digest_of(secret)).select_related("agent").first()


def usable(now: datetime) -> QuerySet[ApiToken]:
    lasts = Q(expires_at=None) | Q(expires_at__gt=now)
    return ApiToken.objects.filter(lasts, withdrawn_at=None, agent__is_active=True)


def withdraw(token: ApiToken, *, by: By) -> None:
    """From now on it opens nothing. The row stays: it says what the program was."""
    if token.withdrawn_at is None:
        with recording(by, token):
            token.withdrawn_at = timezone.now()
            token.save(update_fields=["withdrawn_at"])


def digest_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
