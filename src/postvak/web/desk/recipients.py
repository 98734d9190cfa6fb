"""Recipients while they are typed: whom to propose, and what to say about those that stand there."""

from collections.abc import Iterable

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.log.status_codes import explanation
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Suppression, Ticket
from postvak.send.suppress import suppressed
from postvak.tickets.proposals import propose
from postvak.tickets.recipients import domain_of, new_domains, ours
from postvak.web.desk.composer import hint_of_ours
from postvak.web.desk.found import named
from postvak.web.desk.writing import addresses
from postvak.web.session import agent_of

Hint = dict[str, str]


@require_GET
def proposals(request: HttpRequest) -> JsonResponse:
    agent = agent_of(request)
    ticket = named(request.GET.get("ticket", ""), agent)
    people = propose(request.GET.get("q", "").replace("\x00", "").strip()[:100], agent, ticket)
    return JsonResponse({"people": [{"name": one.name, "email": one.email, "why": str(one.why)} for one in people]})


@require_POST
def hints(request: HttpRequest) -> JsonResponse:
    """Sentences to stand below the fields; nothing is refused here."""
    agent, data = agent_of(request), request.POST
    ticket = named(data.get("ticket", ""), agent)
    typed = list(dict.fromkeys(one for field in ("to", "cc", "bcc") for one in addresses(data.get(field, ""))))
    return JsonResponse({"hints": [*judged(typed), *of_new(ticket, typed)]})


def judged(typed: list[str]) -> Iterable[Hint]:
    own = ours(one for one in typed if is_valid_recipient(one))
    returned = {row.address: row for row in suppressed(typed)}
    for email in typed:
        if not is_valid_recipient(email):
            text = _("“%(typed)s” is not an e-mail address.") % {"typed": email}
            yield {"kind": "invalid", "address": email, "text": text}
        elif normalise(email) in own:
            yield hint_of_ours(email)
        elif normalise(email) in returned:
            yield comes_back(returned[normalise(email)])


def comes_back(row: Suppression) -> Hint:
    if row.reason == Suppression.Reason.COMPLAINED:
        text = _("%(address)s complained about a mail of ours.") % {"address": row.address}
    else:
        text = _("Mail to %(address)s came back before.") % {"address": row.address}
    return {"kind": "comes_back", "address": row.address, "text": f"{text} {explanation(row.said)}".strip()}


def of_new(ticket: Ticket | None, typed: list[str]) -> Iterable[Hint]:
    """Nobody is new to a conversation that hasn't begun."""
    valid = [one for one in typed if is_valid_recipient(one)]
    for domain in new_domains(ticket, valid) if ticket else []:
        address = next(one for one in valid if domain_of(one) == domain)
        text = _("%(domain)s takes no part in this conversation yet.") % {"domain": domain}
        yield {"kind": "new_domain", "address": address, "text": text}
