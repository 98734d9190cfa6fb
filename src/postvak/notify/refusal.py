"""May an automatic mail go to this address? One table of checks, first to last; pure, so that the pipeline asks too.

A mail that must not go out is never sent "just this once": two programs that answer each other stop only when one of
them keeps silent (RFC 3834 section 2). Spec 06.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import timedelta

from postvak.log.reason import Parameter, Reason
from postvak.mail.addresses import is_valid_recipient, normalise, without_subaddress
from postvak.mail.automatic import forbids_autoreply
from postvak.mail.automatic_signs import is_machine_address
from postvak.mail.values import Kind as MailKind
from postvak.mail.values import Mail
from postvak.models import AutomaticMail

Kind = AutomaticMail.Kind

LIMITS = {Kind.REJECTION: 5, Kind.FORWARD: 60, Kind.NOTICE: 120}
"""To one address in an hour; a filter may rightly forward every order to one person, and an agent may have a busy queue."""


@dataclass(frozen=True, slots=True)
class Limits:
    """As in models.Options: most mails to an address in 24 hours, most between two addresses in ten minutes, the hours after
    which a mail isn't answered any more, and most mails to an address until a person writes to it."""

    per_day: int = 10
    per_pair: int = 3
    hours: int = 24
    unanswered: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What must be known before a mail of this kind goes to `recipient`. Facts that are not known count as harmless.

    `mail`: what caused it, `age`: for how long it has been lying somewhere. `own`: normalised addresses of ours.
    `is_answer`: the recipient wrote to us, or it is about a ticket of his; a fixed address of a rule is none.
    `is_silenced`: a Loop header or filter forbids automatic mail. `is_forged`: DMARC says that the author didn't write it.
    `is_unverified`: nothing proves who wrote, and the queue answers nobody of whom that is so.
    `is_suppressed`: mail to the recipient came back for good, or he complained. `blocked_by`: a pattern of the block list.
    `has_null_sender`: of the envelope. `is_import`, `is_mute`, `looked_only`: the mailbox takes old mails over as closed
    tickets, answers nothing, or did only look when the mail came.
    `lately`: mails of this kind that the recipient got within an hour; `today`: rejections and mails of rules within 24 hours,
    `pair`: of those from the same address of ours within ten minutes. `is_unanswered`: he got as many of them as the limit
    allows since a person of ours last wrote to him. `is_broken`: the loop breaker is open between the two.
    """

    kind: Kind
    recipient: str
    own: Set[str]
    mail: Mail | None = None
    age: timedelta = timedelta(0)
    limits: Limits = Limits()
    lately: int = 0
    today: int = 0
    pair: int = 0
    is_answer: bool = True
    is_spam: bool = False
    is_silenced: bool = False
    is_forged: bool = False
    is_unverified: bool = False
    is_suppressed: bool = False
    blocked_by: str = ""
    has_null_sender: bool = False
    is_import: bool = False
    is_mute: bool = False
    looked_only: bool = False
    is_broken: bool = False
    is_unanswered: bool = False


def refusal(occasion: Occasion) -> Reason | None:
    """Why no mail goes out, a code of log.sentences with its parameters; None when it may."""
    for code, kinds, forbids in CHECKS:
        if occasion.kind in kinds and forbids(occasion):
            return refused(code, occasion.recipient, **details(code, occasion))
    return None


def refused(code: str, recipient: str, **parameters: Parameter) -> Reason:
    return Reason("automatic mail", code, {"to": recipient, **parameters})


def details(code: str, occasion: Occasion) -> dict[str, Parameter]:
    """Further parameters of the sentence."""
    found: dict[str, dict[str, Parameter]] = {
        "refused_limit": {"count": occasion.lately},
        "refused_per_day": {"count": occasion.today},
        "refused_per_pair": {"count": occasion.pair},
        "refused_blocked": {"pattern": occasion.blocked_by},
        "refused_old": {"hours": occasion.limits.hours},
        "refused_unanswered": {"count": occasion.limits.unanswered},
    }
    return found.get(code, {})


def is_no_address(occasion: Occasion) -> bool:
    return not is_valid_recipient(occasion.recipient)


def is_ours(occasion: Occasion) -> bool:
    email = normalise(occasion.recipient)
    return email in occasion.own or without_subaddress(email) in occasion.own


def is_machine(occasion: Occasion) -> bool:
    return is_machine_address(occasion.recipient)


def came_back(occasion: Occasion) -> bool:
    return occasion.mail is not None and occasion.mail.kind is MailKind.LOOP


def would_go_back(occasion: Occasion) -> bool:
    """A mail that is forwarded to the one who wrote it comes again with the next automatic answer."""
    author = occasion.mail.author if occasion.mail else None
    return author is not None and normalise(author.email) == normalise(occasion.recipient)


def was_written_by_a_machine(occasion: Occasion) -> bool:
    return occasion.mail is not None and forbids_autoreply(occasion.mail)


def is_old(occasion: Occasion) -> bool:
    return occasion.age > timedelta(hours=occasion.limits.hours)


def got_enough(occasion: Occasion) -> bool:
    return occasion.lately >= LIMITS[occasion.kind]


def got_enough_today(occasion: Occasion) -> bool:
    return occasion.today >= occasion.limits.per_day


def got_enough_of_each_other(occasion: Occasion) -> bool:
    return occasion.pair >= occasion.limits.per_pair


def of_answer(check: "Check") -> "Check":
    """Asked only of mail to those who wrote to us."""
    return lambda occasion: occasion.is_answer and check(occasion)


Check = Callable[[Occasion], bool]
ALL = frozenset(Kind)
AUTOMATIC = ALL - {Kind.RELAY}  # a relay is what a person wrote
PASSED_ON = frozenset({Kind.FORWARD, Kind.NOTICE})
ANSWERS = frozenset({Kind.REJECTION, Kind.RULE})
CHECKS: tuple[tuple[str, frozenset[Kind], Check], ...] = (
    ("refused_no_address", ALL, is_no_address),
    ("refused_own_address", ALL, is_ours),
    ("refused_machine_address", AUTOMATIC, is_machine),
    ("refused_blocked", AUTOMATIC, lambda occasion: bool(occasion.blocked_by)),
    ("refused_suppressed", AUTOMATIC, lambda occasion: occasion.is_suppressed),
    ("refused_loop", AUTOMATIC, came_back),
    ("refused_author", PASSED_ON, would_go_back),
    ("refused_silenced", ANSWERS, lambda occasion: occasion.is_silenced),
    ("refused_spam", ANSWERS, lambda occasion: occasion.is_spam),
    ("refused_forged", ANSWERS, of_answer(lambda occasion: occasion.is_forged)),
    ("refused_unverified", ANSWERS, of_answer(lambda occasion: occasion.is_unverified)),
    ("refused_null_sender", ANSWERS, of_answer(lambda occasion: occasion.has_null_sender)),
    ("refused_automatic", ANSWERS, of_answer(was_written_by_a_machine)),
    ("refused_import", ANSWERS, lambda occasion: occasion.is_import),
    ("refused_looked_only", ANSWERS, lambda occasion: occasion.looked_only),
    ("refused_mailbox", ANSWERS, of_answer(lambda occasion: occasion.is_mute)),
    ("refused_old", ANSWERS, is_old),
    ("refused_broken", ANSWERS, lambda occasion: occasion.is_broken),
    ("refused_limit", frozenset(LIMITS), got_enough),
    ("refused_per_pair", ANSWERS, got_enough_of_each_other),
    ("refused_per_day", ANSWERS, got_enough_today),
    ("refused_unanswered", ANSWERS, of_answer(lambda occasion: occasion.is_unanswered)),
)
