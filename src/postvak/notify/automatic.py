"""Writes the mails that the pipeline decided on: claims a row, composes, and puts the mail into the outbox. Spec 06.

The pipeline only inserts rows of AutomaticMail, in its own transaction. Reading the original and storing our mail may
need the network, so it happens here, outside of any transaction. Then message, outgoing mail, history and the row's new
state are one commit: a crash before it means that the row is done again, a crash after it that it isn't.
"""

import logging
import traceback
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.keys.reading import CantRead, readable
from postvak.log.reason import Reason
from postvak.mail.compose import compose
from postvak.mail.parse import parse
from postvak.models import AutomaticMail, Blob, History, Message, OutgoingMail, Ticket
from postvak.notify.letters import Letter, NothingToSay, Original, write_letter
from postvak.notify.protecting import Going, Unprotected, going
from postvak.notify.shipped import name_of
from postvak.notify.sifting import note_stops, sift
from postvak.notify.unanswered import show_unanswered
from postvak.send.concealed import conceal, is_secret, record_protection, stored_form
from postvak.send.letter import count_message, message_of, record_files
from postvak.send.outbox import freeze, freeze_notice
from postvak.send.protection import is_encrypted
from postvak.send.record import refresh_answer
from postvak.send.sender import CannotAnswer

log = logging.getLogger("postvak.notify")

LEASE = timedelta(minutes=5)
BATCH = 20
ATTEMPTS = 3
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=10))
STORAGE_PAUSE = timedelta(minutes=1)
State = AutomaticMail.State


class LeaseLost(Exception):
    """Another worker took the row over meanwhile: nothing was written, it is theirs now."""


class TicketMerged(Exception):
    """The ticket became part of another one while the mail was composed."""


def write_due(worker: str) -> int:
    """Claim what is due and write it; returns how many rows were claimed (0: nothing to do)."""
    rows = claim(worker)
    for row in rows:
        if extend(row, worker):
            settle(row, worker)
    return len(rows)


def claim(worker: str) -> list[AutomaticMail]:
    """Take due rows under a lease, oldest first. A worker that dies frees them when it ends. Looking for work locks
    nothing."""
    now = timezone.now()
    if not AutomaticMail.objects.claimable(now).exists():
        return []
    with transaction.atomic():
        due = AutomaticMail.objects.claimable(now).order_by("next_attempt_at", "id")
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:BATCH])
        AutomaticMail.objects.filter(pk__in=ids).update(claimed_by=worker, claimed_until=now + LEASE)
    rows = AutomaticMail.objects.filter(pk__in=ids).order_by("next_attempt_at", "id")
    return list(rows.select_related("trigger", "agent", "rule", "reader"))


def extend(row: AutomaticMail, worker: str) -> bool:
    """Prolong the lease before a row of the batch is written; False: another worker has it."""
    now = timezone.now()
    mine = AutomaticMail.objects.filter(pk=row.pk, claimed_by=worker, claimed_until__gt=now, state=State.PENDING)
    return bool(mine.update(claimed_until=now + LEASE))


def settle(row: AutomaticMail, worker: str) -> None:
    """Write the mail, skip it with a reason, or plan the next attempt. Never raises for what a row holds."""
    try:
        write(row, worker)
    except LeaseLost:
        log.info("automatic mail %s: another worker has it", row.pk)
    except TicketMerged as error:
        release(row, worker, error, attempts=row.attempts, pause=timedelta(0))
    except store.VaultUnreachable as error:  # says nothing about this mail: it waits for as long as the storage is away
        log.warning("automatic mail %s waits: %s", row.pk, error)
        release(row, worker, error, attempts=row.attempts, pause=STORAGE_PAUSE)
    except CannotAnswer as error:  # no address or channel to send from
        log.warning("automatic mail %s can't be sent: %s", row.pk, error)
        record_failure(row, worker, error)
    except Exception as error:  # noqa: BLE001 - recorded on the row; the third time it is skipped, shown on the ticket
        log.exception("automatic mail %s failed", row.pk)
        record_failure(row, worker, error)


