"""Mails of a wave are decided one after the other: each sees what those before it will send and open. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from postvak.mail.addresses import normalise
from postvak.notify.lately import Sent
from postvak.process.incoming import author_key
from postvak.process.plan import Facts, Plan

OF_ONE_WAVE = 0  # id of mails that have no row yet


def decide_in_turn(facts: Sequence[Facts], decide: Callable[[Facts], Plan]) -> list[tuple[Facts, Plan]]:
    """So that limits hold, however many mails of a sender come at once."""
    decided: list[tuple[Facts, Plan]] = []
    planned: list[Sent] = []
    opened: Counter[str] = Counter()
    for fact in facts:
        seen = with_planned(fact, planned, opened)
        plan = decide(seen)
        decided.append((seen, plan))
        planned += sent_by(seen, plan)
        opened[author_key(fact.mail)] += plan.new_ticket is not None
    return decided


def with_planned(facts: Facts, planned: Sequence[Sent], opened: "Counter[str]") -> Facts:
    number = opened[author_key(facts.mail)]
    if number:
        facts = replace(facts, opened=facts.opened + number)
    if planned and facts.lately is not None:
        facts = replace(facts, lately=replace(facts.lately, sent=(*facts.lately.sent, *planned)))
    return facts


def sent_by(facts: Facts, plan: Plan) -> Iterator[Sent]:
    ticket = plan.ticket.id if plan.ticket else None
    for mail in plan.mails if facts.lately else ():
        for email in mail.recipients:
            yield Sent(
                OF_ONE_WAVE,
                mail.kind,
                normalise(email),
                mail.own_address,
                mail.rule_id,
                ticket,
                facts.at,
                is_written=True,
            )
