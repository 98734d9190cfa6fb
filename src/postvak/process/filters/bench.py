"""The test bench: what a draft would change on stored mails and on a single one, before → after. Writes nothing.

Both plans of a mail are decided on the same facts, once with the filters as they are saved and once with the draft in
its place among them; a difference is the draft's doing. Spec 03.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from django.utils import timezone

from postvak.blobs import store
from postvak.log.sentence import Line
from postvak.log.sentences import trace_line
from postvak.models import Filter, Mailbox, Receipt
from postvak.process.controls import read_control_headers
from postvak.process.decide import decide
from postvak.process.desk import load_directory
from postvak.process.facts import gather
from postvak.process.filters.check import Problem
from postvak.process.filters.compiled import CompiledFilter, compile_filter, is_true, run_filters
from postvak.process.filters.difference import Change, Words, differences, load_words, queue_of
from postvak.process.filters.draft import Draft
from postvak.process.filters.order import natural
from postvak.process.filters.replay import gather_again
from postvak.process.filters.subject import Subject
from postvak.process.incoming import Incoming
from postvak.process.opening import take_in
from postvak.process.plan import Facts, Plan
from postvak.process.run import BATCH, within_bytes
from postvak.process.thread import find_ticket

LAST = 500
BUDGET = timedelta(seconds=8)
SHORT = 300  # characters of a value in a list of differences


@dataclass(frozen=True, slots=True)
class Tried:
    """One stored mail. `fired`: the draft fired; it may change nothing even so. `lacks`: the place of the one
    condition that wasn't true, for a mail that it just misses. `queue_now`: where the ticket is today, when that is
    neither the queue before nor the one after.
    """

    receipt_id: int
    received_at: datetime
    subject: str
    author: str
    fired: bool
    changes: tuple[Change, ...]
    lacks: int | None = None
    queue_now: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """`rows`: mails on which the draft fired or something changed, newest first; `near`: mails for which all but one
    condition is true. `asked`: as many mails were to be looked at; `unreadable` of them have no readable bytes."""

    rows: tuple[Tried, ...]
    near: tuple[Tried, ...]
    looked_at: int
    asked: int
    unreadable: int
    seconds: float

    @property
    def changed(self) -> tuple[Tried, ...]:
        return tuple(row for row in self.rows if row.changes)

    @property
    def same(self) -> tuple[Tried, ...]:
        """It fired, and all stays as it is."""
        return tuple(row for row in self.rows if not row.changes)

    @property
    def fired(self) -> int:
        return sum(row.fired for row in self.rows)

    @property
    def is_cut(self) -> bool:
        """The time was over before all were looked at."""
        return self.looked_at + self.unreadable < self.asked


@dataclass(frozen=True, slots=True)
class Trial:
    """One mail. `verdicts`: whether each condition is true; `stopped_by`: the earlier filter after which no other
    runs; `receipt_id`: the same mail is here already, and is shown as if it came for the first time.

    `lines`: the trace with the draft, each with whether it is there only because of the draft.
    """

    subject: str
    author: str
    fired: bool
    in_scope: bool
    stopped_by: str
    verdicts: tuple[bool, ...]
    changes: tuple[Change, ...]
    lines: tuple[tuple[Line, bool], ...]
    receipt_id: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """The draft made ready. `replaces`: id of the saved filter whose place it takes, 0 for a new one."""

    rule: CompiledFilter
    replaces: int

    def among(self, filters: Iterable[CompiledFilter]) -> tuple[CompiledFilter, ...]:
        others = [rule for rule in filters if rule.id != self.replaces]
        return tuple(sorted((*others, self.rule), key=lambda rule: natural(rule.name)))


def usable(draft: Draft, problems: Iterable[Problem]) -> Draft:
    """The draft without the rows that are wrong or not complete yet."""
    wrong = {(problem.part, problem.index) for problem in problems}
    return replace(
        draft,
        conditions=tuple(c for index, c in enumerate(draft.conditions) if ("conditions", index) not in wrong),
        actions=tuple(a for index, a in enumerate(draft.actions) if ("actions", index) not in wrong),
    )


def candidate(draft: Draft, row: Filter | None) -> Candidate:
    """Raises BadValue for a draft with conditions or actions that can't run; see usable()."""
    ids = None
    if draft.mailboxes is not None:
        wanted = {name.casefold() for name in draft.mailboxes}  # as check.py compares them
        boxes = Mailbox.objects.values_list("pk", "name")
        ids = frozenset(pk for pk, name in boxes if name.casefold() in wanted)
    replaces = row.pk if row else 0
    return Candidate(compile_filter(draft, id=replaces, mailbox_ids=ids), replaces)


