"""From wishes to attributes: what control headers and filters ask for, looked up by name. Spec 02, step 9; spec 03.

One small reader per control, in the table READERS. An unknown value never aborts: it is left out with a warning.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models.status import Status
from postvak.process.controls import FIELD, FOLLOW_UP, NO, YES, is_wished
from postvak.process.follow_up import AUTOMATIC
from postvak.process.plan import Attributes, Facts, Note, Plan, Wish
from postvak.process.routing import wished_queue
from postvak.process.set_up import FieldRule
from postvak.tickets.fields import kept_value
from postvak.tickets.tags import words

STEP = "attributes"
Change = Attributes | None  # None: the value makes no sense
Reader = Callable[[Attributes, str, Facts], Change]

PENDING = re.compile(r"([+-]?)\s*(\d{1,9})\s*([smhdw]?)", re.IGNORECASE)
UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
AUTHOR_KINDS = {"customer", "agent", "system"}
MOST_TAGS = 20
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def set_attributes(facts: Facts, plan: Plan) -> Plan:
    """For follow-ups the FollowUp- forms count, for new tickets the plain ones."""
    prefix = FOLLOW_UP if plan.ticket else ""
    if plan.ticket:
        plan, queue_id = wished_queue(facts, plan, FOLLOW_UP + "queue")
        plan = replace(plan, attributes=replace(plan.attributes, queue_id=queue_id))
    plan = note_other_form(plan)
    for control in ORDER:
        plan = read(facts, plan, control, plan.wishes.get(prefix + control, ()))
    for name, wishes in plan.wishes.items():
        base = name.removeprefix(prefix)
        if name.startswith(prefix + FIELD):
            plan = read_field(facts, plan, base[len(FIELD) :], wishes)
    plan = wait_until(facts, limit_tags(without_blind(facts, plan)))
    return read_externals(facts, read_legacy(facts, plan, prefix))


def without_blind(facts: Facts, plan: Plan) -> Plan:
    """Nobody gets a ticket that he may not read (apply asks once more: process.assignees)."""
    wished = plan.attributes
    queue_id = wished.queue_id or (plan.ticket.queue_id if plan.ticket else plan.queue_id)
    assignee = facts.desk.directory.assignees.get(wished.assignee_id or 0)
    if assignee is None or queue_id is None or assignee.may_read(queue_id):
        return plan
    plan = replace(plan, attributes=replace(wished, assignee_id=None))
    return plan.because(STEP, "assignee_blind", agent=assignee.name, queue=facts.desk.queues[queue_id].name)


def limit_tags(plan: Plan) -> Plan:
    """A filter that takes tags from the mail could be given thousands."""
    wished = plan.attributes
    added, removed = wished.add_tags[:MOST_TAGS], wished.remove_tags[:MOST_TAGS]
    if (added, removed) == (wished.add_tags, wished.remove_tags):
        return plan
    plan = replace(plan, attributes=replace(wished, add_tags=added, remove_tags=removed))
    return plan.because(STEP, "too_many_tags", limit=MOST_TAGS)


def wait_until(facts: Facts, plan: Plan) -> Plan:
    """Only what waits has a reminder, as when a person sets it. A status that is asked for comes first, and so does to
    keep it; a machine's mail leaves a waiting ticket as it is."""
    ticket, wished = plan.ticket, plan.attributes
    if wished.pending_until is None or wished.status_key:
        return plan
    if ticket and is_wished(plan.wishes, FOLLOW_UP + "state-keep"):
        return plan
    if ticket and ticket.status_type == Status.Type.PENDING and (plan.agent or facts.mail.kind in AUTOMATIC):
        return plan
    return replace(plan, attributes=replace(wished, status_key="internal")).because(STEP, "waits_until")


def read_externals(facts: Facts, plan: Plan) -> Plan:
    """Numbers of other systems go into their custom field, so that people see them."""
    for match in facts.thread.external:
        fields = {match.field: (match.value,), **plan.attributes.fields}
        plan = replace(
            plan,
            attributes=replace(plan.attributes, fields=fields),
            externals=(*plan.externals, (match.rule_id, match.value)),
        ).because(STEP, "external_number", rule=match.rule_name, value=match.value)
    return plan


def note_other_form(plan: Plan) -> Plan:
    """What is asked for in the form for the other sort of mail only doesn't apply, and the trace says so."""
    is_follow_up = plan.ticket is not None
    left_out = [
        name
        for name in plan.wishes
        if name not in ALWAYS and name.startswith(FOLLOW_UP) != is_follow_up and other_form(name) not in plan.wishes
    ]
    if not left_out:
        return plan
    code = "wishes_for_new_only" if is_follow_up else "wishes_for_follow_ups_only"
    return plan.because(STEP, code, list=", ".join(sorted(left_out)[:20]))


