"""Mails as they came in: what became of each and why; what a person decides about held ones."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpResponse

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
    found,
    invalid,
    page,
)
from postvak.api.messages import as_file, download
from postvak.api.paging import LARGEST
from postvak.blobs import store
from postvak.log.sentences import trace_line
from postvak.models import Queue, Receipt, Trace
from postvak.process.again import think_again
from postvak.process.held import discard, release, try_again
from postvak.tickets.access import visible_queues, visible_receipts, workable_receipts

router = Router(tags=["Mails that came in"])
READ, WRITE = Token("mail:read"), Token("mail:write")
Outcome = Literal[
    "new_ticket", "follow_up", "grouped", "new_ticket_instead", "rejected", "delivery_report", "ignored", "duplicate", "before_start", "held",
]  # fmt: skip


class ReceiptShown(BaseModel):
    id: int
    mailbox: str
    received_at: datetime
    state: Literal["received", "processing", "done"]
    outcome: Outcome | None = Field(description="null: not decided yet.")
    ticket: str | None
    message: int | None
    first: int | None = Field(description="Of a copy: the receipt that came first.")
    sender: str = Field(description="The author's address.")
    subject: str
    message_id: str
    size: int
    has_original: bool = Field(description="false: the retention rule dropped its bytes.")
    attempts: int
    error: str


class Step(BaseModel):
    step: str
    code: str
    parameters: dict[str, Any]
    text: str
    detail: str


class Way(BaseModel):
    receipt: ReceiptShown
    steps: list[Step] = Field(description="Every decision with its reason, in order.")


class StepToday(BaseModel):
    step: str
    text: str
    detail: str
    is_new: bool = Field(description="It was not so when the mail came.")


class AgainShown(BaseModel):
    outcome: str
    is_same: bool
    steps: list[StepToday]
    gone: list[str] = Field(description="Reasons of then that are none today.")


class Wanted(Paging):
    outcome: Outcome | None = None
    mailbox: int | None = Field(None, ge=1, le=LARGEST)
    ticket: str = Field("", max_length=40, description="Number of a ticket.")
    message_id: str = Field("", max_length=255, description="As in the header, without <>.")


class Decision(Body):
    decision: Literal["try_again", "let_through", "put_aside"]
    queue: int | None = Field(None, ge=1, le=LARGEST, description="Of let_through: where a new ticket goes.")
    reason: str = Field("", max_length=1000, description="Of put_aside: why.")


def loaded(request: ApiRequest) -> "QuerySet[Receipt]":
    rows: QuerySet[Receipt] = visible_receipts(agent_of(request)).select_related("mailbox", "ticket")
    return rows


def shown(row: Receipt) -> dict[str, Any]:
    plain = ("received_at", "state", "subject", "size", "attempts", "error")
    return {name: getattr(row, name) for name in plain} | {
        "id": row.pk,
        "mailbox": row.mailbox.name,
        "outcome": row.outcome or None,
        "ticket": row.ticket.number if row.ticket else None,
        "message": row.message_id,
        "first": row.first_id,
        "sender": row.author_email,
        "message_id": row.message_id_header,
        "has_original": row.blob_id is not None,
    }


@router.get("/receipts", auth=READ, response=Page[ReceiptShown])
def list_receipts(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Mails that came in, newest first. Held ones wait for a person: `?outcome=held`."""
    narrow = {
        "outcome": wanted.outcome,
        "mailbox": wanted.mailbox,
        "ticket__number": wanted.ticket,
        "message_id_header": wanted.message_id,
    }
    rows = loaded(request).filter(**{name: value for name, value in narrow.items() if value})
    slice = by_key(rows, wanted)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.get("/receipts/{int:pk}", auth=READ, response=Way)
def get_receipt(request: ApiRequest, pk: int) -> Any:
    """The way of one mail: what was found and decided, and why."""
    row = found(loaded(request), pk=pk)
    trace = Trace.objects.filter(receipt=row).first()
    return {"receipt": shown(row), "steps": [step_of(entry) for entry in (trace.entries if trace else [])]}


def step_of(entry: list[Any]) -> dict[str, Any]:
    line = trace_line(entry)
    parameters = entry[2] if isinstance(entry[2], dict) else {}
    return {
        "step": line.step,
        "code": str(entry[1]),
        "parameters": parameters,
        "text": line.title,
        "detail": line.detail,
    }


@router.get("/receipts/{int:pk}/again", auth=READ, response=AgainShown)
def think_again_about(request: ApiRequest, pk: int) -> Any:
    """What today's rules would make of it, without what it has caused itself; nothing is written. 404 when its bytes are gone."""
    row = found(loaded(request).select_related("first__ticket").exclude(blob=None), pk=pk)
    trace = Trace.objects.filter(receipt=row).first()
    again = think_again(row, store.get(str(row.blob_id)), trace.entries if trace else [])
    lines = [
        {"step": line.step, "text": line.title, "detail": line.detail, "is_new": not was} for line, was in again.lines
    ]
    gone = [line.title for line in again.gone]
    return {"outcome": again.outcome, "is_same": again.is_same, "steps": lines, "gone": gone}


@router.get("/receipts/{int:pk}/original", auth=READ, openapi_extra=as_file("message/rfc822"))
def get_receipt_original(request: ApiRequest, pk: int) -> HttpResponse:
    """The mail byte by byte."""
    row = found(visible_receipts(agent_of(request)).exclude(blob=None), pk=pk)
    return download(store.get(str(row.blob_id)), f"receipt-{row.pk}.eml", "message/rfc822")


@router.post("/receipts/{int:pk}/decision", auth=WRITE, response=ReceiptShown)
def decide(request: ApiRequest, pk: int, given: Decision) -> Any:
    """About a held mail: try again, let it through, put it aside. Ignored mails can be let through, too."""
    found(loaded(request), pk=pk)
    row = workable_receipts(agent_of(request)).set_aside().filter(pk=pk).first()
    if row is None:
        raise Problem(409, "There is nothing to decide about this mail, or not for the agent of this token.")
    if not carried_out(request, row, given):
        raise Problem(409, "A colleague has decided about this mail already.")
    left = loaded(request).filter(pk=pk).first()
    return shown(left) if left else shown(row)  # one that never could be read is asked for anew: its row is gone


def carried_out(request: ApiRequest, row: Receipt, given: Decision) -> int:
    if given.decision == "try_again":
        return try_again([row])
    if given.decision == "let_through":
        return release([row], queue=queue_of(request, given.queue))
    if not given.reason.strip():
        raise invalid("reason", "Say why the mail is put aside.")
    return discard([row], by=agent_of(request), reason=given.reason)


def queue_of(request: ApiRequest, key: int | None) -> Queue | None:
    if key is None:
        return None
    queue = visible_queues(agent_of(request)).filter(is_valid=True, pk=key).first()
    if queue is None:
        raise invalid("queue", "There is no such queue that the agent sees.")
    return queue
