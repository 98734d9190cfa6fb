"""Two steps of decide(): the queue, then priority and spam mark, that a new ticket's content speaks for. Spec 08.

What people, filters, headers and mailboxes decided stays as it is. Whatever is said is carried by the plan, and explained.
"""

from dataclasses import dataclass, replace

from postvak.classify.text import Text
from postvak.learn.school import is_audited
from postvak.learn.texts import fit_for, text_of
from postvak.learn.values import (
    ACT,
    ACTED,
    AUDIT,
    COUNTED,
    OFFERED,
    PRIORITY,
    QUEUE,
    SHADOW,
    SPAM,
    SPAM_TARGET,
    Said,
    in_percent,
    proposal,
)
from postvak.log.reason import Parameter
from postvak.models.priority import NORMAL
from postvak.process.plan import Facts, Plan

LEAST_OFFERED = 0.5  # what is less probable is no help to anybody
STEP_QUEUE, STEP_MARKS = "proposed queue", "proposed priority and spam"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is done with a proposal (models.Prediction.Role), and how its sentence in log.learn_sentences ends."""

    role: str
    how: str


def propose_queue(facts: Facts, plan: Plan) -> Plan:
    """New tickets only, from one queue that takes part to another."""
    queue = facts.desk.queues.get(plan.queue_id or 0)
    if plan.ticket is not None or queue is None or not queue.is_proposed:
        return plan
    plan, said = ask(facts, plan, QUEUE, STEP_QUEUE)
    if said is None:
        return plan
    wanted = facts.desk.queues.get(int(said.label)) if said.label.isdecimal() else None
    if wanted is None:
        return with_proposal(facts, plan, QUEUE, replace(said, is_sure=False), COUNTED)
    told = {"queue": wanted.name, **told_of(facts, said)}
    if not (wanted.is_valid and wanted.is_proposed):
        plan = with_proposal(facts, plan, QUEUE, replace(said, is_sure=False), COUNTED)
        return plan.because(STEP_QUEUE, "queue_sounds_closed", **told)
    weighed = weigh(facts, QUEUE, said, is_same=wanted.id == queue.id, is_decided=not plan.has_open_queue)
    plan = with_proposal(facts, plan, QUEUE, said, weighed.role)
    plan = plan.because(STEP_QUEUE, f"queue_sounds_{weighed.how}", **told)
    return replace(plan, queue_id=wanted.id) if weighed.role == ACTED else plan


def propose_priority_and_spam(facts: Facts, plan: Plan) -> Plan:
    """After the wishes: what somebody asked for stays. Only in queues that take part."""
    queue = facts.desk.queues.get(plan.queue_id or 0)
    if plan.ticket is not None or queue is None or not queue.is_proposed:
        return plan
    return propose_spam(facts, propose_priority(facts, plan))


def propose_priority(facts: Facts, plan: Plan) -> Plan:
    plan, said = ask(facts, plan, PRIORITY, STEP_MARKS)
    if said is None:
        return plan
    level = int(said.label) if said.label.isdecimal() else 0
    if level not in facts.learned.priorities:
        return with_proposal(facts, plan, PRIORITY, replace(said, is_sure=False), COUNTED)
    wished = plan.attributes.priority
    is_same = level == (NORMAL if wished is None else wished)
    weighed = weigh(facts, PRIORITY, said, is_same=is_same, is_decided=wished is not None)
    plan = with_proposal(facts, plan, PRIORITY, said, weighed.role)
    told = {"priority": facts.learned.priorities[level] or level, **told_of(facts, said)}
    plan = plan.because(STEP_MARKS, f"priority_sounds_{weighed.how}", **told)
    if weighed.role != ACTED:
        return plan
    return replace(plan, attributes=replace(plan.attributes, priority=level))


def propose_spam(facts: Facts, plan: Plan) -> Plan:
    """A mark, nothing more: no mail is deleted or kept back for it. What an agent sent is none."""
    plan, said = ask(facts, plan, SPAM_TARGET, STEP_MARKS)
    if said is None:
        return plan
    weighed = weigh(facts, SPAM_TARGET, said, is_same=said.label != SPAM, is_decided=plan.agent is not None)
    if said.label == SPAM and plan.attributes.is_spam:
        weighed = Weighed(COUNTED, "marked")
    plan = with_proposal(facts, plan, SPAM_TARGET, said, weighed.role)
    plan = plan.because(STEP_MARKS, f"spam_sounds_{weighed.how}", **told_of(facts, said))
    if weighed.role != ACTED:
        return plan
    return replace(plan, attributes=replace(plan.attributes, is_spam=True))


# -- asking ----------------------------------------------------------------------------


def ask(facts: Facts, plan: Plan, target: str, step: str) -> tuple[Plan, Said | None]:
    """What the model says; with the reason when it can't, or doesn't know such mails."""
    trouble = facts.learned.trouble(target)
    if trouble:
        return plan.because(step, "proposal_broken", target=target, said=trouble[:200]), None
    if not facts.learned.mode(target):
        return plan, None
    said = facts.learned.say(target, text_for(facts, plan, target))
    if said is None:
        return plan, None
    if not said.is_known and target != SPAM_TARGET:
        plan = plan.because(step, "proposal_foreign", target=target, version=said.version)
        return with_proposal(facts, plan, target, said, COUNTED), None
    return plan, said


def text_for(facts: Facts, plan: Plan, target: str) -> Text:
    """Of an encrypted mail what its queue keeps."""
    kept = facts.kept(plan.queue_id)
    addresses = facts.desk.addresses.values()
    text = text_of(
        subject=kept.subject,
        text=kept.text,
        sender=facts.mail.author.email if facts.mail.author else "",
        recipient=next((one.email for one in addresses if one.id == plan.reply_address_id), ""),
    )
    level = facts.trust.level.value if facts.trust.level else ""
    return fit_for(target, text, kept.headers, level=level, is_trusted=facts.arrival.is_trusted)


def weigh(facts: Facts, target: str, said: Said, *, is_same: bool, is_decided: bool) -> Weighed:
    """`is_same`: the ticket is so already; `is_decided`: somebody or something else chose that."""
    mode = facts.learned.mode(target)
    if is_same:
        return Weighed(COUNTED, "right")
    if is_decided:
        return Weighed(COUNTED, "otherwise")
    if mode == SHADOW:
        return Weighed(COUNTED, "counted")
    if said.probability < LEAST_OFFERED:
        return Weighed(COUNTED, "vague")
    if mode != ACT:
        return Weighed(OFFERED, "offered")
    if not said.is_sure:
        return Weighed(OFFERED, "unsure")
    if is_audited(f"{target} {facts.mail.fingerprint}"):
        return Weighed(AUDIT, "audited")
    return Weighed(ACTED, "acted")


# -- telling ----------------------------------------------------------------------------


def with_proposal(facts: Facts, plan: Plan, target: str, said: Said, role: str) -> Plan:
    """Words of a decrypted mail are written down nowhere."""
    kept = proposal(target, said, role, with_words=not facts.is_decrypted)
    return replace(plan, proposals=(*plan.proposals, kept))


def told_of(facts: Facts, said: Said) -> dict[str, Parameter]:
    words = [word for word, share in said.words if share > 0] if not facts.is_decrypted else []
    return {"percent": in_percent(said.probability), "words": ", ".join(words) or "–", "version": said.version}
