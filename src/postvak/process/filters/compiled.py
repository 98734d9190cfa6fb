"""Filters made ready once per change, and run over a mail. Pure: no database, no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from postvak.conditions.condition import Condition
from postvak.conditions.field import Field, bounded, encoded, in_form
from postvak.conditions.operators import OPERATORS, BadValue, Hit, Test
from postvak.log.reason import Reason
from postvak.log.wording import MORE
from postvak.process.controls import FIELD, FOLLOW_UP, control_of
from postvak.process.filters.actions import accumulates, controls_set, fill, has_placeholder, sort_of
from postvak.process.filters.draft import Action, Draft
from postvak.process.filters.fields import HEADER, field_of
from postvak.process.filters.subject import Subject
from postvak.process.plan import Facts, KnownTicket, Wish, Wishes

SHOWN = 200  # characters of a value in the trace
NAMED = 50  # filters in the trace that were asked and did not fire
NAME = 100  # characters of the name of one of these
HIDDEN = "…"  # for what was captured in the secret part of a mail
OUTSIDE = {
    "from", "from.name", "from.address", "from.domain", "to", "cc", "reply_to", "recipients", "mailbox", "ticket_queue",
    "ticket_status", "dkim", "signer", "size", "time",
}  # fmt: skip
LEAVES = {
    "title",
    "reject",
    "note-visible",
}  # controls whose value stands in mails to customers, or may come to stand there
Ask = Callable[[Subject], Hit | None]


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """`reads_inside`: of an encrypted mail it may see what nobody on its way saw."""

    ask: Ask
    negated: bool
    cost: int
    reads_inside: bool = True


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """`in_order` as written, for captures; `cheapest_first` for the decision. `mailbox_ids`: None for all."""

    id: int
    name: str
    mailbox_ids: frozenset[int] | None
    any: bool
    stops: bool
    in_order: tuple[CompiledCondition, ...]
    cheapest_first: tuple[CompiledCondition, ...]
    actions: tuple[tuple[Action, tuple[str, ...], str], ...]
    needs_captures: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all filters together did."""

    wishes: Wishes
    hits: tuple[int, ...]
    reasons: tuple[Reason, ...]


def compile_filter(draft: Draft, *, id: int = 0, mailbox_ids: frozenset[int] | None = None) -> CompiledFilter:  # noqa: A002 - the row's id
    """Raises BadValue for a condition or action that can't run; check.py finds those before a draft is saved."""
    conditions = tuple(compile_condition(condition) for condition in draft.conditions)
    return CompiledFilter(
        id=id,
        name=draft.name,
        mailbox_ids=mailbox_ids,
        any=draft.match == "any",
        stops=draft.stop,
        in_order=conditions,
        cheapest_first=tuple(sorted(conditions, key=lambda condition: condition.cost)),
        actions=tuple((action, controls_set(action), value_of(action)) for action in draft.actions),
        needs_captures=any(has_placeholder(action.value) for action in draft.actions),
    )


def value_of(action: Action) -> str:
    sort = sort_of(action.set)
    if sort is None:
        raise BadValue(f"unknown action {action.set}")
    return sort.fixed or action.value


def compile_condition(condition: Condition) -> CompiledCondition:
    field, operator = field_of(condition.field), OPERATORS.get(condition.operator)
    if field is None or operator is None:
        raise BadValue(f"unknown condition {condition.field} {condition.operator}")
    test = operator.make(condition.value)
    ask = asker(condition.field, field, test)
    return CompiledCondition(ask, condition.negated, cost(condition, test), reads_inside(condition.field))


def reads_inside(key: str) -> bool:
    """Header fields stand outside, but for those that we compute or that filters set."""
    return bool(control_of(key[len(HEADER) :])) if key.startswith(HEADER) else key not in OUTSIDE


LARGE = {"body", "reply", "html", "language"}


def cost(condition: Condition, test: Test) -> int:
    """Rough: large texts last, expressions after comparisons."""
    return (10 if condition.field in LARGE else 0) + (2 if test.form == "raw" else 0)


def asker(key: str, field: Field[Subject], test: Test) -> Ask:
    """The test on the field's values, in the form that it wants. Runs a thousand times per mail, so it is written out."""
    if key.startswith(HEADER) and control_of(key[len(HEADER) :]):
        return asker_of_wishes(field, test)
    read, slot, run, run_raw = field.read, (test.form, key), test.text, test.raw
    if run_raw is not None:

        def ask_raw(subject: Subject) -> Hit | None:
            raws = subject.raws.get(key)
            return run_raw(raws if raws is not None else subject.raw(key, read))

        return ask_raw
    if run is None:
        raise TypeError("a test has a text or a raw form")

    def ask(subject: Subject) -> Hit | None:
        texts = subject.texts.get(slot)
        return run(texts if texts is not None else subject.text(test.form, key, read))

    return ask


