"""Which mails of an archive belong together, and to which ticket: asked for a whole batch at once.

A place is the key of a ticket, or below zero a ticket that this batch opens. A trial writes nothing, so it remembers what
it would have written.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models.functions import Coalesce

from postvak.mail.threading import PREFIX, bare_subject, canonical_message_id, numbers_in_subject
from postvak.mail.values import Mail
from postvak.models import CustomerAddress, Message, Options, Receipt, ReferencedId, Ticket

AT_ONCE = 5000
REFERENCES_LOOKED_UP = 30
SAME_SUBJECT = timedelta(days=30)
SET_ASIDE = (Receipt.Outcome.IGNORED, Receipt.Outcome.BEFORE_START)
Places = dict[str, set[int]]


@dataclass(frozen=True, slots=True)
class Want:
    """What of a mail says where it belongs. `references`: canonical, the nearest first; `person`: the customer's address."""

    message_id: str
    references: tuple[str, ...]
    subject: str
    person: str
    at: datetime


@dataclass(slots=True)
class Threads:
    is_dry: bool = False
    hook: str = "#"
    seen: set[str] = field(default_factory=set)
    messages: Places = field(default_factory=dict)
    named: Places = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    subjects: dict[tuple[str, str], list[tuple[datetime, int]]] = field(default_factory=dict)
    newest: int = 0

    def start_batch(self) -> None:
        """What the last batch found is in the database now, but for that of a trial."""
        if not self.is_dry:
            self.seen.clear()
            for known in (self.messages, self.named, self.subjects):
                known.clear()

    def here(self, mails: Sequence[Mail]) -> set[str]:
        """Fingerprints of mails that came or went before, by mailboxes and answers."""
        prints = {mail.fingerprint for mail in mails}
        receipts = Receipt.objects.filter(fingerprint__in=prints).exclude(outcome__in=SET_ASIDE)
        found = set(receipts.values_list("fingerprint", flat=True))
        ids = {canonical_message_id(mail.message_id): mail.fingerprint for mail in mails}
        sent = Message.objects.filter(kind=Message.Kind.OUTGOING, message_id__in=ids.keys() - {""})
        return {one for one in found if one} | {ids[one] for one in sent.values_list("message_id", flat=True)}

    # -- reading

    def look_up(self, wants: Sequence[Want]) -> None:
        self.hook = Options.objects.values_list("hook", flat=True).get()
        ids = {want.message_id for want in wants} | {name for want in wants for name in near(want)}
        add(self.messages, tickets_of(Message.objects.all(), "message_id", "ticket", ids - {""}))
        add(self.named, tickets_of(ReferencedId.objects.all(), "value", "message__ticket", ids - {""}))
        numbers = {number for want in wants for number in numbers_in_subject(want.subject, hook=self.hook)}
        if numbers:
            rows = Ticket.objects.filter(number__in=numbers).annotate(now=Coalesce("merged_into", "pk"))
            self.numbers = dict(rows.values_list("number", "now"))
        self.look_up_subjects([want for want in wants if is_lonely_answer(want)])

    def look_up_subjects(self, wants: Sequence[Want]) -> None:
        """Answers that name nothing: the tickets that their writers had then."""
        if not wants:
            return
        people = {want.person for want in wants}
        rows = CustomerAddress.objects.filter(email__in=people).values_list("email", "customer_id")
        emails: dict[int, list[str]] = {}
        for email, customer in rows:
            emails.setdefault(customer, []).append(email)
        since = min(want.at for want in wants) - SAME_SUBJECT
        until = max(want.at for want in wants) + SAME_SUBJECT
        tickets = Ticket.objects.filter(
            customer__in=emails, changed_at__gte=since, created_at__lte=until, merged_into=None
        )
        for key, customer, subject, at in tickets.values_list("pk", "customer_id", "subject", "changed_at"):
            for email in emails.get(customer or 0, []):
                self.subjects.setdefault((email, bare(subject, self.hook)), []).append((at, key))

    # -- deciding

    def place(self, want: Want) -> int | None:
        """The nearest evidence first. A name that stands on several tickets proves nothing."""
        own = (want.message_id,) if want.message_id else ()
        for known, names in ((self.messages, near(want)), (self.named, own), (self.named, near(want))):
            for name in names:
                places = known.get(name, set())
                if len(places) == 1:
                    return next(iter(places))
        for number in numbers_in_subject(want.subject, hook=self.hook):
            if number in self.numbers:
                return self.numbers[number]
        return self.by_subject(want) if is_lonely_answer(want) else None

    def by_subject(self, want: Want) -> int | None:
        found = self.subjects.get((want.person, bare(want.subject, self.hook)), [])
        near_ones = [(abs(at - want.at), place) for at, place in found if abs(at - want.at) <= SAME_SUBJECT]
        return min(near_ones)[1] if near_ones else None

    def put(self, want: Want, place: int | None) -> int:
        """Remember where it went; without a place it gets a new one."""
        if place is None:
            self.newest -= 1
            place = self.newest
        if want.message_id:
            self.messages.setdefault(want.message_id, set()).add(place)
        for name in near(want):
            self.named.setdefault(name, set()).add(place)
        self.subjects.setdefault((want.person, bare(want.subject, self.hook)), []).append((want.at, place))
        return place

    def unknown(self, want: Want) -> tuple[str, ...]:
        return tuple(name for name in near(want) if name not in self.messages)


def near(want: Want) -> tuple[str, ...]:
    return want.references[:REFERENCES_LOOKED_UP]


def is_lonely_answer(want: Want) -> bool:
    return not want.references and bool(want.person) and PREFIX.match(want.subject) is not None


def bare(subject: str, hook: str) -> str:
    return bare_subject(subject, hook=hook).casefold()[:200]


def add(places: Places, found: Iterable[tuple[str, int]]) -> None:
    for name, ticket in found:
        places.setdefault(name, set()).add(ticket)


def tickets_of(rows: object, column: str, ticket: str, values: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Pairs of a value and the ticket that has it now (the one that it was merged into)."""
    wanted = sorted(values)
    for start in range(0, len(wanted), AT_ONCE):
        some = rows.filter(**{f"{column}__in": wanted[start : start + AT_ONCE]})  # type: ignore[attr-defined]
        some = some.annotate(now=Coalesce(f"{ticket}__merged_into", ticket))
        yield from some.order_by().values_list(column, "now").distinct()
