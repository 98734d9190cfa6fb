"""Facts of a wave of receipts, gathered with a fixed number of queries however many mails there are.

Reads only. Everything decide() may know comes from here, from desk.py and from evidence.py.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db.models import Case, CharField, Count, F, IntegerField, Max, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Lower
from django.utils import timezone

from postvak.learn.current import NOTHING, learned_now
from postvak.mail.addresses import normalise
from postvak.mail.forwards import original_author
from postvak.mail.threading import canonical_message_id
from postvak.models import Agent, CustomerAddress, LedgerEntry, Mailbox, OrganisationDomain, Receipt, Ticket, Trace
from postvak.process.background import with_background
from postvak.process.desk import load_desk, load_options
from postvak.process.evidence import find_threads, known_ticket, referenced
from postvak.process.incoming import Incoming, author_domain, author_key
from postvak.process.plan import Arrival, Facts, FirstCopy, KnownAgent, KnownCustomer, KnownTicket
from postvak.process.reports import find_deliveries, report_of
from postvak.process.routing import address_written_to
from postvak.process.senders import judge_sender
from postvak.process.set_up import Desk
from postvak.tickets.access import rights_by_agent
from postvak.trust.judge import folded

MEGABYTE = 1024 * 1024
AT_ONCE, HOUR = timedelta(seconds=1), timedelta(hours=1)
OPENED = (Receipt.Outcome.NEW_TICKET, Receipt.Outcome.NEW_TICKET_INSTEAD)


def gather(wave: Sequence[Incoming]) -> list[Facts]:
    """Facts for each mail of the wave, in the same order."""
    options = load_options()
    has_commands = any(incoming.receipt.mailbox.agents_commands for incoming in wave)
    desk = load_desk(options, [incoming.mail for incoming in wave], has_commands=has_commands)
    copies, known_ids = find_copies(wave)
    threads = find_threads(wave, options, has_external=options.has_external)  # type: ignore[attr-defined]
    originals = find_originals(wave, people := find_people(wave))
    people = people.joined(find_people_by(originals.values()))
    deliveries, looked = find_deliveries(wave), waited_for_go_live(wave)
    learned = learned_now() if options.has_models else NOTHING  # type: ignore[attr-defined]
    facts = [
        Facts(
            mail=incoming.mail,
            outer=incoming.outer,
            security=incoming.security,
            arrival=arrival_of(incoming.receipt, looked_only=incoming.receipt.pk in looked),
            desk=desk,
            first_copy=copies.get(incoming.mail.fingerprint),
            has_known_id=canonical_message_id(incoming.mail.message_id) in known_ids,
            customer=people.customers.get(author_key(incoming.mail)),
            organisation_id=people.organisations.get(author_domain(incoming.mail)),
            agent=people.agents.get(author_key(incoming.mail)),
            thread=threads.of(incoming),
            report=report_of(incoming, deliveries, threads),
            forwarded_from=(original := originals.get(incoming.receipt.pk or 0, "")),
            forwarded_customer=people.customers.get(original),
            forwarded_organisation_id=people.organisations.get(original.rpartition("@")[2]),
            opened=people.opened.get(author_key(incoming.mail), 0),
            unknown_references=tuple(i for i in referenced(incoming.mail) if i not in threads.by_message),
            learned=learned,
        )
        for incoming in wave
    ]
    facts = [with_trust(fact, incoming, people) for fact, incoming in zip(facts, wave, strict=True)]
    return with_background(with_recent(facts, desk))


def waited_for_go_live(wave: Sequence[Incoming]) -> set[int]:
    """Receipts that came while their mailbox only looked: due later than they came, and never looked at before."""
    late = {
        receipt.pk
        for receipt in (incoming.receipt for incoming in wave)
        if receipt.next_attempt_at and receipt.attempts == 0 and receipt.next_attempt_at - receipt.received_at > AT_ONCE
    }
    tried = set(Trace.objects.filter(receipt__in=late).values_list("receipt_id", flat=True)) if late else set()
    waiting = {
        one.receipt.pk for one in wave if one.receipt.mailbox.is_look_only and one.receipt.next_attempt_at is None
    }
    return (late - tried) | waiting


def arrival_of(receipt: Receipt, *, looked_only: bool = False) -> Arrival:
    mailbox: Mailbox = receipt.mailbox
    return Arrival(
        mailbox_id=mailbox.pk,
        mailbox_name=mailbox.name,
        source=receipt.source,
        size=receipt.size,
        size_limit=mailbox.size_limit * MEGABYTE,
        received_at=receipt.received_at,
        arrived_at=receipt.arrived_at,
        envelope_to=tuple(receipt.envelope_to),
        start_at=mailbox.start_at,
        queue_id=mailbox.queue_id,
        reply_via_id=mailbox.reply_via_id,
        imports_closed=mailbox.imports_closed,
        is_released=receipt.is_released,
        wanted_queue_id=receipt.wanted_queue_id,
        is_trusted=mailbox.is_trusted,
        trusted_senders=frozenset(mailbox.trusted_list),
        agents_mail=mailbox.agents_mail,
        agents_commands=mailbox.agents_commands,
        agents_forwards=mailbox.agents_forwards,
        local_time=timezone.localtime(receipt.received_at),
        envelope_from=receipt.envelope_from,
        answers_automatically=mailbox.answers_automatically,
        looked_only=looked_only,
    )


def with_trust(fact: Facts, incoming: Incoming, people: "People") -> Facts:
    return replace(
        fact,
        trust=judge_sender(
            incoming,
            fact.desk,
            customer=fact.customer,
            is_partner=fact.organisation_id is not None,
            agent=fact.agent,
            namesakes=people.namesakes,
            is_ours=fact.thread.own_mail is not None or fact.report.ticket is not None or fact.report.is_notice,
        ),
    )


def find_copies(wave: Sequence[Incoming]) -> tuple[dict[str, FirstCopy], set[str]]:
    """First receipts by fingerprint, and those Message-IDs of the wave that other receipts carry already."""
    own = {incoming.receipt.pk for incoming in wave}
    prints = {incoming.mail.fingerprint for incoming in wave}
    ids = {canonical_message_id(incoming.mail.message_id) for incoming in wave} - {""}
    named = Q(message_id_header__in=ids) & ~Q(message_id_header="")  # else SQLite doesn't see its index
    rows = Receipt.objects.filter(Q(fingerprint__in=prints) | named).exclude(pk__in=own)
    copies, known = {}, set()
    for pk, fingerprint, message_id, ticket_id, number, outcome, mailbox in rows.values_list(
        "pk", "fingerprint", "message_id_header", "ticket_id", "ticket__number", "outcome", "mailbox_id"
    ):
        if message_id:
            known.add(message_id)
        if fingerprint:
            copies[fingerprint] = FirstCopy(pk, ticket_id, number or "", outcome, mailbox)
    return copies, known


@dataclass(frozen=True, slots=True)
class People:
    """Who the writers are: customers and agents by address, organisations by domain. `opened`: by address, how many tickets he
    opened within the last hour. `namesakes`: names of agents that writers have, folded."""

    customers: Mapping[str, KnownCustomer] = field(default_factory=dict)
    organisations: Mapping[str, int] = field(default_factory=dict)
    agents: Mapping[str, KnownAgent] = field(default_factory=dict)
    opened: Mapping[str, int] = field(default_factory=dict)
    namesakes: frozenset[str] = frozenset()

    def joined(self, other: "People") -> "People":
        return People(
            {**self.customers, **other.customers},
            {**self.organisations, **other.organisations},
            {**self.agents, **other.agents},
            {**self.opened, **other.opened},
            self.namesakes | other.namesakes,
        )


def find_people(wave: Sequence[Incoming]) -> People:
    authors = [incoming.mail.author for incoming in wave if incoming.mail.author]
    names = {spelling for author in authors for spelling in spellings(author.name)}
    return find_people_by((author_key(incoming.mail) for incoming in wave), {one.email for one in authors}, names)


def spellings(name: str) -> set[str]:
    """Under which an agent may be kept who calls himself so: "Baker, Bob" may be Bob Baker. One word alone is anybody's."""
    last, _comma, first = (part.strip() for part in name[:200].lower().partition(","))
    found = {name[:200].strip().lower(), f"{first} {last}".strip()}
    return {spelling for spelling in found if " " in spelling}


