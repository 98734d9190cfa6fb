"""Revocation lists, and the mails that no key here opens. Spec 05."""

from datetime import datetime
from typing import Any

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    agent_of,
    asking,
    by_key,
    created,
    found,
    gone,
    page,
)
from postvak.api.jobs import JobShown
from postvak.api.jobs import shown as job_shown
from postvak.api.keys import LARGEST_TEXT, content_of
from postvak.keys.again import waiting
from postvak.keys.revocations import CannotTake, keep, number_in, take
from postvak.keys.wanted import Wanted, wanted_by
from postvak.log.audit import Action, record, recording
from postvak.log.crypto_sentences import list_sentence
from postvak.models import MailSecurity, Revocation
from postvak.setup import crypto_keys, revocation_lists

router = Router(tags=["Certificates and keys"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)


class ListShown(BaseModel):
    id: int
    authority: str
    revoked: int = Field(description="Certificates in it.")
    issued_at: datetime
    next_at: datetime | None


class ListGiven(Body):
    content: str = Field(max_length=LARGEST_TEXT, description="PEM, or DER in base64.")


class WantedShown(BaseModel):
    owner: str = Field(description="Whose certificate or key it is; empty: its public part isn't here.")
    key_id: str = Field(description="Of an OpenPGP key.")


class WaitingShown(BaseModel):
    message: int
    ticket: str
    author: str
    subject: str
    at: datetime
    kind: str = Field(description="smime or pgp.")
    state: str = Field(description="no_key or damaged.")
    keys: list[WantedShown] = Field(description="Any one of them opens it.")


@router.get("/keys/revocation-lists", auth=READ, response=Page[ListShown])
def list_revocation_lists(request: ApiRequest, paging: Query[Paging]) -> Any:
    """Which certificates authorities have withdrawn."""
    slice = by_key(Revocation.objects.all(), paging)
    return page(request, [list_shown(row) for row in slice.rows], slice.next)


@router.post("/keys/revocation-lists", auth=WRITE, response={201: ListShown})
def add_revocation_list(request: ApiRequest, given: ListGiven) -> Any:
    """Taken only if a trusted authority signed it (409); the newest of each counts."""
    try:
        row = take(content_of(given.content))
    except CannotTake as problem:
        raise Problem(409, list_sentence(problem.code, problem.name)) from problem
    with recording(asking(request), row):
        keep(row)
    return created(list_shown(row))


@router.delete("/keys/revocation-lists/{int:pk}", auth=WRITE, response={204: None})
def delete_revocation_list(request: ApiRequest, pk: int) -> Any:
    """What it has withdrawn stays revoked."""
    row = found(Revocation.objects.all(), pk=pk)
    with recording(asking(request), row):
        Revocation.objects.filter(pk=pk).delete()
    return gone()


@router.post("/keys/revocation-lists/fetching", auth=WRITE, response={201: JobShown})
def fetch_revocation_lists(request: ApiRequest) -> Any:
    """Now, from where the authorities publish them, and not only once a day. 409: it is being done."""
    job = revocation_lists.ask(agent_of(request))
    if job is None:
        raise Problem(409, "The revocation lists are being fetched already.")
    record(asking(request), Action.CREATED, job)
    return created(job_shown(job))


@router.get("/keys/waiting", auth=READ, response=Page[WaitingShown])
def list_mails_waiting_for_keys(request: ApiRequest, paging: Query[Paging]) -> Any:
    """Encrypted mails that can't be opened, and which keys would open them; newest first."""
    slice = by_key(waiting().select_related("message__ticket"), paging)
    wanted = wanted_by(slice.rows)
    items = [waiting_shown(row, keys) for row, keys in zip(slice.rows, wanted, strict=True)]
    return page(request, items, slice.next)


@router.post("/keys/waiting/attempt", auth=WRITE, response={201: JobShown})
def try_waiting_mails_again(request: ApiRequest) -> Any:
    """All of them, as happens by itself when a private key is added. 409: none waits."""
    job = crypto_keys.try_again(asking(request))
    if job is None:
        raise Problem(409, "No mail waits for a key.")
    return created(job_shown(job))


def list_shown(row: Revocation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "authority": row.name,
        "revoked": number_in(row) or 0,
        "issued_at": row.issued_at,
        "next_at": row.next_at,
    }


def waiting_shown(row: MailSecurity, keys: list[Wanted]) -> dict[str, Any]:
    message = row.message
    return {
        "message": message.pk,
        "ticket": message.ticket.number,
        "author": message.author_email,
        "subject": message.subject,
        "at": message.created_at,
        "kind": row.encrypted,
        "state": row.state,
        "keys": [{"owner": one.owner, "key_id": one.key_id} for one in keys],
    }
