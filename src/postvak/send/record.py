"""What became of an attempt, written down: per recipient, with the server's words, and on the ticket. Spec 04."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

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
from postvak.send import statements
from postvak.send.copies import plan_copy

RETRY_AFTER = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
GIVE_UP_AFTER = timedelta(days=3)
DOUBT_PAUSE = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(minutes=15)
SUCCESS_NOTED_EVERY = timedelta(minutes=1)

State = Delivery.State
UNFINISHED = {State.QUEUED, State.SENDING, State.DEFERRED}
NOT_DELIVERED = {State.FAILED, State.BLOCKED, State.IN_DOUBT}
BAD = {*NOT_DELIVERED, State.BOUNCED}


@dataclass(frozen=True, slots=True)
class Result:
    """The fate of one recipient in one attempt. `code`: the SMTP reply code where a server spoke. `remote_id`: the
    server's queue id or the provider's id of the mail. `told`: the line of the attempt's story, "" when it is `said`.
    """

    state: Delivery.State
    code: int | None
    said: str
    remote_id: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a result makes of a delivery; `events`: what is added to its story."""

    result: Result
    resent: bool
    events: tuple[DeliveryEvent, ...]


def record_attempt(outgoing: OutgoingMail, results: Mapping[str, Result], *, worker: str, now: datetime) -> None:
    """Write results per recipient, plan the next attempt, refresh the ticket; one transaction.

    Guarded by the lease: a worker that lost it writes nothing.
    """
    with transaction.atomic():
        statements.tell(write_attempt(outgoing, results, worker=worker, now=now))


def write_attempt(
    outgoing: OutgoingMail, results: Mapping[str, Result], *, worker: str, now: datetime
) -> list[DeliveryEvent]:
    """As record_attempt(), in the caller's transaction; the events are returned, for him to write them with others."""
    is_too_old = now - (outgoing.retried_at or outgoing.send_at or outgoing.created_at) > GIVE_UP_AFTER
    settled = {
        delivery: settle(delivery, results[delivery.recipient], is_too_old, now)
        for delivery in outgoing.deliveries.all()
        if delivery.recipient in results
    }
    again = next_attempt(outgoing, settled, results, now)
    if not statements.close_attempt(outgoing.pk, worker, attempts=outgoing.attempts + 1, next_attempt_at=again):
        return []
    write_states(settled, now)
    states = {one.result.state for one in settled.values()}
    if State.ACCEPTED in states:
        plan_copy(outgoing, now)
    is_out = states == {State.ACCEPTED} and len(settled) == len(outgoing.deliveries.all())
    message = outgoing.message_id  # null: a mail to an agent, no ticket waits for it
    if message is not None and not (is_out and statements.mark_answered(message, outgoing.pk)):
        settle_ticket(outgoing, message, settled, now)
    return [event for one in settled.values() for event in one.events]


def settle(delivery: Delivery, result: Result, is_too_old: bool, now: datetime) -> Settled:
    """A first doubt is one more attempt, a second one stays; a temporary refusal becomes final in the end."""
    if result.state == State.IN_DOUBT and not delivery.resent:
        again = Result(State.DEFERRED, None, result.said)
        return Settled(again, True, (event_of(delivery, result, now), event_of(delivery, again, now)))
    if result.state == State.DEFERRED and is_too_old:
        result = Result(State.FAILED, result.code, result.said, told=result.told)
    return Settled(result, delivery.resent, (event_of(delivery, result, now),))


def event_of(delivery: Delivery, result: Result, now: datetime) -> DeliveryEvent:
    said = result.told or result.said
    return DeliveryEvent(delivery=delivery, at=now, kind=result.state, code=result.code, said=said)


def next_attempt(
    outgoing: OutgoingMail, settled: Mapping[Delivery, Settled], results: Mapping[str, Result], now: datetime
) -> datetime | None:
    """1, 5, 15, 30, 60 minutes after the attempts, then hourly; null when every recipient is settled."""
    others = (delivery.state for delivery in outgoing.deliveries.all() if delivery not in settled)
    if UNFINISHED.isdisjoint({*others, *(one.result.state for one in settled.values())}):
        return None
    pause = RETRY_AFTER[min(outgoing.attempts + 1, len(RETRY_AFTER)) - 1]
    if any(result.state == State.IN_DOUBT for result in results.values()):
        pause = max(pause, DOUBT_PAUSE)
    return now + pause


def write_states(settled: Mapping[Delivery, Settled], now: datetime) -> None:
    """One statement for all recipients with the same fate."""
    alike: dict[tuple[Result, bool], list[int]] = defaultdict(list)
    for delivery, one in settled.items():
        alike[(one.result, one.resent)].append(delivery.pk)
    for (result, resent), keys in alike.items():
        statements.mark_deliveries(
            keys,
            result.state,
            now,
            code=result.code,
            said=result.said,
            remote_id=result.remote_id,
            resent=resent,
        )