def write(row: AutomaticMail, worker: str) -> None:
    now = timezone.now()
    row.ticket = ticket_now(row)
    original = read_original(row)
    recipients, refusals = sift(row, original.mail if original else None, now)
    if not recipients:
        skip(row, worker, refusals)
        return
    try:
        way = going(row, recipients)
        if way.is_bare and row.trigger:
            row.trigger.text = ""  # for this letter; the row isn't saved
        fit = fitting(row, original, way)
        letter = write_letter(row, recipients, fit, now, opens=is_secret(way.protection))
    except Unprotected as refusal:
        skip(row, worker, [*refusals, refusal.reason])
        return
    except NothingToSay:
        code = "nothing_to_relay" if row.kind == AutomaticMail.Kind.RELAY else "nothing_to_say"
        skip(row, worker, [Reason("automatic mail", code, {"to": ", ".join(recipients)})])
        return
    letter = replace(letter, protection=way.protection)
    raw = compose(letter.draft)
    (blob,) = store.prepare([stored_form(raw, way.protection)])
    with transaction.atomic():
        lock(row, worker)
        if row.kind == AutomaticMail.Kind.NOTICE:
            finish(row, State.WRITTEN, outgoing=record_notice(row, letter, blob))
            return
        message = record(row, letter, blob, raw)
        explain(row, refusals)
        note_stops(row, refusals, now)
        finish(row, State.WRITTEN, message=message)


def ticket_now(row: AutomaticMail) -> Ticket:
    """Where the mail belongs: its trigger may have been moved, its ticket merged, since it was planned. With all that a letter asks of
    a ticket, in one query."""
    tickets = Ticket.objects.select_related(
        "queue__brand", "queue__address__channel", "status", "priority", "customer", "reply_address__channel", "reply_via",
        "merged_into",
    )  # fmt: skip
    ticket = tickets.get(pk=row.trigger.ticket_id if row.trigger else row.ticket_id)
    return ticket.merged_into or ticket


def read_original(row: AutomaticMail) -> Original | None:
    if row.trigger is None or row.trigger.blob_id is None:
        return None
    raw = store.get(row.trigger.blob_id)
    try:
        return Original(raw, parse(readable(row.trigger) if is_encrypted(row.trigger) else raw))
    except CantRead:
        return Original(raw, parse(raw))


def fitting(row: AutomaticMail, original: Original | None, way: Going) -> Original | None:
    """An encrypted mail goes along readable in an encrypted one, else as it came: its reader couldn't open it either."""
    if original is None or row.trigger is None or not is_secret(way.protection) or not is_encrypted(row.trigger):
        return original
    try:
        return replace(original, raw=readable(row.trigger))
    except CantRead:
        return original


def record(row: AutomaticMail, letter: Letter, blob: Blob, raw: bytes) -> Message:
    """Everything that makes it a mail of the ticket; call inside the transaction."""
    ticket, draft, agent = row.ticket, letter.draft, letter.agent
    store.save([blob])
    message = message_of(
        draft, ticket, text=letter.text, agent=agent, author_name=agent.name if agent else letter.sender.name
    )
    message.blob = blob
    conceal(message, letter.protection)
    message.save()
    record_protection(message, letter.protection, draft.date)
    files = 0 if is_secret(letter.protection) else record_files(message, raw)
    freeze(message, letter.envelope, blob, channel=letter.sender.channel, at=draft.date, protection=letter.protection)
    count_message(ticket, message, files, draft.date, is_answer=agent is not None)
    History.objects.create(
        ticket=ticket,
        at=draft.date,
        agent=agent,
        code=f"{row.kind}_written",
        parameters={"to": ", ".join(letter.envelope.recipients)} | ({"rule": name_of(row.rule)} if row.rule else {}),
    )
    refresh_answer(ticket.pk)
    return message


