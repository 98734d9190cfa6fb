"""Which tickets the mails of a wave may belong to: the evidence that thread.py weighs. Reads only. Spec 02, step 5."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import re2
from django.conf import settings
from django.db.models import CharField, F, OuterRef, Q, Subquery, Value, prefetch_related_objects
from django.db.models.functions import Coalesce, Lower

from postvak.conditions.operators import BadValue, expression
from postvak.mail.addresses import normalise
from postvak.mail.parse import attachment_content
from postvak.mail.return_path import Kind as Names
from postvak.mail.threading import canonical_message_id, numbers_in_subject, read_token
from postvak.mail.values import Mail
from postvak.models import (
    CustomerAddress,
    ExternalNumber,
    ExternalReference,
    Message,
    Options,
    ReferencedId,
    SideConversation,
    Ticket,
)
from postvak.process.addressed import message_ids, named_by, ticket_ids
from postvak.process.incoming import Incoming, author_key
from postvak.process.plan import ExternalMatch, KnownSide, KnownTicket, Thread

REFERENCES_LOOKED_UP = 30  # newest ones; a mail with thousands of references must not make a huge query
MERGES_FOLLOWED = 10
SEARCHED = 200_000  # characters of a text that are searched for numbers
SEARCHED_FILES = 5
FILE_LIMIT = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Clues:
    """What one mail names: numbers in subject, text and files, and numbers of other systems (rule, value)."""

    subject: tuple[str, ...]
    body: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    external: tuple[tuple[ExternalNumber, str], ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return (*self.subject, *self.body, *self.files)


@dataclass(frozen=True, slots=True)
class Threads:
    """Tickets that mails of the wave may belong to, by each kind of evidence. `by_message`: ids of tickets; `by_path`: message
    that an address names -> id of its ticket. `asides`: Message-ID, or message that an address names -> conversation with a
    third party that it stands in; null: in none."""

    by_id: Mapping[int, KnownTicket]
    by_number: Mapping[str, KnownTicket]
    by_message: Mapping[str, frozenset[int]]
    by_named: Mapping[str, frozenset[int]]
    by_reply: Mapping[str, frozenset[int]]
    own_messages: Mapping[str, int]
    by_path: Mapping[int, int] = field(default_factory=dict)
    asides: Mapping[str | int, KnownSide | None] = field(default_factory=dict)
    clues: Mapping[int, Clues] = field(default_factory=dict)
    external: Mapping[tuple[int, str], tuple[int, ...]] = field(default_factory=dict)

    def of(self, incoming: Incoming) -> Thread:
        """The evidence of one mail: of its references the nearest one that leads to a ticket, by our mark or because we
        have that mail. A known message row says more than the mark in its id: it may have been moved."""
        mail, clues = incoming.mail, self.clues[incoming.receipt.pk or 0]
        references = referenced(mail)
        reference, found = next(((i, t) for i in references if (t := self.marked(i))), ("", None))
        is_ours = token_of(reference) is not None
        own = canonical_message_id(mail.message_id)
        also = {t.number for i in references if (t := self.marked(i))} - {found.number if found else ""}
        return Thread(
            own_mail=self.by_id.get(self.own_messages.get(own, 0)),
            by_address=self.addressed(incoming),
            by_token=found if is_ours else None,
            by_reference=None if is_ours else found,
            reference=reference,
            by_named=next((t for i in references if (t := self.one(self.by_named.get(i)))), None),
            by_reply=self.one(self.by_reply.get(own)),
            by_number=self.numbered(clues.subject),
            in_body=self.numbered(clues.body),
            in_attachment=self.numbered(clues.files),
            external=tuple(self.external_match(rule, value) for rule, value in clues.external),
            also=tuple(sorted(also)),
            side=self.aside(incoming, [*references, own]),
        )

    def aside(self, incoming: Incoming, ids: Sequence[str]) -> KnownSide | None:
        """The nearest mail that this one names and that we have, or one that others named, says which conversation it is."""
        keys: list[str | int] = [*(n.id for n in named_by(incoming) if n.kind is Names.MESSAGE), *ids]
        return next((self.asides[key] for key in keys if key in self.asides), None)

    def addressed(self, incoming: Incoming) -> KnownTicket | None:
        """The ticket that an address of ours names to which the mail came: its own token, or our return path."""
        ids = (n.id if n.kind is Names.TICKET else self.by_path.get(n.id, 0) for n in named_by(incoming))
        return next((ticket for i in ids if (ticket := self.by_id.get(i))), None)

    def marked(self, message_id: str) -> KnownTicket | None:
        return self.known(message_id) or self.by_id.get(token_of(message_id) or 0)

    def known(self, message_id: str) -> KnownTicket | None:
        return self.one(self.by_message.get(message_id))

    def one(self, ids: frozenset[int] | None) -> KnownTicket | None:
        """An id that stands on several tickets (somebody's program repeats it) proves nothing."""
        tickets = {t.id: t for i in ids or () if (t := self.by_id.get(i))}
        return next(iter(tickets.values())) if len(tickets) == 1 else None

    def numbered(self, numbers: Iterable[str]) -> tuple[KnownTicket, ...]:
        return tuple(self.by_number[number] for number in numbers if number in self.by_number)

    def external_match(self, rule: ExternalNumber, value: str) -> ExternalMatch:
        tickets = (self.by_id.get(i) for i in self.external.get((rule.pk, value), ()))
        return ExternalMatch(rule.pk, rule.name, rule.field.key, value, tuple(t for t in tickets if t))


def referenced(mail: Mail) -> list[str]:
    """Message-IDs that the mail answers, nearest first: In-Reply-To, then References from the end."""
    nearest = [*mail.in_reply_to, *reversed(mail.references)][:REFERENCES_LOOKED_UP]
    return list(dict.fromkeys(canonical_message_id(i) for i in nearest if i))


def token_of(message_id: str) -> int | None:
    return read_token(message_id, key=settings.SECRET_KEY.encode())


def find_threads(wave: Sequence[Incoming], options: Options, *, has_external: bool) -> Threads:
    mails = [incoming.mail for incoming in wave]
    references = {i for mail in mails for i in referenced(mail)} | {
        canonical_message_id(report.original_message_id) for mail in mails for report in mail.reports
    }
    own_ids = {canonical_message_id(mail.message_id) for mail in mails}
    by_message, by_named, by_reply, own_messages, aside_ids = find_messages(references - {""}, own_ids - {""})
    signed = {i: ticket for i in own_ids - own_messages.keys() if (ticket := token_of(i))}
    own_messages = {**own_messages, **signed}  # mails to agents, which are no messages, may come back, too
    rules = list(ExternalNumber.objects.filter(is_valid=True).select_related("field")) if has_external else []
    clues = {incoming.receipt.pk or 0: clues_of(incoming, options, rules) for incoming in wave}
    external = find_external(clues.values())
    marks = {token for i in references if (token := token_of(i)) is not None}
    named = {i for found in (*by_named.values(), *by_reply.values()) for i in found}
    on_messages = {i for found in (*by_message.values(), *external.values()) for i in found} | named
    by_path, path_asides = find_addressed(wave)
    numbers = {number for found in clues.values() for number in found.numbers}
    by_id, by_number = load_tickets(
        {*marks, *on_messages, *own_messages.values(), *by_path.values(), *ticket_ids(wave)}, numbers
    )
    by_id = with_people(by_id, named)
    asides = find_asides([*aside_ids.items(), *path_asides.items()])
    return Threads(by_id, by_number, by_message, by_named, by_reply, own_messages, by_path, asides, clues, external)


def find_addressed(wave: Sequence[Incoming]) -> tuple[dict[int, int], dict[int, int | None]]:
    """Messages that our return paths name -> their tickets, and their side conversations; most mails came to none."""
    named = message_ids(wave)
    rows = list(Message.objects.filter(pk__in=named).values_list("pk", "ticket_id", "side_id")) if named else []
    return {pk: ticket for pk, ticket, _side in rows}, {pk: side for pk, _ticket, side in rows}


def find_asides(ids: Sequence[tuple[str | int, int | None]]) -> dict[str | int, KnownSide | None]:
    """Of what names mails the conversations with third parties; nothing is asked where none is among them."""
    wanted = {side for _key, side in ids if side is not None}
    rows = SideConversation.objects.filter(pk__in=wanted) if wanted else ()
    known = {row.pk: KnownSide(row.pk, row.ticket_id, row.subject) for row in rows}
    return {key: known.get(side or 0) for key, side in ids}


def with_people(by_id: dict[int, KnownTicket], named: set[int]) -> dict[int, KnownTicket]:
    """Who wrote on tickets to which only named ids lead, or was written to; most mails name none."""
    targets = {by_id[i].id for i in named if i in by_id}
    people: dict[int, set[str]] = defaultdict(set)
    rows = Message.objects.filter(ticket__in=targets, kind=Message.Kind.INCOMING) if targets else Message.objects.none()
    for ticket_id, author, to, cc in rows.order_by().values_list("ticket_id", "author_email", "to", "cc"):
        people[ticket_id] |= {normalise(email) for email in (author, *(pair[1] for pair in (*to, *cc)))}
    return {
        pk: replace(ticket, people=frozenset(people[ticket.id])) if ticket.id in targets else ticket
        for pk, ticket in by_id.items()
    }


Found = Mapping[str, frozenset[int]]


def find_messages(
    references: set[str], own_ids: set[str]
) -> tuple[Found, Found, Found, Mapping[str, int], Mapping[str, int | None]]:
    """Message-ID -> ticket ids, in one query: for ids that are answered of mails that we have, and of mails that others
    named; for own ids that other mails named; and for ids of mails that we sent ourselves. Last, Message-ID -> side
    conversation; of a mail that we have it counts more than of one that others named."""
    by_message: dict[str, set[int]] = defaultdict(set)
    by_named: dict[str, set[int]] = defaultdict(set)
    by_reply: dict[str, set[int]] = defaultdict(set)
    own: dict[str, int] = {}
    sides: dict[str, int | None] = {}
    text = CharField()
    asked = references | own_ids
    named = ReferencedId.objects.filter(value__in=asked).values_list(
        "value", F("message__ticket_id"), Value("named", text), F("message__side_id")
    )
    rows = (
        Message.objects.filter(message_id__in=asked)
        .order_by()
        .values_list("message_id", "ticket_id", "kind", "side_id")
    )
    for message_id, ticket_id, kind, side in rows.union(named) if asked else ():
        if message_id in references:
            (by_named if kind == "named" else by_message)[message_id].add(ticket_id)
        if kind == "named" and message_id in own_ids:
            by_reply[message_id].add(ticket_id)
        if kind == Message.Kind.OUTGOING:
            own[message_id] = ticket_id
        if kind != "named" or message_id not in by_message:
            sides[message_id] = side
    return frozen(by_message), frozen(by_named), frozen(by_reply), own, sides


def frozen(found: Mapping[str, set[int]]) -> Found:
    return {message_id: frozenset(tickets) for message_id, tickets in found.items()}


def clues_of(incoming: Incoming, options: Options, rules: Sequence[ExternalNumber]) -> Clues:
    mail, hook = incoming.mail, options.hook
    return Clues(
        tuple(dict.fromkeys(n for subject in incoming.subjects for n in numbers_in_subject(subject, hook=hook))),
        numbers_in_subject(mail.text[:SEARCHED], hook=hook) if options.number_in_body else (),
        numbers_in_files(incoming, hook) if options.number_in_attachments else (),
        tuple(found for rule in rules for found in external_numbers(incoming, rule)),
    )


def numbers_in_files(incoming: Incoming, hook: str) -> tuple[str, ...]:
    """In attached texts; other files are not searched."""
    texts = [
        a
        for a in incoming.mail.attachments
        if not a.is_inline and a.content_type.startswith("text/") and a.size < FILE_LIMIT
    ]
    found: dict[str, None] = {}
    for attachment in texts[:SEARCHED_FILES]:
        text = attachment_content(incoming.readable, attachment.index)[1].decode("utf-8", "replace")
        found |= dict.fromkeys(numbers_in_subject(text[:SEARCHED], hook=hook))
    return tuple(found)


def external_numbers(incoming: Incoming, rule: ExternalNumber) -> list[tuple[ExternalNumber, str]]:
    """The first number of another system, if the sender fits its rule."""
    mail = incoming.mail
    try:
        sender, number = expression(rule.sender), expression(rule.number)
    except BadValue:
        return []  # the administration shows it; a rule that can't run must not stop mail
    if sender.search(author_key(mail).encode()) is None:
        return []
    places = [*incoming.subjects] * rule.in_subject + [mail.text[:SEARCHED]] * rule.in_body
    found = next((value for place in places if (value := first_group(number, place))), "")
    return [(rule, found[:200])] if found else []


def first_group(number: "re2._Regexp[bytes]", text: str) -> str:
    match = number.search(text.encode("utf-8", "replace"))
    raw = match.group(1 if match.re.groups else 0) if match else None
    return raw.decode("utf-8", "replace").strip() if raw else ""


def find_external(clues: Iterable[Clues]) -> dict[tuple[int, str], tuple[int, ...]]:
    """(rule, value) -> ids of tickets that have it, newest first."""
    wanted = {(rule.pk, value) for found in clues for rule, value in found.external}
    if not wanted:
        return {}
    rows = ExternalReference.objects.filter(value__in={value for _, value in wanted}).order_by("-ticket_id")
    found: dict[tuple[int, str], tuple[int, ...]] = {}
    for rule, value, ticket in rows.values_list("external_id", "value", "ticket_id"):
        found[rule, value] = (*found.get((rule, value), ()), ticket)
    return found


def load_tickets(ids: set[int], numbers: set[str]) -> tuple[dict[int, KnownTicket], dict[str, KnownTicket]]:
    """By id and by number; merged ones lead to their target. Nothing asked, nothing queried."""
    if not ids and not numbers:
        return {}, {}
    asked = fetch(Q(pk__in=ids) | Q(number__in=numbers))
    rows = {ticket.pk: ticket for ticket in asked}
    for _ in range(MERGES_FOLLOWED):
        missing = {t.merged_into_id for t in rows.values() if t.merged_into_id} - set(rows)
        if not missing:
            break
        rows |= {ticket.pk: ticket for ticket in fetch(Q(pk__in=missing))}
    prefetch_related_objects(list(rows.values()), "participants")
    known = {pk: target for pk in rows if (target := target_of(rows, pk))}
    return known, {ticket.number: known[ticket.pk] for ticket in asked if ticket.pk in known}


def fetch(condition: Q) -> list[Ticket]:
    first = CustomerAddress.objects.filter(customer=OuterRef("customer_id")).order_by("pk").values("email")[:1]
    wrote = Message.objects.filter(
        ticket=OuterRef("pk"), customer=OuterRef("customer_id"), customer__addresses__email=Lower("author_email")
    )
    newest = wrote.order_by("-created_at", "-pk").values("author_email")[:1]
    rows = Ticket.objects.filter(condition).annotate(customer_email=Coalesce(Subquery(newest), Subquery(first)))
    return list(rows.select_related("status", "customer"))


def target_of(rows: Mapping[int, Ticket], pk: int) -> KnownTicket | None:
    """Where a ticket's mails are now; None when merges go round in a circle or deeper than anybody means."""
    ticket = rows[pk]
    for _ in range(MERGES_FOLLOWED):
        if not ticket.merged_into_id:
            return known_ticket(ticket, merged_from="" if ticket.pk == pk else rows[pk].number)
        if ticket.merged_into_id not in rows:
            return None
        ticket = rows[ticket.merged_into_id]
    return None


def known_ticket(ticket: Ticket, *, merged_from: str = "") -> KnownTicket:
    customer = ticket.customer
    return KnownTicket(
        id=ticket.pk,
        number=ticket.number,
        queue_id=ticket.queue_id,
        status_key=ticket.status.key,
        status_type=ticket.status.type,
        customer_id=ticket.customer_id,
        organisation_id=ticket.organisation_id or (customer.organisation_id if customer else None),
        participant_ids=frozenset(participant.customer_id for participant in ticket.participants.all()),
        closed_at=ticket.closed_at or (None if ticket.is_open else ticket.changed_at),
        merged_from=merged_from,
        customer_email=getattr(ticket, "customer_email", None) or "",
    )
