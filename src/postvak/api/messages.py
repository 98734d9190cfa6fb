"""Messages of a ticket: read, their HTML, originals and files; moved to another ticket or split off."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.db.models import QuerySet
from django.http import Http404, HttpResponse

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
    page,
)
from postvak.api.ticket_people import NumberGiven, other_ticket
from postvak.api.ticket_rows import TicketShown, one
from postvak.api.tickets import ticket_of
from postvak.keys.reading import CantRead, file_in, original, readable, readable_or_original
from postvak.keys.security import security_of
from postvak.mail.html import sanitise
from postvak.mail.parse import parse
from postvak.models import MailSecurity, Message
from postvak.process.reopen import try_one
from postvak.tickets.access import visible_attachments, visible_messages
from postvak.tickets.move import move_message, split_off

router = Router(tags=["Messages"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")
NOTHING_RUNS = "default-src 'none'; sandbox"


class FileShown(BaseModel):
    id: int
    name: str
    content_type: str
    size: int
    content_id: str = Field(description="Of a picture inside the HTML.")
    is_inline: bool


class Person(BaseModel):
    name: str
    email: str


class ProtectionShown(BaseModel):
    encrypted: str = Field(description="Empty, smime or pgp.")
    signed: str = Field(description="Empty, smime or pgp.")
    state: str = Field(description="Can it be read: plain, open, no_key, damaged, or sealed (encrypted by us).")
    verdict: str = Field(
        description="Of the signature: empty, good, untrusted, other_signer, expired, revoked, weak, changed, unknown, or partial "
        "(only a part of the mail is signed)."
    )
    signer: str = Field(description="Address of whoever signed.")


class MessageShown(BaseModel):
    """A mail that came in, a mail that went out, or a note."""

    id: int
    ticket: str
    kind: str = Field(description="incoming, outgoing or note.")
    purpose: str = Field(description="Of outgoing mails: empty for an answer, first, forward, redirect, again, side.")
    is_internal: bool = Field(description="Never shown to the customer.")
    author: Person
    author_kind: str = Field(description="customer, agent or system.")
    agent: int | None
    customer: int | None
    to: list[Person]
    cc: list[Person]
    subject: str
    text: str = Field(description="The new text, without what is quoted.")
    has_html: bool
    created_at: datetime
    sent_at: datetime | None
    message_id: str
    side_conversation: int | None
    outgoing: int | None = Field(description="Key of the mail in the outbox.")
    taken_back_at: datetime | None
    files: list[FileShown]
    protection: ProtectionShown | None = Field(
        description="What protects the mail; null: neither signed nor encrypted."
    )


class MovedGiven(NumberGiven):
    pass


class SplitGiven(Body):
    with_later: bool = Field(False, description="The messages after it go along.")


def messages_of(messages: "QuerySet[Message]") -> "QuerySet[Message]":
    rows: QuerySet[Message] = messages.select_related("ticket", "outgoing", "security").prefetch_related("attachments")
    return rows.defer("references")


def shown(message: Message) -> dict[str, Any]:
    outgoing = getattr(message, "outgoing", None)
    return {
        "id": message.pk,
        "ticket": message.ticket.number,
        "kind": message.kind,
        "purpose": message.purpose if message.kind == Message.Kind.OUTGOING else "",
        "is_internal": message.is_internal or message.kind == Message.Kind.NOTE,
        "author": {"name": message.author_name, "email": message.author_email},
        "author_kind": message.author_kind,
        "agent": message.agent_id,
        "customer": message.customer_id,
        "to": people(message.to),
        "cc": people(message.cc),
        "subject": message.subject,
        "text": message.text,
        "has_html": message.has_html,
        "created_at": message.created_at,
        "sent_at": message.sent_at,
        "message_id": message.message_id,
        "side_conversation": message.side_id,
        "outgoing": outgoing.pk if outgoing else None,
        "taken_back_at": message.taken_back_at,
        "files": [file_shown(one) for one in message.attachments.all()],
        "protection": protection_shown(security_of(message)),
    }


def protection_shown(row: MailSecurity | None) -> dict[str, str] | None:
    return {name: getattr(row, name) for name in ProtectionShown.model_fields} if row else None


def people(pairs: list[list[str]]) -> list[dict[str, str]]:
    return [{"name": name, "email": email} for name, email in pairs]


def file_shown(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FileShown.model_fields}


def message_with(request: ApiRequest, pk: int) -> Message:
    return found(messages_of(visible_messages(agent_of(request))), pk=pk)


@router.get("/tickets/{int:number}/messages", auth=READ, response=Page[MessageShown])
def list_messages(request: ApiRequest, number: int, paging: Query[Paging]) -> Any:
    """The conversation, newest message first."""
    slice = by_key(messages_of(ticket_of(request, number).messages.all()), paging)
    return page(request, [shown(message) for message in slice.rows], slice.next)


@router.get("/messages", auth=READ, response=Page[MessageShown])
def list_all_messages(request: ApiRequest, paging: Query[Paging]) -> Any:
    """The newest messages of all tickets that the agent may read."""
    slice = by_key(messages_of(visible_messages(agent_of(request))), paging)
    return page(request, [shown(message) for message in slice.rows], slice.next)


@router.get("/messages/{int:pk}", auth=READ, response=MessageShown)
def get_message(request: ApiRequest, pk: int) -> Any:
    """One message."""
    return shown(message_with(request, pk))


class Opening(BaseModel):
    is_readable: bool


def as_file(media: str) -> dict[str, Any]:
    """For the document: the answer is no JSON."""
    content = {media: {"schema": {"type": "string", "format": "binary"}}}
    return {"responses": {200: {"description": "OK", "content": content}}}


@router.get("/messages/{int:pk}/html", auth=READ, openapi_extra=as_file("text/html"))
def get_html(request: ApiRequest, pk: int) -> HttpResponse:
    """The HTML of a mail, cleaned: no script, nothing of other servers, `cid:` pictures as they are named. Empty without HTML."""
    message = found(visible_messages(agent_of(request)).exclude(blob=None), pk=pk)
    html = parse(readable_or_original(message)).html
    clean = sanitise(html, cid_urls={}, allow_remote=False).html if html else ""
    return guarded(HttpResponse(clean, content_type="text/html; charset=utf-8"))


@router.get("/messages/{int:pk}/original", auth=READ, openapi_extra=as_file("message/rfc822"))
def get_original(request: ApiRequest, pk: int) -> HttpResponse:
    """The mail byte by byte, as it came in or went out."""
    message = found(visible_messages(agent_of(request)).exclude(blob=None).select_related("ticket"), pk=pk)
    try:
        return download(original(message), f"{message.ticket.number}-{message.pk}.eml", "message/rfc822")
    except CantRead as error:
        raise Http404 from error


@router.post("/messages/{int:pk}/opening", auth=WRITE, response=Opening)
def open_message_again(request: ApiRequest, pk: int) -> Any:
    """Look at an encrypted or signed mail once more: a key or certificate may have come. 409 when nothing protects it."""
    message = found(visible_messages(agent_of(request)).exclude(blob=None).select_related("security"), pk=pk)
    if security_of(message) is None:
        raise Problem(409, "Nothing protects this mail.")
    return {"is_readable": try_one(message)}


@router.get("/messages/{int:pk}/readable", auth=READ, openapi_extra=as_file("message/rfc822"))
def get_readable(request: ApiRequest, pk: int) -> HttpResponse:
    """The mail without what protects it: decrypted, and without its signature. 404 when no key opens it."""
    message = found(visible_messages(agent_of(request)).exclude(blob=None).select_related("ticket", "security"), pk=pk)
    try:
        return download(readable(message), f"{message.ticket.number}-{message.pk}.eml", "message/rfc822")
    except CantRead as error:
        raise Http404 from error


@router.get("/files/{int:pk}", auth=READ, openapi_extra=as_file("application/octet-stream"))
def get_file(request: ApiRequest, pk: int) -> HttpResponse:
    """The content of an attached file."""
    row = found(visible_attachments(agent_of(request)).select_related("message"), pk=pk)
    try:
        info, content = file_in(row.message, row.part)
    except CantRead as error:
        raise Http404 from error
    return download(content, row.name or info.name, "application/octet-stream")


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Always a file, never a page of ours."""
    response = HttpResponse(content, content_type=content_type)
    clean = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in name)[:200] or "attachment"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(clean)}"
    return guarded(response)


def guarded(response: HttpResponse) -> HttpResponse:
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


@router.put("/messages/{int:pk}/ticket", auth=WRITE, response=TicketShown)
def move_to_ticket(request: ApiRequest, pk: int, given: MovedGiven) -> Any:
    """The message goes to another ticket, which is the answer."""
    message = message_with(request, pk)
    return one(move_message(message, other_ticket(request, given.ticket), by=agent_of(request)))


@router.post("/messages/{int:pk}/split", auth=WRITE, response={201: TicketShown})
def split_message(request: ApiRequest, pk: int, given: SplitGiven) -> Any:
    """A new ticket of this message, which is the answer."""
    message = message_with(request, pk)
    later = message.ticket.messages.filter(created_at__gte=message.created_at, pk__gt=message.pk)
    chosen = [message, *later] if given.with_later else [message]
    return created(one(split_off(chosen, by=agent_of(request))))