def record_doubt(outgoing: OutgoingMail, *, worker: str, now: datetime) -> bool:
    """A worker died with `outgoing` in hand, `worker` has it now. True: the server may have taken the mail, so it
    is *in doubt*: sent once more with the same Message-ID after DOUBT_PAUSE; a second doubt stays for a person.
    """
    doubtful = [delivery.recipient for delivery in outgoing.deliveries.all() if delivery.state == State.SENDING]
    if doubtful:
        record_attempt(outgoing, dict.fromkeys(doubtful, Result(State.IN_DOUBT, None, "")), worker=worker, now=now)
    return bool(doubtful)


# -- the ticket ------------------------------------------------------------


def settle_ticket(outgoing: OutgoingMail, message: int, settled: Mapping[Delivery, Settled], now: datetime) -> None:
    """Reopen the ticket of a mail that failed for good, unread and on top of its assignee's list; refresh its mark. When
    a rejection fails, the ticket stays as it is: its sender may not even exist."""
    ticket_id = Message.objects.values_list("ticket_id", flat=True).get(pk=message)  # it may have moved
    failed = [(delivery, one.result) for delivery, one in settled.items() if one.result.state in NOT_DELIVERED]
    if failed:
        tell_ticket(ticket_id, failed, now)
        if not is_rejection(outgoing):
            wake_ticket(ticket_id, now)
    refresh_answer(ticket_id)


def tell_ticket(ticket_id: int, failed: Iterable[tuple[Delivery, Result]], now: datetime) -> None:
    History.objects.bulk_create(
        History(
            ticket_id=ticket_id,
            at=now,
            code="delivery_in_doubt" if result.state == State.IN_DOUBT else "delivery_failed",
            parameters={"recipient": delivery.recipient, "said": result.said},
        )
        for delivery, result in failed
    )


def wake_ticket(ticket_id: int, now: datetime) -> None:
    kind = Ticket.objects.values_list("status__type", flat=True).get(pk=ticket_id)
    is_asleep = kind not in {Status.Type.NEW, Status.Type.OPEN}
    Ticket.objects.filter(pk=ticket_id).update(changed_at=now, is_unread=True, **(opened() if is_asleep else {}))


def opened() -> dict[str, object]:
    return {"status": Status.objects.get(key="open"), "is_open": True, "closed_at": None, "pending_until": None}


def is_rejection(outgoing: OutgoingMail) -> bool:
    message = outgoing.message_id
    rows = AutomaticMail.objects.filter(kind=AutomaticMail.Kind.REJECTION)
    return message is not None and rows.filter(message_id=message).exists()


def refresh_answer(ticket_id: int) -> None:
    """The ticket can't look answered while its newest answer is not out (spec 04). Automatic mails are no answers; of
    forwards, which go to others, only the newest one's failure counts."""
    mails = OutgoingMail.objects.exclude(message__author_kind=Message.AuthorKind.SYSTEM)
    keys = mails.filter(message__ticket_id=ticket_id, message__taken_back_at=None).order_by("-id").values("pk")
    answer, forward = keys.filter(message__is_internal=False)[:1], keys.filter(message__is_internal=True)[:1]
    rows = list(
        Delivery.objects.filter(Q(outgoing=answer) | Q(outgoing=forward, state__in=BAD))
        .order_by()
        .values_list("state", "resent", "outgoing__send_at", "outgoing__attempts")
    )
    mark = answer_mark({State.IN_DOUBT if resent and state in UNFINISHED else state for state, resent, *_ in rows})
    if mark == Ticket.Answer.WAITING and any(is_later(send_at, attempts) for *_, send_at, attempts in rows):
        mark = Ticket.Answer.LATER
    Ticket.objects.filter(pk=ticket_id).exclude(answer=mark).update(answer=mark)


def is_later(send_at: datetime | None, attempts: int) -> bool:
    return OutgoingMail(send_at=send_at, attempts=attempts).is_later


def answer_mark(states: set[str]) -> Ticket.Answer:
    if states & {State.FAILED, State.BOUNCED, State.BLOCKED}:
        return Ticket.Answer.FAILED
    if State.IN_DOUBT in states:
        return Ticket.Answer.IN_DOUBT
    return Ticket.Answer.WAITING if states & UNFINISHED else Ticket.Answer.NONE


# -- the channel ------------------------------------------------------------


def record_channel_success(channel: Channel, now: datetime) -> None:
    """Once a minute is enough where nothing was wrong."""
    is_well = not channel.failures and not channel.last_problem and channel.paused_until is None
    if is_well and channel.last_success_at and channel.last_success_at > now - SUCCESS_NOTED_EVERY:
        return
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
