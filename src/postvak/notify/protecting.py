"""How an automatic mail goes out: signed, encrypted, as it is, without what the customer wrote, or not at all. Spec 05 and 06."""

from collections.abc import Sequence
from dataclasses import dataclass

from postvak.keys.authors import may_be_anothers
from postvak.log.reason import Reason
from postvak.models import AutomaticMail, Message, Options
from postvak.notify.refusal import refused
from postvak.send.letter import newest_mail
from postvak.send.protect import CannotBeProtected, Wish, plan, policy_of
from postvak.send.protection import Protection, is_encrypted
from postvak.send.sender import sender_for

Kind = AutomaticMail.Kind
CARRIERS = frozenset({Kind.FORWARD, Kind.RELAY})  # they are what somebody wrote; without it nothing is left


class Unprotected(Exception):
    """It may not go out as it is; `reason` for the ticket's history."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Going:
    """`is_bare`: nothing of what the trigger says may stand in it."""

    protection: Protection | None = None
    is_bare: bool = False


def going(row: AutomaticMail, recipients: Sequence[str]) -> Going:
    """Raises Unprotected, CannotAnswer."""
    sender, is_secret = sender_for(row.ticket), any(is_encrypted(one) for one in told_of(row))
    policy = policy_of(row.ticket.queue, sender.address, row.rule)
    is_notice = row.kind == Kind.NOTICE  # agents hear that an encrypted mail came, but not in clear what it says
    try:
        protection = plan(sender, recipients, policy, Wish(about_encrypted=is_secret and not is_notice))
    except CannotBeProtected as problem:
        return without(row, recipients, problem)
    is_open = protection is None or not protection.encrypt
    return Going(protection, is_bare=is_secret and (is_open or any(may_be_anothers(one) for one in told_of(row))))


def told_of(row: AutomaticMail) -> list[Message]:
    """The mails whose words may stand in it."""
    quoted = newest_mail(row.ticket, besides=row.trigger) if row.kind == Kind.RELAY else None
    return [one for one in (row.trigger, quoted) if one is not None]


def without(row: AutomaticMail, recipients: Sequence[str], problem: CannotBeProtected) -> Going:
    """What must be encrypted and can't be. A demand to sign knows no way around."""
    options = Options.objects.get()
    goes_bare = options.automatic_unprotected == Options.Unprotected.BARE and row.kind not in CARRIERS
    if goes_bare and problem.field == "encrypt":
        return Going(None, is_bare=True)
    code = "refused_unencrypted" if problem.field == "encrypt" else "refused_unsigned"
    raise Unprotected(refused(code, ", ".join(recipients))) from problem
