"""What classification proposes for a ticket, or did with it: why, accept, dismiss. The chips: web.desk.proposal_chips. Spec 08."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from postvak.learn import proposals
from postvak.learn.proposals import RIGHTS, CannotAccept
from postvak.models import Agent, Classifier, Prediction, Priority, Target, Ticket
from postvak.tickets.access import May, may_on, visible_queues
from postvak.tickets.queue_tree import parts_of
from postvak.web.desk.found import back, came_from, find, on_ticket
from postvak.web.desk.proposal_chips import SPAM, Chip, percent
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

Role, Engine = Prediction.Role, Prediction.Engine
ACCEPTED: Mapping[str, str | Promise] = {
    Target.QUEUE: gettext_lazy("The ticket is in the queue “%(name)s” now."),
    Target.PRIORITY: gettext_lazy("The priority is “%(name)s” now."),
    Target.SPAM: gettext_lazy("The spam mark is changed."),
}
Names = Mapping[tuple[str, str], str]  # (target, label): as people call it


@dataclass(frozen=True, slots=True)
class Counted:
    """A word and what it counted, as a share of 100 of the strongest one."""

    word: str
    width: int


@dataclass(frozen=True, slots=True)
class Why:
    """`speaks_for`, `against`: words; `others`: (name, per cent); `source`: who says so; `needs`: what acting would take."""

    chip: Chip
    speaks_for: Sequence[Counted]
    against: Sequence[Counted]
    others: Sequence[tuple[str, int]]
    source: str
    needs: str


# -- views -----------------------------------------------------------------------------


@require_GET
def why(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """A part of the chip, which htmx fetches when it is opened; without a script it is a page."""
    ticket, agent = find(request, number), agent_of(request)
    row = shown_row(ticket, pk, may_on(ticket, agent))
    is_fragment = is_htmx(request)
    context = {"ticket": ticket, "why": why_of(row, agent), "list_id": came_from(request), "is_fragment": is_fragment}
    return render(request, "desk/_why.html" if is_fragment else "desk/why.html", context)


@on_ticket
def accept(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """POST with `proposal`: what it says is done, as if the agent had chosen it."""
    agent = agent_of(request)
    row = proposed(request, ticket, agent)
    try:
        proposals.accept(row, by=agent)
    except CannotAccept as refusal:
        say(request, refusal, tone="warn")
    else:
        names = names_of([(row.target, row.label)], agent)
        say(request, str(ACCEPTED[row.target]) % {"name": names.get((row.target, row.label), "")})
    return back(request, ticket)


@on_ticket
def dismiss(request: HttpRequest, ticket: Ticket) -> HttpResponse:
    """POST with `proposal`: it isn’t shown any more."""
    agent = agent_of(request)
    proposals.dismiss(proposed(request, ticket, agent), by=agent)
    return back(request, ticket)


def proposed(request: HttpRequest, ticket: Ticket, agent: Agent) -> Prediction:
    typed = request.POST.get("proposal", "")
    return shown_row(ticket, int(typed) if typed.isascii() and typed.isdigit() else -1, may_on(ticket, agent))


def shown_row(ticket: Ticket, pk: int, may: May) -> Prediction:
    """404 for what isn't shown on the ticket, or not to this agent."""
    rows = Prediction.objects.filter(ticket=ticket, role__in=[Role.OFFERED, Role.ACTED])
    targets = [target for target, right in RIGHTS.items() if may.allows(right)]
    return get_object_or_404(rows.select_related("model__classifier"), pk=pk, target__in=targets)


# -- why -------------------------------------------------------------------------------


def why_of(row: Prediction, agent: Agent) -> Why:
    """404 for a queue that he doesn't see."""
    names = names_of([(row.target, row.label), *((row.target, label) for label, _share in row.others)], agent)
    if (row.target, row.label) not in names:
        raise Http404
    others = [(names[row.target, label], percent(share)) for label, share in row.others if (row.target, label) in names]
    largest = max((abs(weight) for _word, weight in row.words), default=0)
    return Why(
        Chip(row.pk, row.target, names[row.target, row.label], percent(row.probability), row.role == Role.ACTED),
        [counted(word, weight, largest) for word, weight in row.words if weight > 0],
        [counted(word, weight, largest) for word, weight in row.words if weight < 0],
        [one for one in others if one[1]],
        source(row),
        needed(row),
    )


def names_of(labels: Sequence[tuple[str, str]], agent: Agent) -> Names:
    """Of those that the agent may see."""
    wanted = {target: [int(label) for one, label in labels if one == target and label.isdecimal()] for target in Target}
    found: dict[tuple[str, str], str] = {(Target.SPAM.value, label): str(name) for label, name in SPAM.items()}
    if wanted[Target.QUEUE]:
        queues = visible_queues(agent).filter(pk__in=wanted[Target.QUEUE], is_valid=True).values_list("pk", "name")
        found |= {(Target.QUEUE.value, str(key)): " › ".join(parts_of(name)) for key, name in queues}
    if wanted[Target.PRIORITY]:
        levels = Priority.objects.filter(level__in=wanted[Target.PRIORITY], is_valid=True)
        found |= {(Target.PRIORITY.value, str(row.level)): str(row) for row in levels}
    return found


def counted(word: str, weight: float, largest: float) -> Counted:
    return Counted(word, max(round(100 * abs(weight) / largest), 4) if largest else 4)


def source(row: Prediction) -> str:
    if row.engine == Engine.SERVICE:
        return _("Said by the language model.")
    if row.model is None:
        return _("Said by a version of the classification that is gone.")
    values = {"version": row.model.version, "num": row.model.tickets}
    text = ngettext(
        "Said by version %(version)s, which has learned from %(num)s ticket.",
        "Said by version %(version)s, which has learned from %(num)s tickets.",
        row.model.tickets,
    )
    return text % values


def needed(row: Prediction) -> str:
    """What it would take for it to act by itself; "" where it did."""
    if row.role == Role.ACTED:
        return ""
    if not row.is_known:
        return _("Nothing like this mail was ever learned, so it is never done without you.")
    if row.would_act:
        return _("It was sure enough to do this by itself, but it is set up to propose only.")
    return (
        proof_needed(row) if row.engine == Engine.OWN else _("Its earlier answers weren’t right often enough for that.")
    )


def proof_needed(row: Prediction) -> str:
    """Tickets, or a probability, as measured when it was taught last."""
    classifier = Classifier.objects.get(target=row.target)
    labels, score = (row.model.labels, row.model.score.get("labels", {})) if row.model else ({}, {})
    learned, threshold = labels.get(row.label, 0), score.get(row.label, {}).get("threshold")
    if learned < classifier.fewest:
        text = ngettext(
            "To do this by itself it needs %(fewest)s such tickets; it has learned %(num)s.",
            "To do this by itself it needs %(fewest)s such tickets; it has learned %(num)s.",
            learned,
        )
        return text % {"fewest": classifier.fewest, "num": learned}
    if isinstance(threshold, float) and threshold < 1:
        return _("It does this by itself from about %(percent)s %% on.") % {"percent": percent(threshold)}
    text = _("To do this by itself it would have to be right in %(wished)s of 100 tickets like this one.")
    return text % {"wished": classifier.wished}
