"""OTOBO's set-up as ours, before the tickets: queues, addresses, agents, customers, types, custom fields. What is here
already by its name or address is taken, never changed. A trial only counts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from postvak.bring import memory
from postvak.bring.otobo_rows import MADE_FOR_ALL, STATUS_OF_TYPE, is_valid
from postvak.bring.portion import portions
from postvak.bring.setup import make_agent
from postvak.bring.staging import Record, Staging, number, text
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import (
    Address,
    Agent,
    Brand,
    Customer,
    CustomerAddress,
    CustomField,
    Membership,
    Organisation,
    Priority,
    Queue,
    TicketType,
)

ROOT = 1  # the user that the system itself is
AT_ONCE = 500
KINDS = CustomField.Kind
FIELD_KINDS = {
    "Text": KINDS.TEXT, "TextArea": KINDS.TEXT, "RichText": KINDS.TEXT, "Checkbox": KINDS.CHECKBOX, "Dropdown": KINDS.CHOICE,
    "Multiselect": KINDS.CHOICES, "Date": KINDS.DATE, "DateTime": KINDS.DATE,
}  # fmt: skip
FOLLOW_UPS = {1: Queue.FollowUp.REOPEN, 2: Queue.FollowUp.REJECT, 3: Queue.FollowUp.NEW_TICKET}


@dataclass(frozen=True, slots=True)
class Field:
    key: str
    kind: str


@dataclass(slots=True)
class Setup:
    """Their ids -> our keys (in a trial 0). `mails`: agent -> address."""

    source: str
    queue: int  # for tickets whose own one is missing
    queues: dict[int, int] = field(default_factory=dict)
    agents: dict[int, int | None] = field(default_factory=dict)
    addresses: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    merged: set[int] = field(default_factory=set)
    priorities: dict[int, int] = field(default_factory=dict)
    types: dict[int, int | None] = field(default_factory=dict)
    fields: dict[int, Field] = field(default_factory=dict)
    made_queues: set[int] = field(default_factory=set)


def bring_setup(trip: Trip, staging: Staging, source: str) -> Setup:
    setup = Setup(source, trip.options.queue)
    bring_queues(trip, staging, setup)
    bring_addresses(trip, staging, setup)
    bring_agents(trip, staging, setup)
    bring_members(trip, staging, setup)
    bring_words(trip, staging, setup)
    bring_fields(trip, staging, setup)
    bring_organisations(trip, staging, setup)
    bring_customers(trip, staging, setup)
    return setup


# ---- queues and addresses ------------------------------------------------------------


def bring_queues(trip: Trip, staging: Staging, setup: Setup) -> None:
    known = {name.casefold(): pk for name, pk in Queue.objects.values_list("name", "pk")}
    brand = Queue.objects.select_related("brand").get(is_default=True).brand
    colours = [colour.value for colour in Queue.Colour]
    for place, row in enumerate(staging.rows("queue", "ORDER BY id")):
        name = text(row, "name").strip()[:100]
        key = known.get(name.casefold())
        if key is None and name:
            key = make_queue(trip, row, name, brand, colours[place % len(colours)])
            known[name.casefold()] = key
            setup.made_queues.add(number(row, "id"))
            trip.counts["queues"] += 1
        setup.queues[number(row, "id")] = key or 0


def make_queue(trip: Trip, row: Record, name: str, brand: Brand, colour: str) -> int:
    if trip.options.is_dry:
        return 0
    follow_up = FOLLOW_UPS.get(number(row, "follow_up_id"), Queue.FollowUp.REOPEN)
    return Queue.objects.create(name=name, brand=brand, colour=colour, follow_up=follow_up, is_valid=is_valid(row)).pk


def bring_addresses(trip: Trip, staging: Staging, setup: Setup) -> None:
    """Each is the sending address of the queues that named it there, where the queue came along."""
    known = dict(Address.objects.values_list("email", "pk"))
    for row in staging.rows("system_address", "ORDER BY id"):
        email = normalise(text(row, "value0"))
        if email not in known:
            if not is_valid_recipient(email) or len(email) > 254:
                trip.leave_out(setup.source, [LeftOut("address", str(number(row, "id")), "no_address", email)])
                continue
            known[email] = make_address(trip, row, email, setup)
            trip.counts["addresses"] += 1
        setup.addresses[number(row, "id")] = known[email]
    if not trip.options.is_dry:
        for row in staging.rows("queue"):
            address = setup.addresses.get(number(row, "system_address_id"))
            if address and number(row, "id") in setup.made_queues:
                Queue.objects.filter(pk=setup.queues[number(row, "id")], address=None).update(address=address)


def make_address(trip: Trip, row: Record, email: str, setup: Setup) -> int:
    if trip.options.is_dry:
        return 0
    queue = setup.queues.get(number(row, "queue_id")) or trip.options.queue
    return Address.objects.create(
        email=email, display_name=text(row, "value1")[:200], queue_id=queue, is_valid=is_valid(row),
        comment=text(row, "comments")[:500],
    ).pk  # fmt: skip


# ---- agents ------------------------------------------------------------


def bring_agents(trip: Trip, staging: Staging, setup: Setup) -> None:
    """New ones are invalid and have no password: an administrator says who works here."""
    known = dict(Agent.objects.values_list("email", "pk"))
    preferences = staging.rows("user_preferences", "WHERE preferences_key = ?", [b"UserEmail"])
    emails = {number(row, "user_id"): text(row, "preferences_value").strip().lower() for row in preferences}
    for row in staging.rows("users", "ORDER BY id"):
        key, login = number(row, "id"), text(row, "login").strip().lower()
        if key == ROOT:
            continue
        email = next((one for one in (emails.get(key, ""), login) if is_valid_recipient(one)), "")
        email = (email or f"{re.sub('[^a-z0-9.-]', '-', login) or key}@import.invalid")[:254]
        if email not in known:
            name = f"{text(row, 'first_name')} {text(row, 'last_name')}".strip() or login or email
            known[email] = 0 if trip.options.is_dry else make_agent(email, name)
            trip.counts["agents"] += 1
            trip.hints.add("agents_off")
        setup.agents[key] = known[email] or None


def bring_members(trip: Trip, staging: Staging, setup: Setup) -> None:
    """Who could write in a queue's group is a member of the queue, if the queue came along."""
    if trip.options.is_dry:
        return
    queues: dict[int, list[int]] = {}
    for row in staging.rows("queue"):
        if number(row, "id") in setup.made_queues:
            queues.setdefault(number(row, "group_id"), []).append(setup.queues[number(row, "id")])
    pairs = {
        (queue, agent)
        for row in staging.rows("group_user", "WHERE permission_key = ?", [b"rw"])
        for queue in queues.get(number(row, "group_id"), ())
        if (agent := setup.agents.get(number(row, "user_id")))
    }
    Membership.objects.bulk_create(
        [Membership(queue_id=queue, agent_id=agent) for queue, agent in sorted(pairs)], ignore_conflicts=True
    )