def other_form(name: str) -> str:
    return name.removeprefix(FOLLOW_UP) if name.startswith(FOLLOW_UP) else FOLLOW_UP + name


def read(facts: Facts, plan: Plan, control: str, wishes: tuple[Wish, ...]) -> Plan:
    used = wishes if control in SEVERAL else wishes[-1:]
    for wish in used:
        changed = READERS[control](plan.attributes, wish.value, facts)
        if changed is None:
            plan = plan.because(STEP, "unknown_value", control=control, value=wish.value[:200], origin=wish.origin)
        else:
            plan = replace(plan, attributes=changed)
            if not wish.is_told:
                plan = plan.because(STEP, "attribute_set", control=control, value=wish.value[:200], origin=wish.origin)
    return plan


def named(attribute: str, table: str) -> Reader:
    """A value looked up by its name in the directory."""

    def reader(attributes: Attributes, value: str, facts: Facts) -> Change:
        names: Mapping[str, int | str] = getattr(facts.desk.directory, table)
        found = names.get(value.strip().casefold())
        return None if found is None else replace(attributes, **{attribute: found})  # type: ignore[arg-type]

    return reader


def read_pending(attributes: Attributes, value: str, facts: Facts) -> Change:
    at = moment(value, facts)
    return None if at is None else replace(attributes, pending_until=at)


def moment(value: str, facts: Facts) -> datetime | None:
    """`+2d`, `-30m`, `90` (seconds), or a date with or without time on the clock of the installation; None: neither, or
    a time that nobody lives to see."""
    arrival = facts.arrival
    relative = PENDING.fullmatch(value.strip())
    try:
        if relative:
            sign, number, unit = relative.groups()
            span = timedelta(**{UNITS[unit.lower()]: int(number)})
            at = arrival.received_at - span if sign == "-" else arrival.received_at + span
        else:
            at = datetime.fromisoformat(value.strip())
        if at.tzinfo is None:
            zone = arrival.local_time.tzinfo if arrival.local_time else UTC
            at = at.replace(tzinfo=zone)
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if EARLIEST <= at < LATEST else None


def read_status(attributes: Attributes, value: str, facts: Facts) -> Change:
    found = facts.desk.directory.statuses.get(value.strip().casefold())
    return None if found is None else replace(attributes, status_key=found)


def read_title(attributes: Attributes, value: str, facts: Facts) -> Change:
    return replace(attributes, title=" ".join(value.split()))


def read_owner(attributes: Attributes, value: str, facts: Facts) -> Change:
    agent_id = facts.desk.directory.agents.get(value.strip().casefold())
    return None if agent_id is None else replace(attributes, assignee_id=agent_id, is_unassigned=False)


def read_follower(attributes: Attributes, value: str, facts: Facts) -> Change:
    agent_id = facts.desk.directory.agents.get(value.strip().casefold())
    if agent_id is None:
        return None
    return replace(attributes, follower_ids=tuple(dict.fromkeys((*attributes.follower_ids, agent_id))))


def read_id(reader: Reader) -> Reader:
    """OwnerID and ResponsibleID: the number of an agent; the login wins when both are given."""

    def read_number(attributes: Attributes, value: str, facts: Facts) -> Change:
        is_set = attributes.assignee_id if reader is read_owner else attributes.follower_ids
        return attributes if is_set else reader(attributes, f"#{value.strip()}", facts)

    return read_number


def read_lock(attributes: Attributes, value: str, facts: Facts) -> Change:
    """We know no locks: unlocked means that nobody has the ticket, locked leaves the assignee."""
    word = value.strip().lower()
    if word in {"unlock", "unlocked"}:
        return attributes if attributes.assignee_id else replace(attributes, is_unassigned=True)
    return attributes if word in {"lock", "locked", "tmp_lock"} else None


def read_organisation(attributes: Attributes, value: str, facts: Facts) -> Change:
    found = facts.desk.directory.organisations.get(value.strip().casefold())
    return None if found is None else replace(attributes, organisation_id=found)


def read_customer(attributes: Attributes, value: str, facts: Facts) -> Change:
    email = normalise(value.strip())
    return replace(attributes, customer_email=email) if is_valid_recipient(email) else None


def read_author_kind(attributes: Attributes, value: str, facts: Facts) -> Change:
    kind = value.strip().lower()
    return replace(attributes, author_kind=kind) if kind in AUTHOR_KINDS else None


