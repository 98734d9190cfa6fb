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

LIMIT_PERIOD = timedelta(hours=1)
LIMITS = {Kind.REJECTION: 5, Kind.FORWARD: 60}  # to one address; a filter may rightly forward every order to one person
LONGEST_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What must be known before a mail of this kind goes to `recipient`. Facts that are not known count as harmless.

    `mail`: what caused it, `age`: for how long it has been lying somewhere. `own`: normalised addresses of ours.
    `lately`: mails of this kind that the recipient got within LIMIT_PERIOD. `is_silenced`: a Loop header or filter
    forbids automatic mail. `is_forged`: DMARC says that the author didn't write it. `is_suppressed`: mail to the recipient
    came back for good, or he complained.
    """

    kind: Kind
    recipient: str
    own: Set[str]
    mail: Mail | None = None
    age: timedelta = timedelta(0)
    lately: int = 0
    is_spam: bool = False
    is_silenced: bool = False
    is_forged: bool = False
    is_suppressed: bool = False


def refusal(occasion: Occasion) -> Reason | None:
    """Why no mail goes out, a code of log.sentences with its parameters; None when it may."""
    for code, kinds, forbids in CHECKS:
        if occasion.kind in kinds and forbids(occasion):
            return Reason("automatic mail", code, {"to": occasion.recipient, **numbers(occasion)})
    return None


def numbers(occasion: Occasion) -> dict[str, Parameter]:
    return {"count": occasion.lately} if occasion.lately else {}


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
    return occasion.age > LONGEST_AGE


def got_enough(occasion: Occasion) -> bool:
    return occasion.lately >= LIMITS[occasion.kind]


ALL = frozenset(Kind)
ANSWERS = frozenset({Kind.REJECTION})
AUTOMATIC = frozenset(LIMITS)  # a relay is what a person wrote

Check = Callable[[Occasion], bool]
CHECKS: tuple[tuple[str, frozenset[Kind], Check], ...] = (
    ("refused_no_address", ALL, is_no_address),
    ("refused_own_address", ALL, is_ours),
    ("refused_machine_address", AUTOMATIC, is_machine),
    ("refused_suppressed", AUTOMATIC, lambda occasion: occasion.is_suppressed),
    ("refused_loop", AUTOMATIC, came_back),
    ("refused_author", frozenset({Kind.FORWARD}), would_go_back),
    ("refused_silenced", ANSWERS, lambda occasion: occasion.is_silenced),
    ("refused_spam", ANSWERS, lambda occasion: occasion.is_spam),
    ("refused_forged", ANSWERS, lambda occasion: occasion.is_forged),
    ("refused_automatic", ANSWERS, was_written_by_a_machine),
    ("refused_old", ANSWERS, is_old),
    ("refused_limit", AUTOMATIC, got_enough),
)
