"""The stable JSON form of a plan: what `postvak explain --json` prints and pages compare. Names instead of ids, but for
tickets that a new one is linked with."""

from collections.abc import Mapping

from postvak.learn.values import QUEUE, Proposal
from postvak.log.sentences import trace_line
from postvak.process.plan import Attributes, Facts, Plan
from postvak.process.set_up import Desk

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


def plan_as_json(facts: Facts, plan: Plan) -> dict[str, JsonValue]:
    """Keys are only ever added. `reasons` are rendered in the active language beside their codes."""
    effects = effects_of(facts, plan)
    return {
        **effects,
        "kind": str(facts.mail.kind),
        "filters": [rule.name for rule in facts.desk.filters if rule.id in plan.hits],
        "proposals": [proposal_as_json(facts, one) for one in plan.proposals],
        "reasons": [
            {
                "step": line.step,
                "code": reason.code,
                "parameters": {**reason.parameters},
                "title": line.title,
                "detail": line.detail,
            }
            for reason in plan.reasons
            for line in [trace_line(reason.as_json())]
        ],
    }


def effects_of(facts: Facts, plan: Plan) -> dict[str, JsonValue]:
    """What the plan does, without why: two plans with equal effects do the same."""
    new = plan.new_ticket
    queue_id = new.queue_id if new else plan.attributes.queue_id
    return {
        "outcome": str(plan.outcome),
        "ticket": plan.ticket.number if plan.ticket else None,
        "side_conversation": plan.side.subject if plan.side else None,
        "queue": queue_name(facts.desk, queue_id),
        "status": plan.attributes.status_key or (new.status_key if new else None),
        "customer": plan.attributes.customer_email or plan.author_email or author(facts),
        "creates_customer": plan.creates_customer,
        "joins_as_participant": plan.joins_as_participant,
        "reopens": plan.reopens,
        "waits_for_us": plan.waits_for_us,
        "agent": plan.agent.email if plan.agent else None,
        "first_receipt": plan.first_copy.receipt_id if plan.first_copy else None,
        "external_numbers": [value for _rule, value in plan.externals],
        "deliveries": [{"to": found.recipient, "state": found.state} for found in plan.reported],
        "sends_nothing": plan.sends_nothing,
        "attributes": attributes_as_json(facts.desk, plan.attributes),
        "links": [{"ticket_id": link.origin_id, "kind": link.kind} for link in plan.links],
        "mails": [{"kind": mail.kind, "to": [*mail.recipients], "text": mail.text} for mail in plan.mails],
        "stopped_mails": [
            {"to": [*mail.recipients], "reason": mail.reason.code} for mail in plan.stopped if mail.reason is not None
        ],
    }


def proposal_as_json(facts: Facts, proposal: Proposal) -> dict[str, JsonValue]:
    """Beside the effects: what was said changes nothing by itself."""
    is_queue = proposal.target == QUEUE
    return {
        "target": proposal.target,
        "label": queue_name(facts.desk, int(proposal.label)) if is_queue else proposal.label,
        "probability": round(proposal.probability, 4),
        "words": [[word, share] for word, share in proposal.words],
        "is_known": proposal.is_known,
        "would_act": proposal.would_act,
        "role": proposal.role,
        "version": proposal.version,
    }


def author(facts: Facts) -> str | None:
    return facts.mail.author.email if facts.mail.author else None


def queue_name(desk: Desk, queue_id: int | None) -> str | None:
    queue = desk.queues.get(queue_id or 0)
    return queue.name if queue else None


def attributes_as_json(desk: Desk, wished: Attributes) -> dict[str, JsonValue]:
    """Only what is asked for."""
    found: dict[str, JsonValue] = {
        "status": wished.status_key,
        "pending_until": wished.pending_until.isoformat() if wished.pending_until else None,
        "priority": wished.priority,
        "type": name_of(desk.directory.types, wished.type_id),
        "assignee": name_of(desk.directory.agents, wished.assignee_id),
        "unassigned": wished.is_unassigned or None,
        "followers": [name_of(desk.directory.agents, agent) for agent in wished.follower_ids] or None,
        "title": wished.title,
        "tags": [*wished.add_tags] or None,
        "tags_removed": [*wished.remove_tags] or None,
        "fields": {key: [*values] for key, values in wished.fields.items()} or None,
        "organisation": name_of(desk.directory.organisations, wished.organisation_id),
        "spam": wished.is_spam or None,
        "notes": [note.text for note in wished.notes if note.is_internal] or None,
        "visible_notes": [note.text for note in wished.notes if not note.is_internal] or None,
        "internal": wished.is_internal,
        "author": wished.author_kind or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def name_of(table: Mapping[str, int], key: int | None) -> str | None:
    return next((name for name, pk in table.items() if pk == key), None)
