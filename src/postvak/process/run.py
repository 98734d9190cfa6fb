"""The processing worker: claims receipts, understands, decides, applies; holds what fails three times.

What a worker leaves behind when it dies (or lets its lease run out) is taken up one by one: a mail that takes a worker down with it
is found out, and held after the third time; those that were only near it lose nothing. The second and third try come later, so
that a machine that is switched off and on a few times doesn't look like a deadly mail.

Mails go in waves: those of one claim that don't depend on each other share a transaction. When a wave fails,
each of its mails gets a transaction of its own, so that one bad mail never stops the others (promise 1).
"""

import hashlib
import logging
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from postvak.blobs import store
from postvak.log.reason import Reason
from postvak.mail.threading import canonical_message_id
from postvak.models import Address, ExternalNumber, Mailbox, Receipt, Trace
from postvak.models.beside import Beside
from postvak.process.apply import LeaseLost, MergedMeanwhile, apply
from postvak.process.decide import decide
from postvak.process.evidence import external_numbers, referenced
from postvak.process.facts import gather
from postvak.process.filters.store import count_hits
from postvak.process.incoming import Incoming, author_key
from postvak.process.opening import take_in
from postvak.process.plan import Facts, Plan
from postvak.process.turns import decide_in_turn
from postvak.process.work import Work

log = logging.getLogger("postvak.process")

BATCH = 50
OLDEST = Beside(F("pk"))  # in the order of keys SQLite would walk past all that is done
BATCH_BYTES = 20 * 1024 * 1024  # raw bytes held in memory at once; a single larger mail goes alone
LEASE = timedelta(minutes=5)
ATTEMPTS = 3
RACES = 2  # that somebody else was faster is tried again at once, so often; if it goes on, it is no race
BACK_OFF = (timedelta(seconds=5), timedelta(seconds=60))
Due = tuple[int, int, str]  # key, size in bytes, state
ALONE = "A worker stopped before this mail was done, so it is tried alone."  # in Receipt.error, until it is done


class Abandoned(Exception):
    """A worker stopped while it had only this mail in hand."""


def process_due(worker: str) -> int:
    """Claim what is due and process it; returns how many receipts were claimed (0: nothing to do)."""
    claimed = claim(worker)
    if claimed:
        process(claimed, worker)
    return len(claimed)


def claim(worker: str) -> list[Receipt]:
    """Take up to BATCH due receipts under a lease, oldest first. A worker that dies frees them when it ends; then each of them is
    taken alone, and counts an attempt, with a pause, only when it was alone before, too."""
    now = timezone.now()
    with transaction.atomic():
        due = Receipt.objects.claimable(now).order_by(OLDEST).select_for_update(skip_locked=True)
        rows = list(due.values_list("pk", "size", "state")[:BATCH])
        if not rows:
            return []
        if len(rows) == BATCH:
            rows = shared_out(due, rows, now)
        if rows[0][2] == Receipt.State.PROCESSING:
            ids = [rows[0][0]]
            if put_off(ids[0], now):
                return claim(worker)
            Receipt.objects.filter(pk__in=ids).update(error=ALONE)
        else:
            ids = within_bytes((pk, size) for pk, size, state in rows if state == Receipt.State.RECEIVED)
        Receipt.objects.filter(pk__in=ids).update(
            state=Receipt.State.PROCESSING, claimed_by=worker, claimed_until=now + LEASE
        )
    return list(Receipt.objects.filter(pk__in=ids).select_related("mailbox").order_by("id"))


def put_off(pk: int, now: datetime) -> bool:
    """A worker stopped while it had this mail alone: the next try comes after a pause. False when it was not so, when the pause is
    over (nobody has the mail then), or after the last try."""
    alone = Receipt.objects.filter(pk=pk, error=ALONE).exclude(claimed_by="")
    if not alone.update(attempts=F("attempts") + 1):
        return False
    attempts = Receipt.objects.values_list("attempts", flat=True).get(pk=pk)
    if attempts >= ATTEMPTS:
        return False
    alone.update(claimed_by="", claimed_until=now + BACK_OFF[attempts - 1])
    return True