def find_people_by(addresses: Iterable[str], writers: Collection[str] = (), names: Collection[str] = ()) -> People:
    """Customers, organisations and agents behind addresses, in one query. `writers`: addresses as they write them, whose new
    tickets are counted; `names`: of agents, in small letters."""
    emails = set(addresses) - {""}
    if not emails:
        return People()
    text, number = CharField(), IntegerField()
    domains = {email.rpartition("@")[2] for email in emails} - {""}
    customers = CustomerAddress.objects.filter(email__in=emails).values_list(
        Value("customer", text), F("email"), F("customer_id"), F("customer__organisation_id"), Value("", text)
    )
    none = Cast(Value(None), number)
    organisations = OrganisationDomain.objects.filter(domain__in=domains).values_list(
        Value("organisation", text), F("domain"), F("organisation_id"), none, Value("", text)
    )
    is_admin = Case(When(is_admin=True, then=Value(1)), default=Value(0), output_field=number)
    agents = agents_by(emails, names).values_list(Value("agent", text), F("email"), F("pk"), is_admin, F("name"))
    opened = tickets_of(writers).values_list(Value("opened", text), F("sender"), F("number"), none, Value("", text))
    rows = list(customers.union(organisations, agents, *([opened] if writers else []), all=True))
    counted: Counter[str] = Counter()
    for table, key, number_of, _other, _ in rows:
        if table == "opened":
            counted[normalise(key)] += number_of
    found = [(pk, name, key, bool(other)) for table, key, pk, other, name in rows if table == "agent"]
    return People(
        {key: KnownCustomer(pk, other) for table, key, pk, other, _ in rows if table == "customer"},
        {key: pk for table, key, pk, _other, _ in rows if table == "organisation"},
        known_agents([row for row in found if row[2] in emails]),
        counted,
        frozenset(folded(name) for _pk, name, _email, _is_admin in found if name.lower() in names),
    )


