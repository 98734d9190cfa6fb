"""Inviting colleagues: who is invited, again, not any more. Agents, teams and roles themselves are settings."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model, QuerySet
from django.urls import reverse

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    asking,
    by_key,
    created,
    found,
    gone,
    invalid,
    page,
)
from postvak.api.paging import LARGEST
from postvak.models import Agent, Invitation, Queue, Role, Team
from postvak.tickets.invitations import Guest, invite, mail_link, open_invitations, renew, withdraw

router = Router(tags=["People"])
READ, WRITE = Token("people:read", admin=True), Token("people:write", admin=True)


class InvitationShown(BaseModel):
    id: int
    email: str
    name: str
    language: str
    is_admin: bool
    queues: list[int]
    teams: list[int]
    role: int | None
    created_at: datetime
    expires_at: datetime


class InvitationMade(InvitationShown):
    problem: str = Field(description="Why no mail can go out; empty: it is on its way.")
    link: str = Field(description="Only when no mail can go out, and only now: pass it on yourself.")


class InvitationGiven(Body):
    email: str = Field(max_length=254)
    name: str = Field("", max_length=200)
    language: str = Field("", max_length=10, description="Of the mail; empty: that of the installation.")
    is_admin: bool = False
    queues: list[int] = Field([], max_length=1000, description="Keys of valid queues.")
    teams: list[int] = Field([], max_length=1000, description="Keys of valid teams.")
    role: int | None = Field(None, ge=1, le=LARGEST, description="In these queues; null: the usual one.")


@router.get("/invitations", auth=READ, response=Page[InvitationShown])
def list_invitations(request: ApiRequest, paging: Query[Paging]) -> Any:
    """Those that nobody has accepted yet."""
    slice = by_key(open_invitations(), paging)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.post("/invitations", auth=WRITE, response={201: InvitationMade})
def make_invitation(request: ApiRequest, given: InvitationGiven) -> Any:
    """Invite a colleague. An open invitation of the same address is replaced."""
    invitation, token = invite(guest_of(given), by=asking(request))
    return created(delivered(request, invitation, token))


@router.post("/invitations/{int:pk}/mail", auth=WRITE, response=InvitationMade)
def send_invitation_again(request: ApiRequest, pk: int) -> Any:
    """The mail once more, with a new link; the earlier one says no more."""
    invitation = found(open_invitations(), pk=pk)
    return delivered(request, invitation, renew(invitation, by=asking(request)))


@router.delete("/invitations/{int:pk}", auth=WRITE, response={204: None})
def withdraw_invitation(request: ApiRequest, pk: int) -> Any:
    """Its link says no more."""
    withdraw(found(open_invitations(), pk=pk), by=asking(request))
    return gone()


def delivered(request: ApiRequest, invitation: Invitation, token: str) -> dict[str, Any]:
    path = reverse("invitation", args=[token])
    public = settings.CONFIGURATION.url
    link = public + path if public else request.build_absolute_uri(path)
    problem = mail_link(invitation, link, by=agent_of(request))
    return shown(invitation) | {"problem": problem, "link": link if problem else ""}


def shown(row: Invitation) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("email", "name", "language", "is_admin", "created_at", "expires_at")}
    keys = {name: [one.pk for one in getattr(row, name).all()] for name in ("queues", "teams")}
    return plain | keys | {"id": row.pk, "role": row.role_id}


def guest_of(given: InvitationGiven) -> Guest:
    email = given.email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise invalid("email", "This is no e-mail address.") from None
    if Agent.objects.filter(email=email).exists():
        raise invalid("email", "There is already an agent with this address.")
    if given.language and given.language not in dict(settings.LANGUAGES):
        raise invalid("language", "There is no such language here.")
    role = Role.objects.filter(pk=given.role).first() if given.role else None
    if given.role and role is None:
        raise invalid("role", "There is no such role.")
    return Guest(
        email=email,
        name=given.name.strip(),
        language=given.language,
        is_admin=given.is_admin,
        role=role,
        queues=rows_with(Queue.objects.filter(is_valid=True), given.queues, "queues"),
        teams=rows_with(Team.objects.filter(is_valid=True), given.teams, "teams"),
    )


def rows_with(rows: "QuerySet[Any]", keys: list[int], name: str) -> "list[Any]":
    chosen: list[Model] = list(rows.filter(pk__in=[key for key in keys if 0 < key <= LARGEST]))
    if len(chosen) != len(set(keys)):
        raise invalid(name, "One of them is not to be had.")
    return chosen
