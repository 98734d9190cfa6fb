"""Colleagues are invited: a row for each, a link of which only the digest is kept, a mail that carries it. Spec 10."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from postvak.blobs.store import VaultUnreachable
from postvak.log.audit import By, recording
from postvak.models import Agent, Invitation, Queue, Role, Team
from postvak.notify.account_letters import Reader, send_invitation
from postvak.send.sender import CannotAnswer

LASTS = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Whom to invite. `email`: lower case, of no agent; `role`: null for the usual one."""

    email: str
    name: str = ""
    language: str = ""
    is_admin: bool = False
    role: Role | None = None
    queues: Collection[Queue] = ()
    teams: Collection[Team] = ()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_invitations() -> "QuerySet[Invitation]":
    rows = Invitation.objects.filter(accepted_at=None, withdrawn_at=None)
    return rows.select_related("created_by", "role", "outgoing").prefetch_related(
        "queues", "teams", "outgoing__deliveries"
    )


def invite(guest: Guest, *, by: By) -> tuple[Invitation, str]:
    """(its row, what its link ends with). One that is still open for the same address is replaced."""
    token, now = new_token(), timezone.now()
    old = list(Invitation.objects.filter(email=guest.email, accepted_at=None, withdrawn_at=None))
    invitation = Invitation(
        email=guest.email, name=guest.name, language=guest.language, is_admin=guest.is_admin, role=guest.role,
        digest=digest_of(token), created_at=now, created_by=by.agent, expires_at=now + LASTS,
    )  # fmt: skip
    with recording(by, invitation, *old):
        Invitation.objects.filter(pk__in=[row.pk for row in old]).update(withdrawn_at=now)
        invitation.save()
        invitation.queues.set(guest.queues)
        invitation.teams.set(guest.teams)
    return invitation, token


def renew(invitation: Invitation, *, by: By) -> str:
    """A new link; the earlier one says no more."""
    token = new_token()
    with recording(by, invitation):
        invitation.digest, invitation.expires_at = digest_of(token), timezone.now() + LASTS
        invitation.save(update_fields=["digest", "expires_at"])
    return token


def mail_link(invitation: Invitation, link: str, *, by: Agent) -> str:
    """Why no mail can go out; "" when it is on its way."""
    reader = Reader(invitation.name, invitation.email, invitation.language)
    try:
        with transaction.atomic():
            sent = send_invitation(reader, link, by=by.name, until=invitation.expires_at)
            Invitation.objects.filter(pk=invitation.pk).update(outgoing=sent)
    except (CannotAnswer, VaultUnreachable) as error:
        return str(error)
    return ""


def withdraw(invitation: Invitation, *, by: By) -> None:
    with recording(by, invitation):
        Invitation.objects.filter(pk=invitation.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())