def read_visible(attributes: Attributes, value: str, facts: Facts) -> Change:
    word = value.strip().lower()
    return replace(attributes, is_internal=word in NO) if word in YES | NO else None


def read_add_tags(attributes: Attributes, value: str, facts: Facts) -> Change:
    return replace(attributes, add_tags=merged(attributes.add_tags, value))


def read_remove_tags(attributes: Attributes, value: str, facts: Facts) -> Change:
    return replace(attributes, remove_tags=merged(attributes.remove_tags, value))


def merged(tags: tuple[str, ...], value: str) -> tuple[str, ...]:
    """One more than allowed tells limit_tags that there were too many."""
    return tuple({word.casefold(): word for word in (*tags, *words(value))}.values())[: MOST_TAGS + 1]


def read_note(is_internal: bool) -> Reader:
    def reader(attributes: Attributes, value: str, facts: Facts) -> Change:
        return replace(attributes, notes=(*attributes.notes, Note(value, is_internal)))

    return reader


def read_spam(attributes: Attributes, value: str, facts: Facts) -> Change:
    return replace(attributes, is_spam=value.strip().lower() not in NO)


def read_as_field(key: str) -> Reader:
    """Service and SLA: a custom field of that name, if there is one."""

    def reader(attributes: Attributes, value: str, facts: Facts) -> Change:
        rule = facts.desk.directory.fields.get(key)
        return None if rule is None else with_field(attributes, rule, (value,))

    return reader


def read_field(facts: Facts, plan: Plan, key: str, wishes: tuple[Wish, ...]) -> Plan:
    """Several values for a field that takes several; else the last one."""
    rule = facts.desk.directory.fields.get(key)
    control, origin = FIELD + key, wishes[-1].origin
    values = tuple(wish.value for wish in wishes)
    if rule is None:
        return plan.because(STEP, "unknown_field", control=key, origin=origin)
    changed = with_field(plan.attributes, rule, values if rule.kind == "choices" else values[-1:])
    if changed is None:
        return plan.because(STEP, "unknown_value", control=control, value=", ".join(values)[:200], origin=origin)
    plan = replace(plan, attributes=changed)
    if wishes[-1].is_told:
        return plan
    return plan.because(STEP, "attribute_set", control=control, value=", ".join(values)[:200], origin=origin)


def with_field(attributes: Attributes, rule: FieldRule, values: tuple[str, ...]) -> Change:
    checked = tuple(field_value(rule, value) for value in values)
    if any(value is None for value in checked):
        return None
    kept = tuple(dict.fromkeys(value or "" for value in checked))
    return replace(attributes, fields={**attributes.fields, rule.key: kept})


def field_value(rule: FieldRule, value: str) -> str | None:
    """The value as it is kept; None when it doesn't fit the kind of field."""
    try:
        return kept_value(rule.kind, rule.options, value)
    except ValueError:
        return None


def read_legacy(facts: Facts, plan: Plan, prefix: str) -> Plan:
    """TicketKey1 "Machine" + TicketValue1 "X7": the field "Machine", if defined. TicketTime1: a field of that name."""
    for place, count in (("ticket", 16), ("article", 3)):
        for number in range(1, count + 1):
            key, value = (plan.wish(f"{prefix}{place}{part}{number}") for part in ("key", "value"))
            if value is not None:
                name = key.value if key is not None else f"{place}value{number}"
                plan = read_field(facts, plan, name.casefold(), (value,))
    for number in range(1, 7):
        at = plan.wish(f"{prefix}tickettime{number}")
        if at is not None:
            plan = read_field(facts, plan, f"tickettime{number}", (at,))
    return plan


READERS: Mapping[str, Reader] = {
    "state": read_status,
    "state-pendingtime": read_pending,
    "priority": named("priority", "priorities"),
    "type": named("type_id", "types"),
    "service": read_as_field("service"),
    "sla": read_as_field("sla"),
    "title": read_title,
    "owner": read_owner,
    "ownerid": read_id(read_owner),
    "responsible": read_follower,
    "responsibleid": read_id(read_follower),
    "lock": read_lock,
    "customerno": read_organisation,
    "customeruser": read_customer,
    "sendertype": read_author_kind,
    "isvisibleforcustomer": read_visible,
    "tag": read_add_tags,
    "tag-remove": read_remove_tags,
    "note": read_note(is_internal=True),
    "note-visible": read_note(is_internal=False),
    "spam": read_spam,
}
ORDER = tuple(READERS)
SEVERAL = {"tag", "tag-remove", "note", "note-visible", "responsible"}
ALWAYS = {"ignore", "loop", "hold", "reject", "forward"}  # read by steps of their own, in both forms
