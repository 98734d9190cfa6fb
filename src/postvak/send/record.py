"""What became of an attempt, written down: per recipient, with the server's words, and on the ticket. Spec 04."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from postvak.models import (
    AutomaticMail,
    Channel,
    Delivery,
    DeliveryEvent,
    History,
    Message,
    OutgoingMail,
    Status,
    Ticket,
)
from postvak.net.connection import ConnectionProblem

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
GIVE_UP_AFTER = timedelta(days=3)
DOUBT_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(minutes=15)

State = Delivery.State
UNFINISHED = {State.QUEUED, State.SENDING, State.DEFERRED}


@dataclass(frozen=True, slots=True)
class Result:
    """The fate of one recipient in one attempt; `code` is the SMTP reply code where a server spoke."""

    state: Delivery.State
    code: int | None
    said: str


def record_attempt(outgoing: OutgoingMail, results: Mapping[str, Result], *, worker: str, now: datetime) -> None:
    """Write results per recipient, plan the next attempt, refresh the ticket; one transaction.

    Guarded by the lease: a worker that lost it writes nothing.
    """
    with transaction.atomic():
        row = OutgoingMail.objects.select_for_update().filter(pk=outgoing.pk, claimed_by=worker).first()
        if row is None:
            return
        row.attempts += 1
        is_too_old = now - (row.retried_at or row.send_at or row.created_at) > GIVE_UP_AFTER
        for delivery in row.deliveries.filter(recipient__in=results):
            set_state(delivery, settled(delivery, results[delivery.recipient], is_too_old), now)
        row.claimed_by, row.claimed_until = "", None
        row.next_attempt_at = next_attempt(row, results, now)
        row.save(update_fields=["attempts", "claimed_by", "claimed_until", "next_attempt_at"])
        settle_ticket(row, now)


def settled(delivery: Delivery, result: Result, is_too_old: bool) -> Result:
    """A first doubt is one more attempt, a second one stays; a temporary refusal becomes final in the end."""
    if result.state == State.IN_DOUBT and not delivery.resent:
        delivery.resent = True
        DeliveryEvent.objects.create(delivery=delivery, at=delivery.changed_at, kind=State.IN_DOUBT, said=result.said)
        return Result(State.DEFERRED, None, result.said)
    if result.state == State.DEFERRED and is_too_old:
        return Result(State.FAILED, result.code, result.said)
    return result


def set_state(delivery: Delivery, result: Result, now: datetime) -> None:
    delivery.state, delivery.code, delivery.said, delivery.changed_at = result.state, result.code, result.said, now
    delivery.save(update_fields=["state", "code", "said", "changed_at", "resent"])
    DeliveryEvent.objects.create(delivery=delivery, at=now, kind=result.state, code=result.code, said=result.said)


def next_attempt(outgoing: OutgoingMail, results: Mapping[str, Result], now: datetime) -> datetime | None:
    """1, 5, 15, 30, 60 minutes after the attempts, then hourly; null when every recipient is settled."""
    if not outgoing.deliveries.filter(state__in=UNFINISHED).exists():
        return None
    pause = RETRY_AFTER[min(outgoing.attempts, len(RETRY_AFTER)) - 1]
    if any(result.state == State.IN_DOUBT for result in results.values()):
        pause = max(pause, DOUBT_PAUSE)
    return now + pause


def record_doubt(outgoing: OutgoingMail, *, worker: str, now: datetime) -> bool:
    """A worker died with `outgoing` in hand, `worker` has it now. True: the server may have taken the mail, so it
    is *in doubt*: sent once more with the same Message-ID after DOUBT_PAUSE; a second doubt stays for a person.
    """
    doubtful = outgoing.deliveries.filter(state=State.SENDING).values_list("recipient", flat=True)
    results = dict.fromkeys(doubtful, Result(State.IN_DOUBT, None, ""))
    if results:
        record_attempt(outgoing, results, worker=worker, now=now)
    return bool(results)


def settle_ticket(outgoing: OutgoingMail, now: datetime) -> None:
    """Reopen the ticket of a mail that failed for good, unread and on top of its assignee's list; refresh its mark. When
    a rejection fails, the ticket stays as it is: its sender may not even exist."""
    ticket = outgoing.message.ticket
    failed = outgoing.deliveries.filter(state__in=[State.FAILED, State.IN_DOUBT], changed_at=now)
    for delivery in failed:
        History.objects.create(
            ticket=ticket,
            at=now,
            code=f"delivery_{delivery.state}",
            parameters={"recipient": delivery.recipient, "said": delivery.said},
        )
    is_asleep = ticket.status.type not in {Status.Type.NEW, Status.Type.OPEN}
    if failed and not is_rejection(outgoing):
        Ticket.objects.filter(pk=ticket.pk).update(changed_at=now, is_unread=True, **(opened() if is_asleep else {}))
    refresh_answer(ticket.pk)


def opened() -> dict[str, object]:
    return {"status": Status.objects.get(key="open"), "is_open": True, "closed_at": None, "pending_until": None}


def is_rejection(outgoing: OutgoingMail) -> bool:
    return AutomaticMail.objects.filter(message_id=outgoing.message_id, kind=AutomaticMail.Kind.REJECTION).exists()


def refresh_answer(ticket_id: int) -> None:
    """The ticket can't look answered while its newest answer is not out (spec 04). Automatic mails are no answers."""
    answers = OutgoingMail.objects.exclude(message__author_kind=Message.AuthorKind.SYSTEM)
    newest = answers.filter(message__ticket_id=ticket_id, message__taken_back_at=None).order_by("-id").first()
    deliveries = list(newest.deliveries.values_list("state", "resent")) if newest else []
    states = {State.IN_DOUBT if resent and state in UNFINISHED else state for state, resent in deliveries}
    mark = answer_mark(states)
    if newest and newest.is_later and mark == Ticket.Answer.WAITING:
        mark = Ticket.Answer.LATER
    Ticket.objects.filter(pk=ticket_id).update(answer=mark)


def answer_mark(states: set[str]) -> Ticket.Answer:
    if states & {State.FAILED, State.BOUNCED, State.BLOCKED}:
        return Ticket.Answer.FAILED
    if State.IN_DOUBT in states:
        return Ticket.Answer.IN_DOUBT
    return Ticket.Answer.WAITING if states & UNFINISHED else Ticket.Answer.NONE


def record_channel_success(channel: Channel, now: datetime) -> None:
    Channel.objects.filter(pk=channel.pk).update(
        failures=0, paused_until=None, last_success_at=now, last_problem="", last_said=""
    )


def pause_channel(channel: Channel, problem: ConnectionProblem, now: datetime) -> None:
    """The channel's fault (login, no connection): pause it 1, 2, 4 … 15 minutes; its mails wait."""
    failures = Channel.objects.values_list("failures", flat=True).get(pk=channel.pk) + 1
    pause = min(timedelta(minutes=2 ** min(failures - 1, 10)), LONGEST_PAUSE)
    Channel.objects.filter(pk=channel.pk).update(
        failures=failures,
        paused_until=now + pause,
        last_error_at=now,
        last_problem=problem.problem.value,
        last_said=problem.said,
    )
