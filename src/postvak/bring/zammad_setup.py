"""Zammad's set-up as ours, before the tickets: groups, agents, fields of its own, organisations, users."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from postvak.bring.clients import Company, Person, bring_companies, bring_people
from postvak.bring.setup import Queues, Wanted, agents_of, field_for, fields_here, fitting
from postvak.bring.trip import Trip
from postvak.bring.values import LeftOut
from postvak.bring.zammad_files import Things
from postvak.bring.zammad_values import Thing, name_of, number, text, values, words
from postvak.models import CustomField, Membership

NOBODY = 1  # the user "-"
AGENT_ROLES = {1, 2}  # of a fresh Zammad: administrators and agents
Kind = CustomField.Kind
Holder = CustomField.Holder
HOLDERS = {"Ticket": Holder.TICKET, "User": Holder.CUSTOMER, "Organization": Holder.ORGANISATION}
KINDS = {
    "input": Kind.TEXT, "textarea": Kind.TEXT, "richtext": Kind.TEXT, "select": Kind.CHOICE, "tree_select": Kind.CHOICE,
    "multiselect": Kind.CHOICES, "multi_tree_select": Kind.CHOICES, "boolean": Kind.CHECKBOX, "date": Kind.DATE,
    "datetime": Kind.DATE, "integer": Kind.NUMBER, "autocompletion_ajax_external_data_source": Kind.TEXT,
}  # fmt: skip
NOTED = ("phone", "mobile", "fax", "web", "department", "address", "street", "zip", "city", "country", "note")


@dataclass(slots=True)
class Setup:
    """Their ids -> our keys (in a trial 0). `fields`: of each holder, their name -> ours."""

    source: str
    queue: int
    queues: dict[int, int] = field(default_factory=dict)
    agents: dict[int, int | None] = field(default_factory=dict)
    fields: dict[Holder, dict[str, CustomField]] = field(default_factory=lambda: {one: {} for one in Holder})


def source_of(things: Things) -> str:
    """The same for every export of one system: when its first user was made, which is itself."""
    return f"zammad:{text(things.first('users'), 'created_at') or 'unknown'}"[:100]


def bring_setup(trip: Trip, things: Things, source: str) -> Setup:
    setup = Setup(source, trip.options.queue)
    queues, writers = Queues(trip), things.writers()
    for row in things.all("groups"):
        setup.queues[number(row, "id")] = queues.named(text(row, "name"), is_valid=row.get("active") is not False)
    owners = {number(row, "owner_id") for row in things.all("tickets")}
    agents = [row for row in things.all("users") if is_agent(row, writers | owners)]
    setup.agents = agents_of(trip, ((number(row, "id"), text(row, "email"), name_of(row)) for row in agents))
    if not trip.options.is_dry:
        bring_members(setup, queues, agents)
    bring_fields(trip, things, setup)
    bring_companies(trip, source, companies(things, setup))
    bring_people(trip, source, people(things, setup, {number(row, "id") for row in agents}))
    return setup


def is_agent(user: Thing, busy: set[int]) -> bool:
    """By his roles, or because he wrote as one or has tickets."""
    key, roles = number(user, "id"), user.get("roles")
    named = {one.lower() for one in roles if isinstance(one, str)} if isinstance(roles, list) else set()
    given = user.get("role_ids")
    ids = {one for one in given if isinstance(one, int)} if isinstance(given, list) and not named else set()
    return key != NOBODY and bool(key in busy or named & {"agent", "admin"} or ids & AGENT_ROLES)


def bring_members(setup: Setup, queues: Queues, agents: list[Thing]) -> None:
    """Who could change tickets of a group is a member of its queue, if the queue came along."""
    pairs = set()
    for row in agents:
        groups = row.get("group_ids")
        for key, rights in groups.items() if isinstance(groups, dict) else ():
            queue = setup.queues.get(int(key) if str(key).isdigit() else 0, 0)
            agent = setup.agents.get(number(row, "id"))
            if queue in queues.made and agent and {"full", "change"} & set(rights if isinstance(rights, list) else ()):
                pairs.add((queue, agent))
    Membership.objects.bulk_create(
        [Membership(queue_id=queue, agent_id=agent) for queue, agent in sorted(pairs)], ignore_conflicts=True
    )


# ---- fields ------------------------------------------------------------


def bring_fields(trip: Trip, things: Things, setup: Setup) -> None:
    """What an administrator added; Zammad's own ones can't be edited."""
    known = fields_here()
    for row in things.all("attributes"):
        holder, name = HOLDERS.get(text(row, "object")), text(row, "name")
        if holder is None or row.get("editable") is not True or not name:
            continue
        kind = kind_of(row)
        made = kind and field_for(trip, known, wanted(row, kind, holder))
        if made:
            setup.fields[holder][name] = made
        else:
            trip.leave_out(setup.source, [LeftOut("field", name, "not_taken", text(row, "data_type"))])


def kind_of(row: Thing) -> Kind | None:
    option = row.get("data_option")
    is_link = isinstance(option, dict) and option.get("type") == "url"
    return Kind.LINK if is_link else KINDS.get(text(row, "data_type"))


def wanted(row: Thing, kind: Kind, holder: Holder) -> Wanted:
    said = row.get("data_option")
    options = list(options_in(said.get("options"))) if isinstance(said, dict) and "CHOICE" in kind.name else []
    return Wanted(
        name=text(row, "name"), label=text(row, "display"), kind=kind, holder=holder, options=options,
        position=number(row, "position"), is_valid=row.get("active") is not False,
    )  # fmt: skip


def options_in(said: object, depth: int = 0) -> Iterator[str]:
    """{value: words}, or a tree of {value, name, children}; the values, for these are what tickets have."""
    if isinstance(said, dict):
        yield from (str(key) for key in said)
    for one in said if isinstance(said, list) and depth < 10 else ():
        if isinstance(one, dict):
            yield text(one, "value")
            yield from options_in(one.get("children"), depth + 1)


def fields_of(row: Thing, setup: Setup, holder: Holder) -> dict[str, list[str]]:
    found = ((ours, values(row, name)) for name, ours in setup.fields[holder].items())
    return {ours.key: kept for ours, given in found if (kept := fitting(ours, given))}


# ---- organisations and users ------------------------------------------------------------


def companies(things: Things, setup: Setup) -> Iterator[Company]:
    for row in things.all("organizations"):
        yield Company(
            key=str(number(row, "id")),
            name=text(row, "name").strip(),
            note=text(row, "note"),
            fields=fields_of(row, setup, Holder.ORGANISATION),
            domains=tuple(words(row, "domain")) if row.get("domain_assignment") is True else (),
        )


def people(things: Things, setup: Setup, agents: set[int]) -> Iterator[Person]:
    for row in things.all("users"):
        key = number(row, "id")
        if key == NOBODY or key in agents:
            continue
        yield Person(
            key=str(key),
            name=name_of(row),
            emails=(text(row, "email").strip(),),
            company=str(number(row, "organization_id") or ""),
            note="\n".join(value for name in NOTED if (value := text(row, name).strip())),
            fields=fields_of(row, setup, Holder.CUSTOMER),
        )
