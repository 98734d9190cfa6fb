"""Organisations: the list, the page of one, new ones, merging two, and names while one types.

As with customers: every agent may see and change them; of tickets he sees only those that he may read.
"""

from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postvak.models import Agent, Customer, Organisation
from postvak.tickets.access import visible_tickets
from postvak.tickets.customer_lists import organisations_with
from postvak.tickets.customers import CannotChange
from postvak.tickets.organisations import merge_organisations, set_domains, take_in
from postvak.tickets.views import NOT_MERGED
from postvak.web.desk.customer_forms import OrganisationForm
from postvak.web.desk.listing import page_after
from postvak.web.desk.outbox_rows import as_key
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

OFFERED = 10
SHOWN = 25


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    after = as_key(request.GET.get("after", ""))
    rows = organisations_with(query)
    found, older = page_after(rows.annotate(people=Count("customers")).prefetch_related("domains"), after)
    context = {
        "rows": found,
        "query": query,
        "count": rows.count(),
        "after": after,
        "first": f"?{urlencode({'q': query})}" if query else "?",
        "next": f"?{urlencode({'q': query, 'after': str(older)})}" if older else "",
    }
    return render(request, "desk/organisations.html", context)


@require_GET
def suggestions(request: HttpRequest) -> JsonResponse:
    """Names that begin so, then names with it."""
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    found, _older = page_after(organisations_with(query), 0, OFFERED) if query else ([], 0)
    return JsonResponse({"people": [{"email": one.name, "name": one.number, "why": ""} for one in found]})


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    organisation = get_object_or_404(Organisation, pk=pk) if pk else None
    title = organisation.name if organisation else _("New organisation")
    form = OrganisationForm(request.POST or None, instance=organisation)
    if request.method == "POST" and form.is_valid() and (saved := save(form)) is not None:
        taken = take_in(saved) if form.cleaned_data["takes_in"] else 0
        words = ngettext(
            "Saved; %(num)s customer belongs here now.", "Saved; %(num)s customers belong here now.", taken
        )
        say(request, words % {"num": taken} if taken else _("The organisation is saved."))
        return redirect("organisation", saved.pk)
    context = {"form": form, "organisation": organisation, "title": title}
    if organisation:
        context |= contents(organisation, agent_of(request))
    return render(request, "desk/organisation.html", context, status=422 if form.errors else 200)


def save(form: OrganisationForm) -> Organisation | None:
    """None when a domain is another one's; the form says so."""
    try:
        with transaction.atomic():
            saved: Organisation = form.save()
            set_domains(saved, form.cleaned_data["domain_list"])
    except CannotChange as refusal:
        form.add_error("domain_list", str(refusal))
        return None
    return saved


def contents(organisation: Organisation, agent: Agent) -> dict[str, Any]:
    people = Customer.objects.filter(organisation=organisation)
    keys = people.values("pk")
    theirs = Q(organisation=organisation) | Q(organisation=None, customer__in=keys)
    tickets = visible_tickets(agent).filter(theirs, NOT_MERGED).select_related("status", "queue", "assignee")
    return {
        "people": list(people.prefetch_related("addresses").order_by("name", "pk")[:SHOWN]),
        "people_count": people.count(),
        "tickets": list(tickets.order_by("-changed_at", "-pk")[:SHOWN]),
        "ticket_count": tickets.count(),
    }


@require_POST
def merging(request: HttpRequest, pk: int) -> HttpResponse:
    """`into`: the name of the one that stays."""
    organisation = get_object_or_404(Organisation, pk=pk)
    name = " ".join(request.POST.get("into", "").replace("\x00", "").split())
    into = Organisation.objects.filter(name__iexact=name).exclude(pk=pk).order_by("pk").first() if name else None
    if into is None:
        say(request, _("There is no other organisation “%(name)s”.") % {"name": name[:200]}, tone="warn")
        return redirect("organisation", pk)
    try:
        number = merge_organisations(organisation, into)
    except CannotChange as refusal:
        say(request, refusal, tone="warn")
        return redirect("organisations")
    words = ngettext("%(num)s customer belongs to %(name)s now.", "%(num)s customers belong to %(name)s now.", number)
    say(request, words % {"num": number, "name": into.name})
    return redirect("organisation", into.pk)