def agents_by(emails: Collection[str], names: Collection[str]) -> "QuerySet[Agent]":
    wanted = Q(email__in=emails)
    rows = Agent.objects.filter(is_active=True)
    return rows.alias(lowered=Lower("name")).filter(wanted | Q(lowered__in=names)) if names else rows.filter(wanted)


def known_agents(rows: Sequence[tuple[int, str, str, bool]]) -> dict[str, KnownAgent]:
    """(key, name, e-mail, is an administrator). Most mails are no agent's: then nothing is asked."""
    rights = rights_by_agent([pk for pk, _name, _email, is_admin in rows if not is_admin]) if rows else {}
    return {
        email: KnownAgent(pk, name, email, None if is_admin else rights.get(pk, {}))
        for pk, name, email, is_admin in rows
    }


def tickets_of(writers: Collection[str]) -> "QuerySet[Any, Any]":
    """How many each opened within the hour, by the lines of the ledger: they rise with time, so that the first one of the hour
    bounds what is looked at."""
    since = timezone.now() - HOUR
    first = LedgerEntry.objects.filter(at__gte=since).order_by("at").values("pk")[:1]
    rows = LedgerEntry.objects.filter(sender__in=writers, pk__gte=Subquery(first), at__gte=since, state__in=OPENED)
    return rows.order_by().values("sender").annotate(number=Count("pk"))


def find_originals(wave: Sequence[Incoming], people: People) -> dict[int, str]:
    """Receipt -> author of the mail that an agent passes on with it; '' when he passes none on."""
    return {
        incoming.receipt.pk or 0: normalise(original_author(incoming.readable, incoming.mail))
        for incoming in wave
        if author_key(incoming.mail) in people.agents
    }


def with_recent(facts: list[Facts], desk: Desk) -> list[Facts]:
    """Candidates of grouping: the newest open ticket of each customer by each address that groups."""
    if not any(address.grouping_hours for address in desk.addresses.values()):
        return facts
    written_to = [address_written_to(fact) for fact in facts]
    pairs = [
        (fact.customer.id, address.id)
        for fact, address in zip(facts, written_to, strict=True)
        if fact.customer and address and address.grouping_hours
    ]
    if not pairs:
        return facts
    wanted = Q()
    for customer, address_id in dict.fromkeys(pairs):
        wanted |= Q(customer_id=customer, reply_address_id=address_id)
    wrote = Max("messages__created_at", filter=Q(messages__kind="incoming", messages__customer_id=F("customer_id")))
    rows = Ticket.objects.filter(wanted, is_open=True).annotate(wrote_at=wrote).filter(wrote_at__isnull=False)
    found: dict[tuple[int | None, int | None], KnownTicket] = {}
    for ticket in rows.select_related("status", "customer").prefetch_related("participants"):
        key = (ticket.customer_id, ticket.reply_address_id)
        known = replace(known_ticket(ticket), last_customer_at=ticket.wrote_at)
        if key not in found or newer(known, found[key]):
            found[key] = known
    return [
        replace(
            fact,
            recent={a.id: t for a in (address,) if a and fact.customer and (t := found.get((fact.customer.id, a.id)))},
        )
        for fact, address in zip(facts, written_to, strict=True)
    ]


def newer(one: KnownTicket, other: KnownTicket) -> bool:
    return (one.last_customer_at, one.id) > (other.last_customer_at, other.id)
