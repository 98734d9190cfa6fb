"""The loop breaker: between whom automatic mail is stopped, and the two ways out. Spec 06."""

from datetime import datetime
from typing import Any

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
    asking,
    by_key,
    found,
    page,
)
from postvak.log.audit import recording
from postvak.models import Blocked, LoopBreak
from postvak.notify.breaker import QUIET, all_open, always_ignore, resume

router = Router(tags=["Outbox"])
READ, WRITE = Token("mail:read", admin=True), Token("mail:write", admin=True)


class LoopShown(BaseModel):
    id: int
    ours: str = Field(description="Our address; empty: all of ours together.")
    theirs: str
    code: str = Field(description="Which limit was hit.")
    stopped: int = Field(description="Mails that didn't go out, or were held.")
    opened_at: datetime
    last_at: datetime
    is_open: bool
    closed_at: datetime | None = Field(description="null and not open: it ended by itself, a quiet day after last_at.")
    is_blocked: bool = Field(description="Their address is on the block list since.")


class LoopsWanted(Paging):
    open: bool = Field(False, description="Only those that stop mail at this moment.")


@router.get("/loops", auth=READ, response=Page[LoopShown])
def list_loops(request: ApiRequest, wanted: Query[LoopsWanted]) -> Any:
    """Where automatic mail is or was stopped, newest first."""
    rows = all_open(timezone.now()) if wanted.open else LoopBreak.objects.all()
    slice = by_key(rows, wanted)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.post("/loops/{int:pk}/resumption", auth=WRITE, response=LoopShown)
def resume_loop(request: ApiRequest, pk: int) -> Any:
    """Automatic mail may go between the two again."""
    row = found(LoopBreak.objects.filter(closed_at=None), pk=pk)
    with recording(asking(request), row):
        resume(row, agent_of(request))
    return shown(row)


@router.post("/loops/{int:pk}/ignoring", auth=WRITE, response=LoopShown)
def ignore_loop(request: ApiRequest, pk: int) -> Any:
    """No automatic mail ever goes there again: their address is put on the block list."""
    row = found(LoopBreak.objects.filter(closed_at=None), pk=pk)
    known = set(Blocked.objects.filter(pattern=row.theirs).values_list("pk", flat=True))
    with recording(asking(request), row) as made:
        always_ignore(row, agent_of(request))
        made += Blocked.objects.filter(pattern=row.theirs).exclude(pk__in=known)
    return shown(row)


def shown(row: LoopBreak) -> dict[str, Any]:
    plain = ("ours", "theirs", "code", "stopped", "opened_at", "last_at", "closed_at", "is_blocked")
    is_open = row.closed_at is None and row.last_at + QUIET > timezone.now()
    return {name: getattr(row, name) for name in plain} | {"id": row.pk, "is_open": is_open}
