"""osTicket's set-up as ours, before the tickets: departments, addresses, agents, topics, fields, organisations, users."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from postvak.bring.clients import Company, Person, bring_companies, bring_people
from postvak.bring.osticket_rows import Clock, clock_of, configured, values_in
from postvak.bring.setup import Queues, Wanted, agents_of, field_for, fields_here, fitting
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Address, CustomField, Membership, Priority, Queue, TicketType

STATES = {"open": "open", "closed": "closed", "archived": "closed", "deleted": "trash"}
LEVEL_OF_URGENCY = {4: 2, 3: 3, 2: 4, 1: 5}  # low, normal, high, emergency
HOLDERS = {"T": CustomField.Holder.TICKET, "G": CustomField.Holder.TICKET, "A": None, "U": CustomField.Holder.CUSTOMER,
           "O": CustomField.Holder.ORGANISATION}  # fmt: skip
KINDS = {"text": CustomField.Kind.TEXT, "memo": CustomField.Kind.TEXT, "phone": CustomField.Kind.TEXT,
         "datetime": CustomField.Kind.DATE, "bool": CustomField.Kind.CHECKBOX, "choices": CustomField.Kind.CHOICE}  # fmt: skip
OWN = frozenset({"subject", "message", "priority", "name", "email", "phone", "notes", "address", "website"})
DECORATION = frozenset({"break", "info", "thread", "priority"})  # no values, or such that have their place here
DEEPEST = 20


@dataclass(slots=True)
class Setup:
    """Their ids -> our keys (in a trial 0). `lists`: items of lists by the list."""

    source: str
    queue: int
    clock: Clock
    queues: dict[int, int] = field(default_factory=dict)
    agents: dict[int, int | None] = field(default_factory=dict)
    addresses: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    priorities: dict[str, int] = field(default_factory=dict)
    types: dict[int, int | None] = field(default_factory=dict)
    fields: dict[int, CustomField] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)  # fields that become lines of a note


def bring_setup(trip: Trip, staging: Staging, source: str) -> Setup:
    setup = Setup(source, trip.options.queue, clock_of(staging))
    queues = Queues(trip)
    bring_departments(staging, setup, queues)
    bring_agents(trip, staging, setup)
    bring_addresses(trip, staging, setup, queues)
    bring_members(trip, staging, setup, queues)
    bring_words(trip, staging, setup)
    bring_fields(trip, staging, setup)
    bring_companies(trip, source, companies(staging, setup))
    bring_people(trip, source, people(staging, setup))
    return setup


# ---- queues, addresses, agents ------------------------------------------------------------


def bring_departments(staging: Staging, setup: Setup, queues: Queues) -> None:
    rows = {number(row, "id"): row for row in staging.rows("department", "ORDER BY id")}
    for key in rows:
        setup.queues[key] = queues.named(path_of(rows, key))


def path_of(rows: dict[int, Record], key: int) -> str:
    names: list[str] = []
    while key in rows and len(names) < DEEPEST:
        names.insert(0, text(rows[key], "name").strip())
        key = number(rows[key], "pid")
    return "::".join(name for name in names if name)


def bring_agents(trip: Trip, staging: Staging, setup: Setup) -> None:
    rows = list(staging.rows("staff", "ORDER BY staff_id"))
    for row in rows:
        words = f"{text(row, 'firstname')} {text(row, 'lastname')}".strip()
        setup.names[number(row, "staff_id")] = words or text(row, "username")
    people = [(number(row, "staff_id"), text(row, "email"), setup.names[number(row, "staff_id")]) for row in rows]
    setup.agents = agents_of(trip, people)
    lost = [key for key, email, _name in people if not is_valid_recipient(email.strip().lower())]
    trip.leave_out(setup.source, [LeftOut("agent", str(key), "no_address", setup.names[key]) for key in lost])


def bring_addresses(trip: Trip, staging: Staging, setup: Setup, queues: Queues) -> None:
    """A new queue sends from the address that its department sent from."""
    known = dict(Address.objects.values_list("email", "pk"))
    keys: dict[int, int] = {}
    for row in staging.rows("email", "ORDER BY email_id"):
        key, email = number(row, "email_id"), normalise(text(row, "email"))
        setup.addresses[key] = email
        if not is_valid_recipient(email) or len(email) > 254:
            trip.leave_out(setup.source, [LeftOut("address", str(key), "no_address", email)])
            continue
        if email not in known:
            trip.counts["addresses"] += 1
            queue = setup.queues.get(number(row, "dept_id")) or setup.queue
            known[email] = 0 if trip.options.is_dry else make_address(row, email, queue)
        keys[key] = known[email]
    for row in staging.rows("department"):
        queue, address = setup.queues.get(number(row, "id"), 0), keys.get(number(row, "email_id"), 0)
        if queue in queues.made and address:
            Queue.objects.filter(pk=queue, address=None).update(address=address)


def make_address(row: Record, email: str, queue: int) -> int:
    name = text(row, "name")[:200]
    return Address.objects.create(email=email, display_name=name, queue_id=queue).pk


def bring_members(trip: Trip, staging: Staging, setup: Setup, queues: Queues) -> None:
    """Who worked in a department, or had access to it, is a member of its queue, if the queue came along."""
    if trip.options.is_dry:
        return
    pairs = {
        (queue, agent)
        for table in ("staff", "staff_dept_access")
        for row in staging.rows(table)
        if (queue := setup.queues.get(number(row, "dept_id"), 0)) in queues.made
        and (agent := setup.agents.get(number(row, "staff_id")))
    }
    Membership.objects.bulk_create(
        [Membership(queue_id=queue, agent_id=agent) for queue, agent in sorted(pairs)], ignore_conflicts=True
    )


# ---- states, priorities, topics ------------------------------------------------------------


def bring_words(trip: Trip, staging: Staging, setup: Setup) -> None:
    for row in staging.rows("ticket_status"):
        setup.statuses[number(row, "id")] = STATES.get(text(row, "state").lower(), "open")
    levels = set(Priority.objects.values_list("level", flat=True))
    for row in staging.rows("ticket_priority"):
        level = LEVEL_OF_URGENCY.get(number(row, "priority_urgency"), 3)
        level = level if level in levels else max(levels)
        for name in (text(row, "priority_id"), text(row, "priority").lower(), text(row, "priority_desc").lower()):
            setup.priorities[name] = level
    known = {name.casefold(): pk for name, pk in TicketType.objects.values_list("name", "pk")}
    for row in staging.rows("help_topic", "ORDER BY topic_id"):
        name = text(row, "topic").strip()[:100]
        if name and name.casefold() not in known:
            known[name.casefold()] = 0 if trip.options.is_dry else TicketType.objects.create(name=name).pk
            trip.counts["types"] += 1
        setup.types[number(row, "topic_id")] = known.get(name.casefold()) or None


# ---- fields ------------------------------------------------------------


def bring_fields(trip: Trip, staging: Staging, setup: Setup) -> None:
    holders = {number(row, "id"): HOLDERS.get(text(row, "type")[:1]) for row in staging.rows("form")}
    known = fields_here()
    for row in staging.rows("form_field", "ORDER BY form_id, sort, id"):
        key, name, kind = number(row, "id"), text(row, "name").strip(), text(row, "type")
        holder = holders.get(number(row, "form_id"))
        if holder is None or kind in DECORATION:
            continue
        if name.lower() in OWN:
            setup.notes[key] = name.lower()
            continue
        ours = CustomField.Kind.CHOICE if kind.startswith("list-") else KINDS.get(kind)
        made = ours and field_for(trip, known, wanted(staging, row, ours, holder))
        if made:
            setup.fields[key] = made
        else:
            trip.leave_out(setup.source, [LeftOut("field", text(row, "label") or str(key), "not_taken")])


def wanted(staging: Staging, row: Record, kind: CustomField.Kind, holder: CustomField.Holder) -> Wanted:
    said = configured(row)
    if kind == CustomField.Kind.CHOICE and said.get("multiselect"):
        kind = CustomField.Kind.CHOICES
    name = text(row, "name").strip() or text(row, "label").strip() or f"field_{number(row, 'id')}"
    options = list(options_of(staging, text(row, "type"), str(said.get("choices") or "")))
    return Wanted(
        name=name, label=text(row, "label"), kind=kind, holder=holder, options=options, position=number(row, "sort")
    )


def options_of(staging: Staging, kind: str, written: str) -> Iterator[str]:
    """Of a list, or as "key:words" in lines; the words, for those are what people chose."""
    if kind.startswith("list-") and kind[5:].isdigit():
        yield from (text(row, "value") for row in staging.rows("list_items", "WHERE list_id = ?", [int(kind[5:])]))
        return
    for line in written.splitlines():
        key, _colon, words = line.partition(":")
        yield (words or key).strip()


def answers(staging: Staging, setup: Setup, kind: str, key: int) -> tuple[dict[str, list[str]], dict[str, str]]:
    """What was written into the forms of a ticket (T), user (U) or organisation (O): as custom fields, and the rest by name."""
    fields: dict[str, list[str]] = {}
    rest: dict[str, str] = {}
    for form in staging.rows("form_entry", "WHERE object_id = ? AND object_type = ?", [key, kind.encode()]):
        for row in staging.rows("form_entry_values", "WHERE entry_id = ?", [number(form, "id")]):
            place, value = number(row, "field_id"), text(row, "value")
            if place in setup.fields:
                field = setup.fields[place]
                kept = fitting(field, values_in(value))
                if kept:
                    fields[field.key] = kept
            elif place in setup.notes and value.strip():
                rest[setup.notes[place]] = value.strip()
    return fields, rest


# ---- organisations and users ------------------------------------------------------------


def companies(staging: Staging, setup: Setup) -> Iterator[Company]:
    for row in staging.rows("organization", "ORDER BY id"):
        fields, rest = answers(staging, setup, "O", number(row, "id"))
        yield Company(
            key=str(number(row, "id")),
            name=text(row, "name").strip(),
            note=note_of(rest, ("address", "phone", "website", "notes")),
            fields=fields,
            domains=tuple(domain.strip().lstrip("@") for domain in text(row, "domain").split(",") if domain.strip()),
        )


def people(staging: Staging, setup: Setup) -> Iterator[Person]:
    for row in staging.rows("user", "ORDER BY id"):
        key = number(row, "id")
        fields, rest = answers(staging, setup, "U", key)
        main = number(row, "default_email_id")
        rows = sorted(staging.rows("user_email", "WHERE user_id = ?", [key]), key=lambda one: number(one, "id") != main)
        yield Person(
            key=str(key),
            name=text(row, "name").strip(),
            emails=tuple(text(one, "address") for one in rows),
            company=str(number(row, "org_id") or ""),
            note=note_of(rest, ("phone", "notes")),
            fields=fields,
        )


def note_of(rest: dict[str, str], names: Iterable[str]) -> str:
    return "\n".join(rest[name] for name in names if rest.get(name))
