"""What the first of many answers will look like, and which templates there are."""

from typing import Any

from postvak.models import AnswerTemplate
from postvak.send.sender import CannotAnswer, sender_for
from postvak.tickets.access import visible_tickets
from postvak.tickets.answer import letter_of
from postvak.tickets.bulk_answer import written_for
from postvak.tickets.recipients import checked
from postvak.web.desk.bulk_wish import Wish

LOADED = ("queue__brand", "customer__organisation", "reply_address", "status")


def answer_preview(wish: Wish) -> dict[str, Any]:
    """The finished mail for the first ticket, or why it can't be sent."""
    values = wish.values or {}
    template = AnswerTemplate.objects.select_related("status").get(pk=values["template"])
    ticket = (
        visible_tickets(wish.agent).filter(pk__in=wish.keys).select_related(*LOADED).order_by("created_at", "pk")[0]
    )
    try:
        what = written_for(ticket, template, by=wish.agent)
        to = checked(what.to)
        letter = letter_of(ticket, what, to, sender_for(ticket, agent=wish.agent), by=wish.agent)
    except CannotAnswer as problem:
        return {"template": template, "first": ticket, "problem": problem.text, "letter": None}
    return {"template": template, "first": ticket, "problem": "", "letter": letter, "to": to}
