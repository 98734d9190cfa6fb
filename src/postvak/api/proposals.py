"""What classification proposes for a ticket: read, accept, dismiss."""

from datetime import datetime
from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Field, Router, Token, agent_of, found, gone
from postvak.api.ticket_rows import TicketShown, one
from postvak.api.tickets import own_ticket, ticket_of
from postvak.learn import proposals
from postvak.learn.versions import names_of
from postvak.models import Prediction, Target, Ticket
from postvak.tickets.access import visible_queues

router = Router(tags=["Tickets"])
READ, WRITE = Token("tickets:read"), Token("tickets:write")


class ProposalShown(BaseModel):
    id: int
    target: str = Field(description="queue, priority or spam.")
    label: str = Field(description="Key of the queue, level of the priority, or spam or ham.")
    name: str = Field(description="Name of the queue or priority, as far as it has one.")
    probability: float
    role: str = Field(description="offered, or acted: then it is done already.")
    engine: str = Field(description="own, or service: the language model.")
    words: list[tuple[str, float]] = Field(description="What counted most, against it below 0.")
    version: int | None
    made_at: datetime


def shown(row: Prediction, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": row.pk,
        "target": row.target,
        "label": row.label,
        "name": names.get(row.label, row.label),
        "probability": row.probability,
        "role": row.role,
        "engine": row.engine,
        "words": row.words,
        "version": row.model.version if row.model else None,
        "made_at": row.made_at,
    }


@router.get("/tickets/{int:number}/proposals", auth=READ, response=list[ProposalShown])
def list_proposals(request: ApiRequest, number: int) -> Any:
    """What is proposed and fits still, and what was done without asking."""
    rows = seen(request, ticket_of(request, number))
    return [shown(row, names_of(row.target, [row.label])) for row in rows]


@router.post("/tickets/{int:number}/proposals/{int:pk}/accept", auth=WRITE, response=TicketShown)
def accept_proposal(request: ApiRequest, number: int, pk: int) -> Any:
    """Do what it says, as if the agent had chosen it. The answer is the ticket."""
    proposals.accept(offered(request, number, pk), by=agent_of(request))
    return one(ticket_of(request, number))


@router.post("/tickets/{int:number}/proposals/{int:pk}/dismiss", auth=WRITE, response={204: None})
def dismiss_proposal(request: ApiRequest, number: int, pk: int) -> Any:
    """It isn't proposed any more."""
    proposals.dismiss(offered(request, number, pk), by=agent_of(request))
    return gone()


def seen(request: ApiRequest, ticket: Ticket) -> list[Prediction]:
    """Nothing of queues that the agent doesn't see."""
    rows = proposals.for_ticket(ticket)
    keys = [int(row.label) for row in rows if row.target == Target.QUEUE]
    queues = set(visible_queues(agent_of(request)).filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    return [row for row in rows if row.target != Target.QUEUE or int(row.label) in queues]


def offered(request: ApiRequest, number: int, pk: int) -> Prediction:
    """Else 404."""
    keys = [row.pk for row in seen(request, own_ticket(request, number))]
    return found(Prediction.objects.filter(pk__in=keys, role=Prediction.Role.OFFERED), pk=pk)
