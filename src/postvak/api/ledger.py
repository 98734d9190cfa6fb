"""The ledger: every mail in and out, one line per recipient, with what became of it; and the sums."""

from datetime import date, datetime
from typing import Any, Literal

from django.utils import timezone

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Field,
    Page,
    Paging,
    Query,
    Router,
    Token,
    agent_of,
    found,
    invalid,
    page,
)
from postvak.api.paging import LARGEST
from postvak.log.ledger.numbers import IN, OUT, STATES, totals
from postvak.log.ledger.rows import narrow, page_of
from postvak.log.ledger.wanted import ORDERS
from postvak.log.ledger.wanted import Wanted as Asked
from postvak.models import LedgerEntry
from postvak.tickets.access import ledger_parts, visible_ledger

router = Router(tags=["Ledger"])
READ = Token("ledger:read")
Period = Literal["day", "week", "month", "all", "own"]


class LedgerLine(BaseModel):
    id: int
    at: datetime
    direction: Literal["in", "out"]
    state: str = Field(description="in: the outcome of the receipt, or `received`. out: the state of the delivery.")
    sender: str
    recipients: str
    subject: str
    ticket: str | None
    queue: int | None
    mailbox: int | None
    channel: int | None
    message: int | None
    receipt: int | None
    numbers: str = Field(description="Message-ID and the server's numbers.")


class Wanted(Paging):
    q: str = Field("", max_length=500, description="Words in sender, recipients, subject, Message-ID.")
    direction: Literal["in", "out"] | None = None
    state: str = Field("", max_length=20)
    mailbox: int | None = Field(None, ge=1, le=LARGEST)
    channel: int | None = Field(None, ge=1, le=LARGEST)
    queue: int | None = Field(None, ge=1, le=LARGEST)
    period: Period = Field("all", description="own: from `first` to `last`.")
    first: date | None = None
    last: date | None = None
    sort: str = Field("-time", max_length=20, description=f"{', '.join(ORDERS)}; with - turned round.")


class Sums(BaseModel):
    incoming: dict[str, int] = Field(description="By outcome; `received` are in progress.")
    outgoing: dict[str, int] = Field(description="By state of the delivery.")


@router.get("/ledger", auth=READ, response=Page[LedgerLine])
def list_ledger(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Lines of the ledger that the agent may read."""
    agent, asked = agent_of(request), asked_for(wanted)
    lines = narrow(visible_ledger(agent), asked, timezone.now())
    found = page_of(lines, asked, parts=ledger_parts(agent), size=wanted.limit)
    return page(request, [shown(line) for line in found.lines], found.after or None)


def asked_for(wanted: Wanted) -> Asked:
    """As the page asks. What it leaves out silently, a program is told."""
    data = wanted.model_dump(exclude={"limit", "after"}, exclude_none=True)
    data = {name: str(value) for name, value in data.items()} | {"after": wanted.place}
    asked = Asked.of(data)
    if wanted.state and not asked.state:
        raise invalid("state", "There is no such state.")
    if wanted.sort != "-time" and asked.order != wanted.sort:
        raise invalid("sort", "The ledger can't be sorted so.")
    for name in ("first", "last"):
        if getattr(wanted, name) and not getattr(asked, name):
            raise invalid(name, "That is no day that we know.")
    return asked


def shown(line: LedgerEntry) -> dict[str, Any]:
    plain = ("at", "direction", "state", "sender", "recipients", "subject", "numbers")
    return {name: getattr(line, name) for name in plain} | {
        "id": line.pk,
        "ticket": line.ticket.number if line.ticket else None,
        "queue": line.queue_id,
        "mailbox": line.mailbox_id,
        "channel": line.channel_id,
        "message": line.message_id,
        "receipt": line.receipt_id,
    }


@router.get("/ledger/{int:pk}", auth=READ, response=LedgerLine)
def get_ledger_line(request: ApiRequest, pk: int) -> Any:
    """One line."""
    return shown(found(visible_ledger(agent_of(request)).select_related("ticket"), pk=pk))


@router.get("/ledger/sums", auth=Token("ledger:read", admin=True), response=Sums)
def get_sums(request: ApiRequest) -> Any:
    """How many mails became what, of all time."""
    return {
        "incoming": dict.fromkeys(STATES[IN], 0) | dict(totals(IN)),
        "outgoing": dict.fromkeys(STATES[OUT], 0) | dict(totals(OUT)),
    }