def record_notice(row: AutomaticMail, letter: Letter, blob: Blob) -> OutgoingMail:
    """A mail to an agent is no message of the conversation, and its history doesn't tell of it."""
    store.save([blob])
    channel = letter.sender.channel
    return freeze_notice(letter.draft, row.ticket, blob, channel=channel, protection=letter.protection)


def skip(row: AutomaticMail, worker: str, reasons: Sequence[Reason]) -> None:
    """Nothing goes out, and the ticket says why. A customer whose answer it was waits again."""
    with transaction.atomic():
        lock(row, worker)
        row.reason, row.parameters = reasons[0].code, dict(reasons[0].parameters)
        explain(row, reasons)
        note_stops(row, reasons, timezone.now())
        finish(row, State.SKIPPED)
        if row.kind == AutomaticMail.Kind.RELAY:
            show_unanswered(row)


def explain(row: AutomaticMail, reasons: Sequence[Reason]) -> None:
    if row.kind == AutomaticMail.Kind.NOTICE:  # the ticket's history is about the ticket
        return
    now = timezone.now()
    History.objects.bulk_create(
        History(ticket=row.ticket, at=now, agent=row.agent, code=reason.code, parameters=dict(reason.parameters))
        for reason in reasons
    )


def finish(
    row: AutomaticMail,
    state: AutomaticMail.State,
    *,
    message: Message | None = None,
    outgoing: OutgoingMail | None = None,
) -> None:
    row.state, row.message, row.outgoing, row.settled_at = state, message, outgoing, timezone.now()
    row.claimed_by, row.claimed_until, row.error = "", None, row.error if state == State.SKIPPED else ""
    row.save(
        update_fields=[
            "ticket", "state", "message", "outgoing", "settled_at", "reason", "parameters", "claimed_by", "claimed_until", "attempts", "error",
            "address", "own_address",
        ]
    )  # fmt: skip


def lock(row: AutomaticMail, worker: str) -> None:
    """The ticket first, as everybody does who changes one: a merge locks both in this order. Raises TicketMerged,
    LeaseLost."""
    if Ticket.objects.select_for_update().get(pk=row.ticket_id).merged_into_id:
        raise TicketMerged(f"ticket {row.ticket_id} was merged")
    mine = AutomaticMail.objects.select_for_update().filter(pk=row.pk, claimed_by=worker, state=State.PENDING)
    if not mine.exists():
        raise LeaseLost


def record_failure(row: AutomaticMail, worker: str, error: Exception) -> None:
    """Try again with back-off; the third time nothing goes out, and the ticket says so. A rule doesn't wait until there is a
    way out: its mail would come when nobody expects it any more."""
    attempts = row.attempts + 1
    is_hopeless = isinstance(error, CannotAnswer) and row.rule_id is not None
    if attempts < ATTEMPTS and not is_hopeless:
        release(row, worker, error, attempts=attempts, pause=BACK_OFF[attempts - 1])
        return
    row.attempts, row.error = attempts, story(error)
    said = str(error) if isinstance(error, CannotAnswer) else f"{type(error).__name__}: {error}"
    parameters = {"to": ", ".join(map(str, row.recipients)), "error": said[:500]}
    try:
        skip(row, worker, [Reason("automatic mail", "failed", parameters)])
    except LeaseLost:
        log.info("automatic mail %s: another worker has it", row.pk)
    except TicketMerged:
        release(row, worker, error, attempts=attempts - 1, pause=timedelta(0))


def release(row: AutomaticMail, worker: str, error: Exception, *, attempts: int, pause: timedelta) -> None:
    AutomaticMail.objects.filter(pk=row.pk, claimed_by=worker, state=State.PENDING).update(
        attempts=attempts,
        error=story(error),
        next_attempt_at=timezone.now() + pause,
        claimed_by="",
        claimed_until=None,
    )


def story(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-4000:]
