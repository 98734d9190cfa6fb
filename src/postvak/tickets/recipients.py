"""Who gets a mail: what people type, addresses of ours taken out, whom an answer goes to, domains that are new."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from postvak.keys.reading import reply_to
from postvak.mail.addresses import is_valid_recipient, normalise, without_subaddress
from postvak.models import Address, CustomerAddress, Delivery, Message, OrganisationDomain, Ticket
from postvak.models.draft import Draft
from postvak.send.sender import CannotAnswer

MOST_REPLY_TO = 5
Kind = Draft.Kind


@dataclass(frozen=True, slots=True)
class Recipients:
    """Each address once, in the order in which it was given; `dropped`: addresses of ours that were among them."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def everybody(self) -> tuple[str, ...]:
        return (*self.to, *self.cc, *self.bcc)


def ours(emails: Iterable[str]) -> frozenset[str]:
    """Those among `emails`, normalised, that are addresses of ours, with or without a +detail; valid or not."""
    forms = {normalise(email): {normalise(email), without_subaddress(normalise(email))} for email in emails}
    wanted = {form for both in forms.values() for form in both}
    own = set(Address.objects.filter(email__in=wanted).values_list("email", flat=True)) if wanted else set()
    return frozenset(email for email, both in forms.items() if both & own)


def checked(to: Sequence[str], cc: Sequence[str] = (), bcc: Sequence[str] = ()) -> Recipients:
    """What was typed. Raises CannotAnswer for what is no address, and when nobody is left."""
    for field, typed in (("to", to), ("cc", cc), ("bcc", bcc)):
        for email in typed:
            if not is_valid_recipient(email):
                raise CannotAnswer(field, _("“%(typed)s” is not an e-mail address.") % {"typed": email})
    found = sifted(to, cc, bcc)
    if not found.everybody and found.dropped:
        raise CannotAnswer("to", _("%(address)s is an address of ours.") % {"address": found.dropped[0]})
    if not found.everybody:
        raise CannotAnswer("to", _("Give at least one recipient."))
    return found


def sifted(to: Sequence[str], cc: Sequence[str] = (), bcc: Sequence[str] = ()) -> Recipients:
    """Each once, ours dropped; nothing is judged."""
    own = ours([*to, *cc, *bcc])
    seen: set[str] = set(own)
    dropped = dict.fromkeys(email for email in (*to, *cc, *bcc) if normalise(email) in own)
    return Recipients(unseen(to, seen), unseen(cc, seen), unseen(bcc, seen), tuple(dropped))


def unseen(emails: Sequence[str], seen: set[str]) -> tuple[str, ...]:
    fresh = []
    for email in emails:
        if normalise(email) not in seen:
            seen.add(normalise(email))
            fresh.append(email)
    return tuple(fresh)


# -- whom an answer goes to ----------------------------------------------------------------------------


def answered(about: Message | None, kind: str) -> Recipients:
    """What the composer starts with: the author (or whom he wants to be answered), and for "answer all" the others."""
    if about is None or kind in {Kind.FORWARD, Kind.REDIRECT, Kind.NEW}:
        return Recipients()
    to, cc = emails_of(about.to), emails_of(about.cc)
    if about.kind == Message.Kind.OUTGOING:  # our own mail is gone on with
        return sifted(to, cc if kind == Kind.REPLY_ALL else ())
    first = [*whom_it_asks_for(about)] or ([about.author_email] if about.author_email else [])
    return sifted([*first, *to], cc) if kind == Kind.REPLY_ALL else sifted(first)


def begun(ticket: Ticket, kind: str) -> Recipients:
    """Nobody wrote yet (he rang): an answer begins with the customer's first address."""
    if kind not in {Kind.REPLY, Kind.REPLY_ALL} or ticket.customer_id is None:
        return Recipients()
    first = (
        CustomerAddress.objects.filter(customer=ticket.customer_id).order_by("pk").values_list("email", flat=True)[:1]
    )
    return sifted(list(first))


def emails_of(pairs: Iterable[Sequence[str]]) -> list[str]:
    return [email for _name, email in pairs]


def whom_it_asks_for(message: Message) -> tuple[str, ...]:
    """The mail's Reply-To, where it names a few outside addresses; () when there is none to go by."""
    wanted = reply_to(message)
    if len(wanted) > MOST_REPLY_TO or not all(is_valid_recipient(email) for email in wanted):
        return ()
    return () if ours(wanted) else tuple(dict.fromkeys(wanted))


# -- who is new ----------------------------------------------------------------------------


def new_domains(ticket: Ticket, emails: Iterable[str]) -> list[str]:
    """Domains of outside addresses that no mail of this ticket had yet, and that aren't the customer's organisation's.
    None while nobody from outside is known."""
    known = known_domains(ticket)
    wanted = dict.fromkeys(domain_of(email) for email in emails)
    return [domain for domain in wanted if domain and domain not in known] if known else []


def known_domains(ticket: Ticket) -> set[str]:
    mails = ticket.messages.exclude(kind=Message.Kind.NOTE).values_list("author_email", "to", "cc")
    emails = {email for author, to, cc in mails for email in (author, *emails_of(to), *emails_of(cc))}
    sent = Delivery.objects.filter(outgoing__message__ticket=ticket).values_list("recipient", flat=True)
    people = {ticket.customer_id, *ticket.participants.values_list("customer", flat=True)} - {None}
    theirs = CustomerAddress.objects.filter(customer__in=people).values_list("email", flat=True)
    domains = {domain_of(email) for email in (*emails, *sent, *theirs)} - {""}
    companies = {ticket.organisation_id, ticket.customer.organisation_id if ticket.customer else None} - {None}
    if companies:
        domains |= set(OrganisationDomain.objects.filter(organisation__in=companies).values_list("domain", flat=True))
    own = Address.objects.values_list("email", flat=True)
    return domains | {domain_of(email) for email in own} if domains else set()


def domain_of(email: str) -> str:
    return normalise(email).rpartition("@")[2] if "@" in email else ""
