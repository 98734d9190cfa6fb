"""Control headers: `X-Postvak-…` in mails of trusted mailboxes, and the same names as filters set them. Spec 03.

CONTROLS is the whole list. A name is kept in lower case without prefix; for follow-ups the `followup-` form counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from postvak.mail.addresses import normalise
from postvak.mail.values import Mail
from postvak.process.plan import Facts, Plan, Wish, Wishes
from postvak.trust.dmarc import is_aligned

PREFIX = re.compile(r"x-(?:postvak|otobo|znuny|otrs)-", re.IGNORECASE)
FOLLOW_UP = "followup-"
FIELD = "dynamicfield-"
YES = {"yes", "true", "1"}
NO = {"no", "false", "0", ""}


@dataclass(frozen=True, slots=True)
class Control:
    """`has_follow_up`: there is a FollowUp- form, and the plain one doesn't count for follow-ups."""

    name: str
    has_follow_up: bool = True


CONTROLS: Mapping[str, Control] = {
    control.name.lower(): control
    for control in (
        *map(
            Control,
            (
                "Queue", "State", "State-PendingTime", "State-Keep", "Priority", "Type", "Service", "SLA", "Title",
                "Owner", "OwnerID", "Responsible", "ResponsibleID", "Lock", "SenderType", "IsVisibleForCustomer",
                *(f"TicketKey{n}" for n in range(1, 17)), *(f"TicketValue{n}" for n in range(1, 17)),
                *(f"ArticleKey{n}" for n in range(1, 4)), *(f"ArticleValue{n}" for n in range(1, 4)),
                *(f"TicketTime{n}" for n in range(1, 7)),
            ),
        ),
        Control("CustomerNo", has_follow_up=False),
        Control("CustomerUser", has_follow_up=False),
        Control("Ignore", has_follow_up=False),
        Control("Loop", has_follow_up=False),
    )
}  # fmt: skip
COMPUTED = (
    "AttachmentCount", "AttachmentExists", "BodyDecrypted", "Bounce", "Bounce-OriginalMessageID",
    "Bounce-ErrorMessage", "RecognizedTicketNumber",
)  # fmt: skip
COMPUTED_NAMES = frozenset(name.lower() for name in COMPUTED)


def control_of(header: str) -> str:
    """The control behind a header name, '' for other headers: "X-OTRS-FollowUp-Queue" -> "followup-queue"."""
    match = PREFIX.match(header)
    return header[match.end() :].lower() if match else ""


def is_known(control: str) -> bool:
    """May it be set, by a header or a filter?"""
    base = control.removeprefix(FOLLOW_UP)
    if base.startswith(FIELD):
        return len(base) > len(FIELD)
    known = CONTROLS.get(base)
    return known is not None and (known.has_follow_up or base == control)


def is_computed(control: str) -> bool:
    """OTRS wrote one of them with FollowUp-: X-OTRS-FollowUp-RecognizedTicketNumber."""
    return control.removeprefix(FOLLOW_UP) in COMPUTED_NAMES


def wishes_of(mail: Mail) -> tuple[dict[str, tuple[Wish, ...]], tuple[str, ...]]:
    """Known control headers of the mail, and the names of those that nobody knows. Empty values ask for nothing.

    Several headers of one name are several values of a custom field; of others the last one counts.
    """
    wishes: dict[str, tuple[Wish, ...]] = {}
    unknown = []
    for name, value in mail.headers:
        control = control_of(name)
        if not control or is_computed(control) or not value.strip():
            continue
        if is_known(control):
            wishes[control] = (*wishes.get(control, ()), Wish(value.strip(), name))
        else:
            unknown.append(name)
    return wishes, tuple(unknown)


def computed(mail: Mail, ticket_number: str, decrypted: str = "") -> dict[str, str]:
    """Values that we find ourselves, always on, for conditions only; never taken from a header."""
    files = sum(not attachment.is_inline for attachment in mail.attachments)
    report = mail.reports[0] if mail.reports else None
    return {
        "attachmentcount": str(files),
        "attachmentexists": "yes" if files else "no",
        "bodydecrypted": decrypted,
        "bounce": "yes" if mail.kind == "bounce" else "",
        "bounce-originalmessageid": report.original_message_id if report else "",
        "bounce-errormessage": report.diagnostic if report else "",
        "recognizedticketnumber": ticket_number,
    }


def read_control_headers(facts: Facts, plan: Plan) -> Plan:
    """Obeyed only from trusted mailboxes (and there, if set, only from trusted senders); else noted and left out."""
    wishes, unknown = wishes_of(facts.mail)
    if unknown:
        plan = plan.because("control headers", "control_unknown", list=", ".join(unknown[:20]))
    if not wishes:
        return plan
    names = ", ".join(origins(wishes))
    if not facts.arrival.is_trusted:
        return plan.because("control headers", "control_not_trusted", list=names, mailbox=facts.arrival.mailbox_name)
    if facts.arrival.trusted_senders and not is_trusted_sender(facts):
        sender = facts.mail.author.email if facts.mail.author else ""
        return plan.because("control headers", "control_sender_not_trusted", list=names, email=sender)
    if facts.arrival.trusted_senders:
        wishes, others = vouched_for(wishes, facts.trust.evidence.vouched)
        if others:
            email = facts.mail.author.email if facts.mail.author else ""
            plan = plan.because("control headers", "control_not_signed", list=", ".join(others), email=email)
        if not wishes:
            return plan
        names = ", ".join(origins(wishes))
    return replace(plan, wishes=wishes).because("control headers", "control_read", list=names)


def vouched_for(
    wishes: dict[str, tuple[Wish, ...]], vouched: frozenset[str]
) -> tuple[dict[str, tuple[Wish, ...]], list[str]]:
    """Those of which each line is the sender's own, and the names of the others: a genuine mail that somebody sends once more with
    control headers in front is still a genuine mail."""
    kept = {
        control: found for control, found in wishes.items() if all(wish.origin.lower() in vouched for wish in found)
    }
    return kept, origins({control: found for control, found in wishes.items() if control not in kept})


def origins(wishes: Mapping[str, tuple[Wish, ...]]) -> list[str]:
    return list(dict.fromkeys(wish.origin for found in wishes.values() for wish in found))


def is_trusted_sender(facts: Facts) -> bool:
    """Is the author, or his domain or one above it, on the list, and did the mail pass DMARC or does it bear a good
    DKIM signature of its domain?"""
    author = facts.mail.author
    if author is None:
        return False
    email, trust = normalise(author.email), facts.trust
    domains = domains_above(email.rpartition("@")[2])
    is_listed = bool({email, *domains} & facts.arrival.trusted_senders)
    signed = any(is_aligned(one, trust.evidence.author, strict=False) for one in trust.dkim)
    return is_listed and (trust.dmarc == "pass" or signed)


def domains_above(domain: str) -> set[str]:
    """The domain and all that it is part of: {"a.b.example", "b.example", "example"}."""
    labels = domain.split(".")
    return {".".join(labels[start:]) for start in range(len(labels))}


def is_wished(wishes: Wishes, name: str) -> bool:
    """A switch: anything but no, false, 0."""
    found = wishes.get(name, ())
    return bool(found) and found[-1].value.strip().lower() not in NO
