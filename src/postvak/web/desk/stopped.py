"""A mail that couldn't be sent as it is: the composer again with everything that was typed, and why. Spec 04."""

from typing import Any

from django.http import HttpRequest

from postvak.send.sender import CannotAnswer
from postvak.tickets.protecting import InClear
from postvak.tickets.second_look import (
    ComesBack,
    NewDomain,
    Overtaken,
    Seen,
    TakenOver,
    Unfilled,
    WroteMeanwhile,
)
from postvak.web.desk.composer import Opening, composer, new_mail, newest_from_outside
from postvak.web.desk.writing import Desk, about_of, chosen_files, keep, kept, kind_of, queue_of, typed_again


def after_problem(request: HttpRequest, desk: Desk, problem: CannotAnswer) -> dict[str, Any]:
    """What stopped the mail once is shown, and doesn't stop it again."""
    saved, lost = keep(request, desk)
    data = request.POST
    if lost:
        problem.text = f"{problem.text} {lost}"
    if desk.ticket is None:
        context = new_mail(desk.agent, queue_of(data, desk.agent), data.get("to", ""), saved)
    else:
        about = about_of(data, desk) or newest_from_outside(desk.ticket)
        context = composer(Opening(desk.ticket, desk.agent, kind_of(data, desk), about, saved))
        context["kept_files"] = kept(desk.ticket, data.getlist("kept"))
        context["forwarded_chosen"] = {row.pk for row in chosen_files(data, desk)}
    context["draft"] |= typed_again(data) | {"tags": data.getlist("tags")}
    if isinstance(problem, WroteMeanwhile):
        context["wrote_meanwhile"] = problem.messages
    else:
        context["known"] = data.get("known", "")
    if desk.ticket is not None:
        context["seen"] = seen_by_now(problem, Seen.read(data.get("seen", "")), context["seen"])
    context["taken_over"] = isinstance(problem, TakenOver)
    context["comes_back"] = problem.suppressions if isinstance(problem, ComesBack) else []
    context["new_domains"] = problem.domains if isinstance(problem, NewDomain) else []
    context["in_clear"] = isinstance(problem, InClear)
    context["unfilled"] = problem.names if isinstance(problem, Unfilled) else []
    context["despite"] = list(dict.fromkeys([*data.getlist("despite"), *accepted(problem)]))
    return context | {"problem": problem, "opened": True}


def seen_by_now(problem: CannotAnswer, before: Seen | None, now: Seen) -> Seen | None:
    """What the agent has been shown stops him no more; the rest still does."""
    if before is None or isinstance(problem, TakenOver):
        return now if before else None
    return Seen(now.message, before.assignee) if isinstance(problem, WroteMeanwhile) else before


def accepted(problem: CannotAnswer) -> tuple[str, ...]:
    """What the next click sends all the same."""
    return problem.despite if isinstance(problem, ComesBack | InClear | NewDomain | Overtaken | Unfilled) else ()
