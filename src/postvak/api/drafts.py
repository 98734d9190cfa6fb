"""What agents are writing and haven't sent."""

from datetime import datetime
from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Page, Paging, Query, Router, Token, agent_of, by_key, page
from postvak.tickets.access import visible_drafts

router = Router(tags=["Writing"])
READ = Token("tickets:read")


class DraftShown(BaseModel):
    id: int
    ticket: str | None
    kind: str
    agent: int
    to: str
    cc: str
    bcc: str
    subject: str
    text: str
    html: str
    changed_at: datetime


@router.get("/drafts", auth=READ, response=Page[DraftShown])
def list_drafts(request: ApiRequest, paging: Query[Paging]) -> Any:
    """What agents are writing, as far as the agent of the token may see it."""
    slice = by_key(visible_drafts(agent_of(request)).select_related("ticket"), paging)
    plain = ("kind", "to", "cc", "bcc", "subject", "text", "html", "changed_at")
    items = [
        {name: getattr(draft, name) for name in plain}
        | {"id": draft.pk, "agent": draft.agent_id, "ticket": draft.ticket.number if draft.ticket else None}
        for draft in slice.rows
    ]
    return page(request, items, slice.next)
