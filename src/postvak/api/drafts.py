"""What agents are writing and haven't sent: read those of the team, write one's own. Sending: the operations of writing."""

from datetime import datetime
from typing import Any, Literal

from django.http import Http404

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
    by_key,
    created,
    found,
    gone,
    invalid,
    page,
)
from postvak.api.paging import LARGEST
from postvak.api.sending import FileGiven, address_of, files_of, mail_of, queue_of
from postvak.api.tickets import own_ticket
from postvak.models import Draft, Status
from postvak.tickets import drafts
from postvak.tickets.access import visible_drafts
from postvak.tickets.drafts import Newer, Place, Typed
from postvak.tickets.sealed_drafts import WORDS, words

router = Router(tags=["Writing"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")
KIND = Literal["reply", "all", "forward", "redirect", "new", "note"]
PLAIN = ("kind", "to", "cc", "bcc", "subject", "text", "html", "changed_at", "revision", "quotes")


class DraftFileShown(BaseModel):
    id: int
    name: str
    content_type: str
    size: int


class DraftShown(BaseModel):
    id: int
    ticket: str | None
    kind: str
    agent: int
    queue: int | None = Field(description="Of a new mail.")
    address: int | None = Field(description="Sending address; null: the usual one.")
    about: int | None
    to: str
    cc: str
    bcc: str
    subject: str
    text: str
    html: str
    quotes: bool
    status: str
    revision: int = Field(description="Goes up with each change; it has to be sent with the next one.")
    files: list[DraftFileShown]
    changed_at: datetime


class DraftGiven(Body):
    """What stands in the composer."""

    to: str = Field("", max_length=20_000, description="As typed.")
    cc: str = Field("", max_length=20_000)
    bcc: str = Field("", max_length=20_000)
    subject: str = Field("", max_length=2000)
    text: str = ""
    html: str = Field("", description="Instead of `text`. It is cleaned.")
    quotes: bool = True
    status: str = Field("", max_length=40, description="The ticket's status after it is sent; empty: as it is.")
    about: int | None = Field(None, ge=1, le=LARGEST, description="The message that is answered or forwarded.")
    queue: int | None = Field(None, ge=1, le=LARGEST, description="Of a new mail.")
    address: int | None = Field(None, ge=1, le=LARGEST, description="Sending address; null: the usual one.")


class DraftMade(DraftGiven):
    ticket: int | None = Field(None, ge=1, description="Number; null: a new mail.")
    kind: KIND = "reply"


class DraftChanged(DraftGiven):
    revision: int = Field(
        ge=0, le=LARGEST, description="Of the draft as you know it: a newer one stops the change (409)."
    )


@router.get("/drafts", auth=READ, response=Page[DraftShown])
def list_drafts(request: ApiRequest, paging: Query[Paging]) -> Any:
    """What agents are writing, as far as the agent of the token may see it."""
    slice = by_key(seen(request), paging)
    return page(request, [shown(draft) for draft in slice.rows], slice.next)


@router.get("/drafts/{int:pk}", auth=READ, response=DraftShown)
def get_draft(request: ApiRequest, pk: int) -> Any:
    """One draft."""
    return shown(found(seen(request), pk=pk))


@router.post("/drafts", auth=WRITE, response={201: DraftShown})
def make_draft(request: ApiRequest, given: DraftMade) -> Any:
    """Begin a mail or a note; an agent has one of each kind on a ticket (409). It stands in the composer of the pages, too."""
    if (given.ticket is None) != (given.kind == Draft.Kind.NEW.value):
        raise invalid("ticket", "A draft is about a ticket, unless it is a new mail.")
    ticket = own_ticket(request, given.ticket) if given.ticket is not None else None
    place = Place(agent_of(request), ticket, given.kind)
    return created(saved(request, place, given, key=None, revision=0))


@router.put("/drafts/{int:pk}", auth=WRITE, response=DraftShown)
def change_draft(request: ApiRequest, pk: int, given: DraftChanged) -> Any:
    """Write the agent's own draft anew. Its files stay."""
    draft = found(own(request), pk=pk)
    place = Place(agent_of(request), draft.ticket, draft.kind)
    return saved(request, place, given, key=pk, revision=given.revision)


@router.delete("/drafts/{int:pk}", auth=WRITE, response={204: None})
def remove_draft(request: ApiRequest, pk: int) -> Any:
    """The agent's own, with its files."""
    drafts.remove(found(own(request), pk=pk))
    return gone()


@router.post("/drafts/{int:pk}/copies", auth=WRITE, response={201: DraftShown})
def take_draft_over(request: ApiRequest, pk: int) -> Any:
    """Go on with what a colleague began: a copy with its files; he keeps his."""
    draft = found(seen(request), pk=pk)
    try:
        mine = drafts.take_over(draft, by=agent_of(request))
    except Newer as newer:
        raise told(newer) from newer
    return created(shown(seen(request).get(pk=mine.pk)))


@router.post("/drafts/{int:pk}/files", auth=WRITE, response={201: DraftFileShown})
def add_draft_file(request: ApiRequest, pk: int, given: FileGiven) -> Any:
    """A file for the mail; 413 when it would be too large for one."""
    draft = found(own(request), pk=pk)
    (file,) = files_of([given])
    try:
        row = drafts.add_file(draft, file, limit=drafts.limit_of(draft.address.channel if draft.address else None))
    except drafts.TooLarge as error:
        raise Problem(413, f"The mail would have {error.total} bytes; {error.limit} are possible.") from error
    except Newer as newer:
        raise told(newer) from newer
    return created(file_shown(row))


@router.delete("/drafts/{int:pk}/files/{int:file}", auth=WRITE, response={204: None})
def remove_draft_file(request: ApiRequest, pk: int, file: int) -> Any:
    """Take it off again."""
    drafts.remove_file(found(found(own(request), pk=pk).files.all(), pk=file))
    return gone()


def seen(request: ApiRequest) -> Any:
    return visible_drafts(agent_of(request)).select_related("ticket").prefetch_related("files").distinct()


def own(request: ApiRequest) -> Any:
    return seen(request).filter(agent=agent_of(request)).select_related("ticket", "address__channel")


def saved(request: ApiRequest, place: Place, given: DraftGiven, *, key: int | None, revision: int) -> dict[str, Any]:
    try:
        draft = drafts.save(place, typed_by(request, place, given), draft=key, revision=revision)
    except Newer as newer:
        raise told(newer) from newer
    return shown(seen(request).get(pk=draft.pk))


def typed_by(request: ApiRequest, place: Place, given: DraftGiven) -> Typed:
    agent = place.agent
    if given.status and not Status.objects.filter(key=given.status, is_valid=True).exists():
        raise invalid("status", "There is no such status.")
    return Typed(
        **{name: getattr(given, name) for name in ("to", "cc", "bcc", "subject", "html", "text", "quotes")},
        status_key=given.status,
        address=address_of(given.address, agent),
        about=mail_of(place.ticket, given.about) if place.ticket and given.about else None,
        queue=queue_of(given.queue, agent) if given.queue and place.ticket is None else None,
    )


def told(newer: Newer) -> Problem:
    if newer.draft is None:
        raise Http404
    return Problem(409, f"There is a draft {newer.draft.pk} already, in revision {newer.draft.revision}.", code="newer")


def shown(draft: Draft) -> dict[str, Any]:
    return (
        {name: getattr(draft, name) for name in PLAIN}
        | {name: words(draft, name) for name in WORDS}
        | {
            "id": draft.pk,
            "agent": draft.agent_id,
            "ticket": draft.ticket.number if draft.ticket else None,
            "queue": draft.queue_id,
            "address": draft.address_id,
            "about": draft.about_id,
            "status": draft.status_key,
            "files": [file_shown(file) for file in draft.files.all()],
        }
    )


def file_shown(file: Any) -> dict[str, Any]:
    return {"id": file.pk} | {name: getattr(file, name) for name in ("name", "content_type", "size")}
