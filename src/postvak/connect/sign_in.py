"""Connecting an account: an agent signs in at the provider, or the application gets its own token.

Works whatever state the grant is in: what it had before is neither needed nor opened, but for the client secret.
"""

import logging

from django.db import transaction
from django.utils import timezone

from postvak.connect.registration import registration_of
from postvak.connect.tokens import take_over
from postvak.models import Grant
from postvak.net import oauth
from postvak.net.oauth import Refusal, SignIn, Tokens

log = logging.getLogger("postvak.connect")


def begin(grant: Grant, redirect_address: str) -> SignIn:
    """Where to send the agent's browser."""
    return oauth.sign_in(registration_of(grant, with_secret=False), redirect_address, grant.account)


def finish(grant: Grant, code: str, verifier: str, redirect_address: str) -> Refusal | None:
    """The agent came back with a code. Raises CannotOpen."""
    return keep(grant, oauth.exchange(registration_of(grant), code, verifier, redirect_address))


def connect_application(grant: Grant) -> Refusal | None:
    """Without an agent (client credentials). Raises CannotOpen."""
    return keep(grant, oauth.client_credentials(registration_of(grant)))


def keep(grant: Grant, answer: Tokens | Refusal) -> Refusal | None:
    if isinstance(answer, Tokens):
        store_first(grant, answer)
        return None
    log.warning("connected account %s: %s", grant.name, answer.said)
    Grant.objects.filter(pk=grant.pk).update(failing_since=grant.failing_since or timezone.now(), last_said=answer.said)
    return answer


def store_first(grant: Grant, tokens: Tokens) -> None:
    """All that an earlier sign-in left is replaced: it may have been another account."""
    with transaction.atomic():
        row = Grant.objects.select_for_update().get(pk=grant.pk)
        row.sealed_refresh_token = ""
        now = timezone.now()
        take_over(row, tokens, now)
        row.connected_at = now
        row.account = tokens.account or row.account
        row.save()