def try_draft(
    draft: Draft,
    *,
    last: int = LAST,
    row: Filter | None = None,
    budget: timedelta = BUDGET,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Bench:
    """The draft, in place of the saved filter `row`, on the last `last` stored mails, newest first.

    Stops when `budget` is over or the result is no longer wanted, between waves of mails. Raises as candidate().
    """
    started = monotonic()
    mine, words = candidate(draft, row), load_words()
    rows: list[Tried] = []
    looked_at, unreadable = 0, 0
    stored = list(Receipt.objects.exclude(blob=None).order_by("-pk").values_list("pk", "size")[:last])
    for ids in in_waves(stored):
        if monotonic() - started > budget.total_seconds() or not is_wanted():
            break
        wave, lost = read_again(ids)
        rows += filter(None, (try_one(i, f, mine, words) for i, f in zip(wave, with_names(wave, mine), strict=True)))
        looked_at, unreadable = looked_at + len(wave), unreadable + lost
    near = tuple(row for row in rows if row.lacks is not None and not row.changes)
    return Bench(
        tuple(row for row in rows if row not in near), near, looked_at, len(stored), unreadable, monotonic() - started
    )


def in_waves(stored: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Ids in groups that fit into memory, whatever the mails weigh."""
    rest = list(stored)
    while rest:
        ids = within_bytes(rest[:BATCH])
        yield ids
        rest = rest[len(ids) :]


def read_again(ids: Sequence[int]) -> tuple[list[Incoming], int]:
    """The mails, newest first, and how many can't be read."""
    rows = (
        Receipt.objects.filter(pk__in=ids).select_related("mailbox", "first__ticket", "ticket__queue").order_by("-pk")
    )
    receipts = list(rows)
    found = store.find_all([str(receipt.blob_id) for receipt in receipts])
    raws = [(receipt, found[str(receipt.blob_id)]) for receipt in receipts]
    wave = take_in((receipt, raw) for receipt, raw in raws if isinstance(raw, bytes))
    return wave, len(receipts) - len(wave)


def with_names(wave: Sequence[Incoming], mine: Candidate) -> list[Facts]:
    """Facts as they were, with the names that the draft may use besides those of the saved filters."""
    return add_names(gather_again(wave), mine) if wave else []


def add_names(facts: Sequence[Facts], mine: Candidate) -> list[Facts]:
    desk = facts[0].desk
    directory = load_directory((*desk.filters, mine.rule), [fact.mail for fact in facts])
    desk = replace(desk, directory=directory)
    return [replace(fact, desk=desk) for fact in facts]


def with_draft(facts: Facts, mine: Candidate) -> Facts:
    return replace(facts, desk=replace(facts.desk, filters=mine.among(facts.desk.filters)))


def try_one(incoming: Incoming, facts: Facts, mine: Candidate, words: Words) -> Tried | None:
    """None: the draft neither fires nor changes anything nor just misses the mail. What doesn't fire changes nothing,
    unless it replaces a filter that does."""
    after = decide(with_draft(facts, mine))
    fired = mine.rule.id in after.hits
    before = decide(facts) if fired or mine.replaces else after
    changes = differences(facts, before, after, words)
    lacks = None if fired else just_missed(mine, facts, after)
    if not fired and not changes and lacks is None:
        return None
    author = facts.mail.author
    return Tried(
        receipt_id=incoming.receipt.pk,
        received_at=incoming.receipt.received_at,
        subject=facts.mail.subject,
        author=(author.name or author.email) if author else "",
        fired=fired,
        changes=tuple(Change(c.label, c.before[:SHORT], c.after[:SHORT]) for c in changes),
        lacks=lacks,
        queue_now=queue_now(incoming.receipt, before, after),
    )


def just_missed(mine: Candidate, facts: Facts, after: Plan) -> int | None:
    """The place of the only condition that isn't true; None for all other mails."""
    rule, was_asked = mine.rule, any(reason.step == "filters" for reason in after.reasons)
    if rule.any or len(rule.in_order) < 2 or not was_asked:
        return None
    if rule.mailbox_ids is not None and facts.arrival.mailbox_id not in rule.mailbox_ids:
        return None
    verdicts, stopped_by = ask(mine, facts)
    return verdicts.index(False) if verdicts.count(False) == 1 and not stopped_by else None


def queue_now(receipt: Receipt, before: Plan, after: Plan) -> str:
    queues, ticket = {queue_of(before), queue_of(after)} - {None}, receipt.ticket
    moves = len(queues) > 1 and ticket is not None and ticket.queue_id not in queues
    return ticket.queue.name if moves and ticket is not None else ""


def try_mail(draft: Draft, raw: bytes, *, mailbox: Mailbox, row: Filter | None = None) -> Trial:
    """The draft on one pasted mail, as if it arrived at `mailbox` now. Raises as candidate()."""
    mine = candidate(draft, row)
    receipt = Receipt(mailbox=mailbox, source="bench", size=len(raw), received_at=timezone.now())
    incoming = take_in([(receipt, raw)])[0]
    facts = gather([incoming])[0]
    known = facts.first_copy
    if known is not None:
        facts = facts_of_known(known.receipt_id, incoming)
    facts = add_names([facts], mine)[0]
    before, after = decide(facts), decide(with_draft(facts, mine))
    said = [reason.as_json() for reason in before.reasons]
    verdicts, stopped_by = ask(mine, facts)
    scope, author = mine.rule.mailbox_ids, facts.mail.author
    return Trial(
        subject=facts.mail.subject,
        author=author.email if author else "",
        fired=mine.rule.id in after.hits,
        in_scope=scope is None or facts.arrival.mailbox_id in scope,
        stopped_by=stopped_by,
        verdicts=verdicts,
        changes=differences(facts, before, after, load_words()),
        lines=tuple((trace_line(reason.as_json()), reason.as_json() not in said) for reason in after.reasons),
        receipt_id=known.receipt_id if known else None,
    )


def facts_of_known(receipt_id: int, incoming: Incoming) -> Facts:
    """Of a mail that is stored already: as it was when it came. The pasted bytes are looked at, they may differ in
    their Received lines."""
    receipt = Receipt.objects.select_related("mailbox", "first__ticket").get(pk=receipt_id)
    return gather_again([replace(incoming, receipt=receipt)])[0]


def ask(mine: Candidate, facts: Facts) -> tuple[tuple[bool, ...], str]:
    """What each condition says when it is the draft's turn, and which earlier filter stops before it ('' none)."""
    rules = mine.among(facts.desk.filters)
    earlier = rules[: rules.index(mine.rule)]
    ticket = find_ticket(facts, Plan()).ticket
    found = run_filters(earlier, facts, read_control_headers(facts, Plan()).wishes, ticket)
    subject = Subject(facts, ticket, dict(found.wishes))
    stops = [str(reason.parameters["filter"]) for reason in found.reasons if reason.code == "filter_stopped"]
    return tuple(is_true(condition, subject) for condition in mine.rule.in_order), stops[0] if stops else ""