def shared_out(due: QuerySet[Receipt], oldest: list[Due], now: datetime) -> list[Due]:
    """More waits than one claim takes. So that a mailbox that got 100,000 mails doesn't hold up the others: half are the oldest
    of all, the other half the oldest ones of mailboxes that have something waiting, chosen by chance. Spec 11."""
    waiting = Receipt.objects.claimable(now).filter(mailbox=OuterRef("pk"))
    chosen = list(Mailbox.objects.filter(Exists(waiting)).order_by("?").values_list("pk", flat=True)[: BATCH // 2])
    if len(chosen) == 1:
        return oldest
    rows = dict.fromkeys(oldest[: BATCH // 2])
    for mailbox in chosen:
        more = due.filter(mailbox=mailbox).values_list("pk", "size", "state")[: BATCH // 2 // len(chosen)]
        rows |= dict.fromkeys(more)
    return sorted(rows)


def within_bytes(rows: Iterable[tuple[int, int]]) -> list[int]:
    ids: list[int] = []
    total = 0
    for pk, size in rows:
        total += size
        if ids and total > BATCH_BYTES:
            break
        ids.append(pk)
    return ids


def process(receipts: Sequence[Receipt], worker: str) -> None:
    """Process claimed receipts (with their mailbox loaded) to an outcome, a later attempt, or *held*."""
    started_at = timezone.now()
    for wave in waves(read(without_deadly(receipts, worker), worker)):
        try:
            process_wave(wave, worker, started_at)
        except Exception as error:  # noqa: BLE001 - nothing is lost: each mail is tried alone, where errors are recorded
            log.info("a wave of %d failed (%r); trying its mails one by one", len(wave), error)
            for incoming in wave:
                process_alone(incoming, worker)


def without_deadly(receipts: Sequence[Receipt], worker: str) -> list[Receipt]:
    """Mails that stopped a worker each time they were tried are held, unread."""
    deadly = [receipt for receipt in receipts if receipt.error == ALONE and receipt.attempts >= ATTEMPTS]
    for receipt in deadly:
        log.error("receipt %s: a worker stopped at it %d times", receipt.pk, receipt.attempts)
        error = Abandoned(f"the worker stopped {receipt.attempts} times while it had only this mail in hand")
        give_up(receipt, worker, error, receipt.attempts)
    return [receipt for receipt in receipts if receipt not in deadly]


def read(receipts: Sequence[Receipt], worker: str) -> list[Incoming]:
    """The mails behind the receipts. Bytes that can't be read are a failure of that mail only."""
    found = store.find_all([str(receipt.blob_id) for receipt in receipts])
    mails: list[tuple[Receipt, bytes]] = []
    for receipt in receipts:
        raw = found[str(receipt.blob_id)]
        if isinstance(raw, bytes):
            mails.append((receipt, raw))
        else:
            log.warning("receipt %s: %s", receipt.pk, raw)
            record_failure(receipt, worker, raw)
    return take_in(mails)


def waves(waiting: list[Incoming]) -> Iterator[list[Incoming]]:
    """Groups in which no mail is a copy of, an answer to, or an answer to the same mail as another one, none bears the
    same number of another system, and (where mails are grouped) none is from the same sender: those must see the
    other's result."""
    by_sender = bool(waiting) and Address.objects.filter(grouping_hours__gt=0).exists()
    rules = list(ExternalNumber.objects.filter(is_valid=True)) if waiting else []
    while waiting:
        wave: list[Incoming] = []
        later: list[Incoming] = []
        taken: set[str] = set()
        for incoming in waiting:
            mail = incoming.mail
            names = {mail.fingerprint, canonical_message_id(mail.message_id), *referenced(mail)}
            names |= {f"number:{rule.pk}:{value}" for each in rules for rule, value in external_numbers(incoming, each)}
            if by_sender:
                names.add(f"from:{author_key(mail)}")
            (later if taken & names else wave).append(incoming)
            taken |= names - {""}
        yield wave
        waiting = later


def process_wave(wave: Sequence[Incoming], worker: str, started_at: datetime) -> None:
    facts = gather(wave)
    decided = decide_in_turn(facts, decide)
    batch = [Work(one.receipt, fact, plan, started_at) for one, (fact, plan) in zip(wave, decided, strict=True)]
    apply(batch, worker=worker)
    count_hits((hit for work in batch for hit in work.plan.hits), timezone.now())


def process_alone(incoming: Incoming, worker: str) -> None:
    """The careful path: facts are gathered again, because a copy may have been faster meanwhile."""
    receipt = Receipt.objects.select_related("mailbox").get(pk=incoming.receipt.pk)
    if receipt.claimed_by != worker or receipt.state != Receipt.State.PROCESSING:
        return
    try:
        process_wave([replace(incoming, receipt=receipt)], worker, timezone.now())
    except LeaseLost:
        return
    except (IntegrityError, MergedMeanwhile) as error:  # a copy, the same new customer or a merge was faster
        lose_race(receipt, worker, error)
    except Exception as error:  # noqa: BLE001 - the one place that records what we didn't expect; the mail is kept
        log.exception("receipt %s failed", receipt.pk)
        record_failure(receipt, worker, error)


def lose_race(receipt: Receipt, worker: str, error: Exception) -> None:
    """Again at once: the other's result is there now. What the database refuses for ever is a failure like others."""
    if receipt.attempts >= RACES:
        log.error("receipt %s failed: %r", receipt.pk, error)
        record_failure(receipt, worker, error)
        return
    mine(receipt, worker).update(attempts=receipt.attempts + 1, error="")
    release(receipt, worker, timezone.now())


def release(receipt: Receipt, worker: str, at: datetime) -> None:
    mine(receipt, worker).update(state=Receipt.State.RECEIVED, claimed_by="", claimed_until=None, next_attempt_at=at)


def mine(receipt: Receipt, worker: str) -> QuerySet[Receipt]:
    return Receipt.objects.filter(pk=receipt.pk, claimed_by=worker, state=Receipt.State.PROCESSING)


def record_failure(receipt: Receipt, worker: str, error: Exception) -> None:
    """Try again with back-off; the third time the mail is *held* with the error, for a person."""
    attempts = receipt.attempts + 1
    if attempts >= ATTEMPTS:
        give_up(receipt, worker, error, attempts)
        return
    mine(receipt, worker).update(attempts=attempts, error=told(error))
    release(receipt, worker, timezone.now() + BACK_OFF[attempts - 1])


def told(error: Exception) -> str:
    return "".join(traceback.format_exception(error))[-4000:]


def give_up(receipt: Receipt, worker: str, error: Exception, attempts: int) -> None:
    said = f"{type(error).__name__}: {error}"
    with transaction.atomic():
        updated = mine(receipt, worker).update(
            state=Receipt.State.DONE,
            outcome=Receipt.Outcome.HELD,
            processed_at=timezone.now(),
            attempts=attempts,
            error=told(error),
            claimed_by="",
            claimed_until=None,
        )
        if updated:
            entries = [Reason("held", "failed_three_times", {"error": said[:500]}).as_json()]
            Trace.objects.update_or_create(receipt=receipt, defaults={"entries": entries})


def explain(raw: bytes, receipt: Receipt) -> tuple[Facts, Plan]:
    """What would become of these bytes, arriving as the unsaved `receipt` says. Writes nothing (promise 3)."""
    facts = gather(take_in([(receipt, raw)]))[0]
    return facts, decide(facts)


def explain_arriving(mailbox: Mailbox, raw: bytes) -> tuple[Facts, Plan]:
    """The same for bytes that would arrive at `mailbox` now."""
    now = timezone.now()
    source = f"sha256/{hashlib.sha256(raw).hexdigest()}"
    receipt = Receipt(mailbox=mailbox, source=source, size=len(raw), received_at=now, next_attempt_at=now)
    return explain(raw, receipt)
