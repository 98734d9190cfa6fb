"""Who of its recipients may get an automatic mail when it is written: the pipeline's questions, asked again. Spec 06."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postvak.log.reason import Reason
from postvak.mail.addresses import normalise
from postvak.mail.values import Mail
from postvak.models import AutomaticMail, Mailbox, Receipt
from postvak.notify import breaker
from postvak.notify.circumstances import age_of, is_answer, limits_now, outdated, own_address_of, own_addresses
from postvak.notify.lately import PAIR_TIME, Lately, load_lately
from postvak.notify.refusal import Limits, Occasion, refusal, refused

STEP = "automatic mail"
Kind = AutomaticMail.Kind
ANSWERS = frozenset({Kind.REJECTION.value, Kind.RULE.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is the same for all recipients of a row."""

    row: AutomaticMail
    mail: Mail | None
    own: frozenset[str]
    lately: Lately
    limits: Limits
    age: timedelta
    mailbox: Mailbox | None


def sift(row: AutomaticMail, mail: Mail | None, now: datetime) -> tuple[list[str], list[Reason]]:
    """Recipients that may get it, once each, and why the others may not. Notes in `row` between whom it goes."""
    recipients = {normalise(one): str(one) for one in row.recipients}
    row.own_address = own_address_of(row)[:320]
    if not row.address and len(recipients) == 1:
        row.address = next(iter(recipients))[:320]
    if not recipients:
        return [], [Reason(STEP, "no_recipient")]
    code = outdated(row)
    if code:
        return [], [refused(code, ", ".join(recipients.values()))]
    around = circumstances(row, mail, list(recipients), now)
    allowed: list[str] = []
    refusals: list[Reason] = []
    for recipient in recipients.values():
        reason = refusal(occasion_of(around, recipient))
        if reason:
            refusals.append(reason)
        else:
            allowed.append(recipient)
    return allowed, refusals


def circumstances(row: AutomaticMail, mail: Mail | None, recipients: Sequence[str], now: datetime) -> Circumstances:
    limits = limits_now()
    return Circumstances(
        row=row,
        mail=mail,
        own=own_addresses(),
        lately=load_lately(recipients, now, unanswered=limits.unanswered).before(row.pk),
        limits=limits,
        age=age_of(row, now),
        mailbox=mailbox_of(row),
    )


def mailbox_of(row: AutomaticMail) -> Mailbox | None:
    """By which the mail came that is answered: it may have been told to be silent meanwhile."""
    if row.trigger_id is None or row.kind not in ANSWERS:
        return None
    receipt = Receipt.objects.filter(message=row.trigger_id).select_related("mailbox").first()
    return receipt.mailbox if receipt else None


def occasion_of(around: Circumstances, recipient: str) -> Occasion:
    row, lately, address = around.row, around.lately, normalise(recipient)
    return Occasion(
        kind=Kind(row.kind),
        recipient=recipient,
        own=around.own,
        mail=around.mail,
        age=around.age,
        limits=around.limits,
        lately=lately.of_kind(row.kind, address),
        today=lately.to(address),
        pair=lately.to(address, ours=row.own_address, within=PAIR_TIME),
        is_answer=is_answer(row, address),
        is_spam=row.ticket.is_spam,
        is_suppressed=address in lately.suppressed,
        blocked_by=lately.blocked_by(address),
        is_import=around.mailbox is not None and around.mailbox.imports_closed,
        is_mute=around.mailbox is not None and not around.mailbox.answers_automatically,
        is_broken=lately.is_broken(row.own_address, address, max(row.created_at, row.next_attempt_at)),
        is_unanswered=address in lately.unanswered,
    )


def note_stops(row: AutomaticMail, reasons: Sequence[Reason], now: datetime) -> None:
    """A limit that stopped it opens the loop breaker; call inside the transaction. What is passed on (forwards, mails to agents)
    is counted there, but only slowed down: a busy hour must not silence it for a day."""
    for reason in reasons:
        note_stop(reason, row.own_address, now)


def note_stop(reason: Reason, ours: str, now: datetime) -> None:
    theirs = normalise(str(reason.parameters.get("to") or reason.parameters.get("email") or ""))
    if reason.code in breaker.LIMITS:
        both = ours if reason.code == "refused_per_pair" else ""
        breaker.stop(both, theirs, reason.code, reason.parameters, now)
    elif reason.code == "refused_broken":
        breaker.stop_again(ours, theirs, now)