# ---- states, priorities, types, fields ------------------------------------------------------------


def bring_words(trip: Trip, staging: Staging, setup: Setup) -> None:
    kinds = {number(row, "id"): text(row, "name").strip().lower() for row in staging.rows("ticket_state_type")}
    for row in staging.rows("ticket_state"):
        kind = kinds.get(number(row, "type_id"), "")
        setup.statuses[number(row, "id")] = STATUS_OF_TYPE.get(kind, "open")
        if kind == "merged":
            setup.merged.add(number(row, "id"))
    levels = set(Priority.objects.values_list("level", flat=True))
    for row in staging.rows("ticket_priority"):
        found = re.match(r"\s*(\d)", text(row, "name"))
        level = int(found[1]) if found else number(row, "id")
        setup.priorities[number(row, "id")] = level if level in levels else 3
    known = {name.casefold(): pk for name, pk in TicketType.objects.values_list("name", "pk")}
    for row in staging.rows("ticket_type", "ORDER BY id"):
        name = text(row, "name").strip()[:100]
        if name.casefold() not in known and name and name.casefold() not in MADE_FOR_ALL:
            known[name.casefold()] = 0 if trip.options.is_dry else TicketType.objects.create(name=name).pk
            trip.counts["types"] += 1
        setup.types[number(row, "id")] = known.get(name.casefold()) or None


