"""apply: what classification said of new tickets is kept with them, and told in their history where it was done."""

from collections.abc import Sequence
from datetime import datetime

from postvak.learn.values import ACTED, PRIORITY, QUEUE, Proposal, in_percent
from postvak.models import History, Prediction
from postvak.process.work import Work


def keep_proposals(batch: Sequence[Work], now: datetime) -> None:
    """In the transaction that opens the tickets; nothing said, nothing written."""
    found = [(work, one) for work in batch if work.plan.new_ticket for one in work.plan.proposals]
    if not found:
        return
    Prediction.objects.bulk_create(prediction(work.ticket_id, one, now) for work, one in found)
    for work, one in found:
        if one.role == ACTED:
            work.lines.append(line(work, one))


def prediction(ticket: int, said: Proposal, now: datetime) -> Prediction:
    return Prediction(
        ticket_id=ticket,
        target=said.target,
        model_id=said.model_id,
        label=said.label,
        probability=said.probability,
        familiarity=said.familiarity,
        is_known=said.is_known,
        would_act=said.would_act,
        role=said.role,
        words=[[word, share] for word, share in said.words],
        others=[[label, probability] for label, probability in said.others],
        made_at=now,
    )


def line(work: Work, said: Proposal) -> History:
    """What was done without asking."""
    told: dict[str, str | int] = {"percent": in_percent(said.probability), "version": said.version}
    if said.target == QUEUE:
        told["queue"] = work.facts.desk.queues[int(said.label)].name
    elif said.target == PRIORITY:
        told["priority"] = work.facts.learned.priorities[int(said.label)] or int(said.label)
    return History(
        ticket_id=work.ticket_id,
        at=work.receipt.received_at,
        receipt=work.receipt,
        code=f"{said.target}_by_model",
        parameters=told,
    )
