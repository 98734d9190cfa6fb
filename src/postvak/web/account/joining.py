"""A colleague gets an account: by an invitation, or because his provider vouches for his domain. Rows only; no page."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from postvak.log import audit
from postvak.log.audit import By
from postvak.models import Agent, Invitation, LoginProvider, Queue, Role
from postvak.tickets.people import USUAL, set_queues, set_teams_of


def state_of(invitation: Invitation | None, now: datetime) -> str:
    """ "open", or why its link says no more: "accepted", "withdrawn", "expired", "known" (there is such an agent), "unknown"."""
    if invitation is None:
        return "unknown"
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.withdrawn_at is not None:
        return "withdrawn"
    if invitation.expires_at <= now:
        return "expired"
    return "known" if Agent.objects.filter(email=invitation.email).exists() else "open"


def accept(invitation: Invitation, by: By, *, name: str, password: str | None, language: str = "") -> Agent | None:
    """The account, in its queues and teams; null: somebody was quicker. `password`: null for those who log in elsewhere."""
    now = timezone.now()
    with transaction.atomic():
        row = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation.pk)
        if state_of(row, now) != "open":
            return None
        agent = make(row.email, name or row.name, password, language=language or row.language, is_admin=row.is_admin)
        join(agent, row.queues.all(), row.role)
        set_teams_of(agent, list(row.teams.all()))
        Invitation.objects.filter(pk=row.pk).update(accepted_at=now, agent=agent)
        audit.write_difference(By(agent, by.origin, by.ip), agent, agent.pk, None)
    return agent


def made_by_provider(provider: LoginProvider, email: str, name: str, by: By) -> Agent:
    """Who comes for the first time, from a domain whose people get an account."""
    with transaction.atomic():
        agent = make(email, name, None)
        join(agent, provider.queues.all(), provider.role)
        audit.write_difference(By(agent, by.origin, by.ip), agent, agent.pk, None)
    return agent


def make(email: str, name: str, password: str | None, *, language: str = "", is_admin: bool = False) -> Agent:
    agent = Agent(
        email=email.lower(), name=name.strip() or email.partition("@")[0], language=language, is_admin=is_admin
    )
    agent.set_password(password)  # null: none fits
    agent.save(force_insert=True)
    return agent


def join(agent: Agent, queues: Iterable[Queue], role: Role | None) -> None:
    """`role`: null for the usual one."""
    given = role or Role.objects.get(key=USUAL)
    set_queues(agent, {queue.pk: given.pk for queue in queues})