def asker_of_wishes(field: Field[Subject], test: Test) -> Ask:
    """Read anew each time: an earlier filter may have set it."""

    def ask(subject: Subject) -> Hit | None:
        found = bounded(field.read(subject))
        if test.raw is not None:
            return test.raw(encoded(found))
        return test.text(in_form(test.form, found)) if test.text else None

    return ask


def run_filters(filters: Sequence[CompiledFilter], facts: Facts, wishes: Wishes, ticket: KnownTicket | None) -> Outcome:
    """All filters of the mail's mailbox in their order, until one that fires says stop."""
    subject = Subject(facts, ticket, dict(wishes))
    hits: list[int] = []
    reasons: list[Reason] = []
    silent: list[str] = []
    for rule in filters:
        if rule.mailbox_ids is not None and facts.arrival.mailbox_id not in rule.mailbox_ids:
            continue
        if not fires(rule, subject):
            silent.append(rule.name)
            continue
        hits.append(rule.id)
        reasons.append(Reason("filters", "filter_fired", {"filter": rule.name}))
        reasons += act(rule, subject)
        if rule.stops:
            reasons.append(Reason("filters", "filter_stopped", {"filter": rule.name}))
            break
    if silent:
        reasons.append(without_effect(silent, is_all=not hits))
    return Outcome(subject.wishes, tuple(hits), tuple(reasons))


def without_effect(names: Sequence[str], *, is_all: bool) -> Reason:
    """Names the filters that were asked and did not fire, the first ones of very many."""
    shown = [name[:NAME].replace("\n", " ") for name in names[:NAMED]] + ([MORE] if len(names) > NAMED else [])
    code = "no_filter_fired" if is_all else "filters_not_fired"
    return Reason("filters", code, {"count": len(names), "filters": "\n".join(shown)})


def fires(rule: CompiledFilter, subject: Subject) -> bool:
    """The first true condition decides for any, the first false one for all."""
    for condition in rule.cheapest_first:
        if ((condition.ask(subject) is None) == condition.negated) == rule.any:
            return rule.any
    return not rule.any


def is_true(condition: CompiledCondition, subject: Subject) -> bool:
    return (condition.ask(subject) is None) == condition.negated


def act(rule: CompiledFilter, subject: Subject) -> list[Reason]:
    """What was captured inside an encrypted mail comes into no column, trace or mail in clear."""
    shown = captures(rule, subject) if rule.needs_captures else (None, {})
    masked = captures(rule, subject, hides=True) if rule.needs_captures and subject.facts.is_decrypted else shown
    kept = shown if keeps_words(subject.facts) else masked
    set_here: set[str] = set()
    wishes = dict(subject.wishes)
    reasons = []
    for action, controls, template in rule.actions:
        found = masked if any(control.removeprefix(FOLLOW_UP) in LEAVES for control in controls) else kept
        value = fill(template, *found).strip() if rule.needs_captures else template.strip()
        if not value:
            reasons.append(Reason("filters", "filter_value_empty", {"filter": rule.name, "set": action.set}))
            continue
        for control in controls:
            keeps = accumulates(control) or (control in set_here and FIELD in control)
            before = wishes.get(control, ()) if keeps else ()
            wishes[control] = (*before, Wish(value, f"“{rule.name}”", is_told=True))
            set_here.add(control)
        reasons.append(
            Reason("filters", "filter_set", {"filter": rule.name, "set": action.set, "value": value[:SHOWN]})
        )
    subject.wishes = wishes
    return reasons


def keeps_words(facts: Facts) -> bool:
    """Is its text stored in clear anyway? Where the mail lands isn't known yet, so all queues must keep it."""
    return all(queue.keeps_decrypted for queue in facts.desk.queues.values())


def captures(rule: CompiledFilter, subject: Subject, *, hides: bool = False) -> tuple[str | None, Mapping[str, str]]:
    """First group of the last condition that has one, and named groups of all; negated conditions find nothing. `hides`: not what
    stands inside an encrypted mail."""
    group: str | None = None
    names = built_in(subject.facts)
    for condition in rule.in_order:
        hit = None if condition.negated else condition.ask(subject)
        if hit is not None:
            hit = hidden(hit) if hides and condition.reads_inside else hit
            group = hit.group if hit.group is not None else group
            names |= hit.names
    return group, names


def hidden(hit: Hit) -> Hit:
    return replace(
        hit, group=HIDDEN if hit.group else hit.group, names={one: HIDDEN for one, said in hit.names.items() if said}
    )


def built_in(facts: Facts) -> dict[str, str]:
    mail = facts.mail
    return {
        "from": mail.author.email if mail.author else "",
        "from_name": mail.author.name if mail.author else "",
        "from_domain": mail.author.domain if mail.author else "",
        "to": mail.to[0].email if mail.to else "",
        "subject": mail.subject,
        "message_id": mail.message_id,
        "mailbox": facts.arrival.mailbox_name,
        "date": f"{facts.arrival.local_time:%Y-%m-%d}" if facts.arrival.local_time else "",
    }
