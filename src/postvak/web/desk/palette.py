"""The command palette (Ctrl+K) and the overview of keys (?): fragments that static/keys.js asks for once. Spec 09 (Keyboard)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from postvak.models import Agent
from postvak.tickets.access import may_somewhere, visible_queues
from postvak.tickets.candidates import candidates
from postvak.tickets.views import usable_views
from postvak.web.admin.navigation import admin_navigation
from postvak.web.desk.lists import LISTS
from postvak.web.pages import render
from postvak.web.session import agent_of

NEW = 2  # of the pages: where something new is written
# After "g": letter -> list; keys.js has the same letters.
GO = {
    "m": "mine", "u": "unassigned", "o": "open", "w": "waiting", "r": "reminders", "e": "escalated", "a": "mentioned",
    "p": "progress", "c": "closed", "s": "spam", "t": "trash",
}  # fmt: skip
Keys = Sequence[tuple[str, str | Promise]]

GROUPS: Sequence[tuple[str | Promise, Keys]] = (
    (
        gettext_lazy("In lists"),
        (
            ("j / k", gettext_lazy("next or previous row")),
            ("o", gettext_lazy("open the ticket")),
            ("x", gettext_lazy("tick or untick the row")),
        ),
    ),
    (
        gettext_lazy("On a ticket, or on the ticked rows"),
        (
            ("m", gettext_lazy("assign to me")),
            ("s", gettext_lazy("status")),
            ("q", gettext_lazy("queue")),
            ("p", gettext_lazy("priority")),
            ("t", gettext_lazy("tags")),
            ("z", gettext_lazy("remind me later (ticket only)")),
            ("e", gettext_lazy("close")),
        ),
    ),
    (
        gettext_lazy("On a ticket"),
        (
            ("r", gettext_lazy("answer")),
            ("a", gettext_lazy("answer all")),
            ("f", gettext_lazy("forward")),
            ("n", gettext_lazy("internal note")),
            ("y", gettext_lazy("accept what is proposed")),
            (".", gettext_lazy("copy the number")),
            ("u", gettext_lazy("back to the list")),
            ("Ctrl+Enter", gettext_lazy("send")),
        ),
    ),
    (
        gettext_lazy("Everywhere"),
        (
            ("/", gettext_lazy("search")),
            ("c", gettext_lazy("new mail")),
            ("Ctrl+K", gettext_lazy("commands: type what you want to do")),
            ("?", gettext_lazy("this overview")),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Command:
    """A place to go to. `hint` says what sort of place it is."""

    label: str
    url: str
    icon: str
    hint: str = ""


@require_GET
def keys(request: HttpRequest) -> HttpResponse:
    groups = [*GROUPS, (_("Go to"), [(f"g {letter}", LISTS[name].label) for letter, name in GO.items()])]
    return render(request, "desk/_keys.html", {"groups": groups, "agent": agent_of(request)})


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/_palette.html", {"commands": commands(agent_of(request))})


@require_GET
def tickets(request: HttpRequest) -> HttpResponse:
    """Tickets that fit what was typed: by number, else what the search finds."""
    agent = agent_of(request)
    typed = request.GET.get("q", "")
    found = candidates(typed, by=agent, besides=None)
    return render(request, "desk/_palette_tickets.html", {"tickets": found, "typed": typed.strip()[:200]})


def commands(agent: Agent) -> list[Command]:
    """Lists, views, queues, pages, and for administrators the areas of the administration."""
    found = [Command(str(entry.label), reverse("list", args=[name]), entry.icon) for name, entry in LISTS.items()]
    found += [
        Command(view.name, reverse("list", args=[f"view-{view.pk}"]), "filter", _("View"))
        for view in usable_views(agent)
    ]
    queues = visible_queues(agent).filter(is_valid=True).order_by("name")
    found += [Command(row.name, reverse("list", args=[f"queue-{row.pk}"]), "slots", _("Queue")) for row in queues]
    found += pages() if may_somewhere(agent).answer else pages()[NEW:]
    if agent.is_admin:
        areas = [area for group in admin_navigation().groups for area in group.areas]
        found += [Command(str(area.label), area.url, area.icon, _("Administration")) for area in areas]
    return found


def pages() -> list[Command]:
    return [
        Command(_("New mail"), reverse("new-mail"), "plus"),
        Command(_("Ticket by phone"), reverse("new-ticket"), "phone"),
        Command(_("New customer"), reverse("new-customer"), "user"),
        Command(_("Customers"), reverse("customers"), "people"),
        Command(_("Drafts"), reverse("drafts"), "pencil"),
        Command(_("Held"), reverse("held"), "hand"),
        Command(_("Outbox"), reverse("outbox"), "send"),
        Command(_("Notices"), reverse("notices"), "bell"),
        Command(_("Reports"), reverse("reports"), "chart"),
        Command(_("Templates"), reverse("templates"), "template"),
        Command(_("Preferences"), reverse("preferences"), "gear"),
        Command(_("Manual"), reverse("manual"), "help"),
    ]