def bring_fields(trip: Trip, staging: Staging, setup: Setup) -> None:
    known = {row.key.casefold(): row for row in CustomField.objects.all()}
    for row in staging.rows("dynamic_field", "ORDER BY field_order, id"):
        name, is_internal = text(row, "name"), number(row, "internal_field") == 1
        if is_internal:
            continue
        key = re.sub(r"\W", "_", name, flags=re.ASCII)[:64]
        kind = FIELD_KINDS.get(text(row, "field_type"))
        if kind is None or text(row, "object_type") != "Ticket" or not re.match("[A-Za-z]", key):
            trip.leave_out(setup.source, [LeftOut("field", name or str(number(row, "id")), "not_taken")])
            continue
        there = known.get(key.casefold())
        if there is None:
            there = known[key.casefold()] = make_field(trip, row, key, kind)
            trip.counts["fields"] += 1
        setup.fields[number(row, "id")] = Field(there.key, there.kind)


def make_field(trip: Trip, row: Record, key: str, kind: str) -> CustomField:
    made = CustomField(
        key=key,
        label=(text(row, "label") or key)[:100],
        kind=kind,
        options="\n".join(options_in(text(row, "config"))),
        position=min(max(number(row, "field_order"), 0), 32000),
        is_valid=is_valid(row),
    )
    if not trip.options.is_dry:
        made.save()
    return made


def options_in(config: str) -> list[str]:
    """The possible values of a choice; their keys, for these are what tickets have."""
    try:
        found = yaml.safe_load(config)
    except yaml.YAMLError:
        return []
    values = found.get("PossibleValues") if isinstance(found, dict) else None
    return [str(key) for key in values if str(key).strip()] if isinstance(values, dict) else []


# ---- customers ------------------------------------------------------------


def bring_organisations(trip: Trip, staging: Staging, setup: Setup) -> None:
    for rows in portions(staging.rows("customer_company"), AT_ONCE):
        keys = {text(row, "customer_id"): row for row in rows if text(row, "customer_id").strip()}
        before = memory.found(setup.source, "organisation", keys)
        fresh = {key: row for key, row in keys.items() if not before.get(key)}
        here = dict(Organisation.objects.filter(number__in=[key[:64] for key in fresh]).values_list("number", "pk"))
        made = {key: organisation_of(key, row) for key, row in fresh.items() if key[:64] not in here}
        trip.counts["organisations"] += len(made)
        if not trip.options.is_dry:
            Organisation.objects.bulk_create(made.values())
            keys_now = {key: made[key].pk if key in made else here[key[:64]] for key in fresh}
            memory.keep(setup.source, "organisation", keys_now, job=trip.options.job)


def organisation_of(key: str, row: Record) -> Organisation:
    place = f"{text(row, 'zip')} {text(row, 'city')}".strip()
    lines = (text(row, "street"), place, text(row, "country"), text(row, "url"), text(row, "comments"))
    note = "\n".join(line for line in lines if line.strip())
    return Organisation(name=(text(row, "name") or key)[:200], number=key[:64], note=note)


def bring_customers(trip: Trip, staging: Staging, setup: Setup) -> None:
    """By their addresses; one whose address is known here stays as he is."""
    for rows in portions(staging.rows("customer_user"), AT_ONCE):
        people = {email: row for row in rows if is_valid_recipient(email := normalise(text(row, "email")))}
        lost = [row for row in rows if not is_valid_recipient(normalise(text(row, "email")))]
        trip.leave_out(setup.source, [LeftOut("customer", text(row, "login") or "?", "no_address") for row in lost])
        there = set(CustomerAddress.objects.filter(email__in=people).values_list("email", flat=True))
        fresh = {email: row for email, row in people.items() if email not in there}
        trip.counts["customers"] += len(fresh)
        if not trip.options.is_dry:
            make_customers(setup, fresh)


def make_customers(setup: Setup, people: Mapping[str, Record]) -> None:
    wanted: Sequence[str] = [text(row, "customer_id") for row in people.values()]
    organisations = memory.found(setup.source, "organisation", wanted)
    made = Customer.objects.bulk_create(
        Customer(
            name=(f"{text(row, 'first_name')} {text(row, 'last_name')}".strip() or email)[:200],
            organisation_id=organisations.get(text(row, "customer_id")) or None,
            note="\n".join(line for line in (text(row, "phone"), text(row, "mobile"), text(row, "comments")) if line),
        )
        for email, row in people.items()
    )
    CustomerAddress.objects.bulk_create(
        CustomerAddress(customer=customer, email=email) for email, customer in zip(people, made, strict=True)
    )
