"""Customers: the list, the page of one, new ones, merging two.

Every agent may see and change the names, addresses and notes of all customers. Of tickets he sees, and has counted, only those
that he may read; so a customer who only wrote to another team has no tickets for him.
"""

from operator import itemgetter
from typing import Any

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from postvak.models import Agent, Customer, CustomerAddress, Message, Ticket
from postvak.models.json_rows import json_rows
from postvak.tickets.access import visible_messages, visible_tickets
from postvak.tickets.customer_lists import customers_with
from postvak.tickets.customers import (
    CannotChange,
    add_address,
    checked_address,
    merge_customers,
    remove_address,
    renamed,
)
from postvak.tickets.participants import name_of
from postvak.tickets.views import NOT_MERGED
from postvak.web.desk.customer_forms import CustomerForm, NewCustomerForm
from postvak.web.desk.customer_keys import has_keys, keys_of
from postvak.web.desk.listing import page_after
from postvak.web.desk.outbox_rows import as_key
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import agent_of

LINES = 20
TICKETS = 25


@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:200]
    of, after = as_key(request.GET.get("organisation", "")), as_key(request.GET.get("after", ""))
    rows = customers_with(query)
    if of:
        rows = rows.filter(organisation=of)
    found, older = page_after(rows.select_related("organisation").prefetch_related("addresses"), after)
    numbers = numbers_of([one.pk for one in found], agent_of(request))
    kept = {name: value for name, value in (("q", query), ("organisation", of)) if value}
    context = {
        "rows": [(one, numbers.get(one.pk)) for one in found],
        "query": query,
        "of": of,
        "count": rows.count(),
        "after": after,
        "first": f"?{urlencode(kept)}",
        "next": f"?{urlencode(kept | {'after': older})}" if older else "",
    }
    return render(request, "desk/customers.html", context)


def numbers_of(keys: list[int], agent: Agent) -> dict[int, dict[str, Any]]:
    """`number`, `waiting` (open ones) and `newest` change of the tickets that the agent may read."""
    rows = visible_tickets(agent).filter(NOT_MERGED, customer__in=keys).order_by().values("customer")
    counted = rows.annotate(number=Count("pk"), waiting=Count("pk", filter=Q(is_open=True)), newest=Max("changed_at"))
    return {row["customer"]: dict(row) for row in counted}


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, pk: int) -> HttpResponse:
    addresses = json_rows(CustomerAddress.objects.all(), "customer", pk="pk", email="email")
    rows = Customer.objects.select_related("organisation").annotate(address_rows=addresses, has_keys=has_keys())
    customer = get_object_or_404(rows, pk=pk)
    old = customer.name
    form = CustomerForm(request.POST or None, instance=customer)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            if saved.name != old:
                renamed(saved)
        say(request, _("The customer is saved."))
        return redirect("customer", pk)
    agent = agent_of(request)
    context = {"customer": customer, "form": form, "title": old or _("Customer without a name")}
    return render(
        request, "desk/customer.html", context | card_of(customer, agent, as_key(request.GET.get("page", "")))
    )


def card_of(customer: Any, agent: Agent, page: int) -> dict[str, Any]:
    tickets = visible_tickets(agent).filter(NOT_MERGED, customer=customer)
    rows = tickets.select_related("status", "queue", "assignee").order_by("-changed_at", "-pk")
    took_part = visible_tickets(agent).filter(NOT_MERGED, participants__customer=customer)
    numbers, pages = numbers_of([customer.pk], agent).get(customer.pk), Paginator(rows, TICKETS)
    pages.count = numbers["number"] if numbers else 0  # else it would count once more
    addresses = sorted(customer.address_rows or [], key=itemgetter("pk"))
    return {
        "addresses": addresses,
        "keys": keys_of(address["email"] for address in addresses) if customer.has_keys else [],
        "tickets": pages.get_page(page or 1),
        "numbers": numbers,
        "took_part": list(took_part.select_related("status", "queue", "assignee").order_by("-changed_at")[:TICKETS]),
        "lines": newest_messages(tickets, agent),
    }


def newest_messages(tickets: QuerySet[Ticket], agent: Agent) -> list[Message]:
    """What happened last, of the tickets that changed last."""
    newest = tickets.order_by("-changed_at").values("pk")[:LINES]
    rows = visible_messages(agent).filter(ticket__in=newest).select_related("ticket", "agent")
    return list(rows.defer("references", "to", "cc").order_by("-created_at", "-pk")[:LINES])


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    form = NewCustomerForm(request.POST or None, initial={"address": request.GET.get("address", "")})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                customer = form.save()
                if form.cleaned_data["address"]:
                    add_address(customer, form.cleaned_data["address"])
        except CannotChange as refusal:
            form.add_error("address", str(refusal))
        else:
            say(request, _("The customer is saved."))
            return redirect("customer", customer.pk)
    return render(request, "desk/customer_new.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def addresses(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds one; `moves`: also when it is another customer's, after the agent was asked."""
    customer = get_object_or_404(Customer, pk=pk)
    typed = (request.POST.get("address") or request.GET.get("address", "")).replace("\x00", "")
    try:
        added = add_address(customer, typed, moves=request.POST.get("moves") == "1")
    except CannotChange as refusal:
        if refusal.owner is not None:
            where = urlencode({"address": checked_address(typed)})
            return redirect(f"{reverse('customer-address', args=[pk])}?{where}")
        say(request, refusal, tone="warn")
    else:
        say(request, _("%(address)s was added.") % {"address": added.email})
    return redirect("customer", pk)


@require_GET
def foreign_address(request: HttpRequest, pk: int) -> HttpResponse:
    """The question: the address belongs to somebody else. Move it here, or are the two one person?"""
    customer = get_object_or_404(Customer, pk=pk)
    there = get_object_or_404(
        CustomerAddress.objects.select_related("customer"), email=request.GET.get("address", "")[:320]
    )
    if there.customer_id == customer.pk:
        return redirect("customer", pk)
    return render(request, "desk/customer_address.html", {"customer": customer, "there": there})


@require_POST
def address_removal(request: HttpRequest, pk: int) -> HttpResponse:
    there = get_object_or_404(CustomerAddress, customer=pk, pk=as_key(request.POST.get("address", "")))
    remove_address(there)
    undo = f"{reverse('customer-addresses', args=[pk])}?{urlencode({'address': there.email})}"
    say(request, _("%(address)s was taken off.") % {"address": there.email}, undo_url=undo)
    return redirect("customer", pk)


@require_http_methods(["GET", "POST"])
def merging(request: HttpRequest, pk: int) -> HttpResponse:
    """Into whom? Then what will happen, with numbers; then it happens. There is no way back, and the page says so."""
    customer, agent = get_object_or_404(Customer.objects.select_related("organisation"), pk=pk), agent_of(request)
    typed = (request.POST.get("into") or request.GET.get("into", "")).replace("\x00", "").strip()[:320]
    into = named_customer(typed)
    problem = _("There is no customer “%(typed)s”.") % {"typed": typed} if typed and into is None else ""
    if request.method == "POST" and into is not None:
        name = name_of(customer)
        try:
            merge_customers(customer, into, by=agent)
        except CannotChange as refusal:
            problem = str(refusal)
        else:
            say(request, _("%(old)s is %(new)s now.") % {"old": name, "new": name_of(into)})
            return redirect("customer", into.pk)
    if into == customer:
        into, problem = None, problem or _("A customer can't be merged with himself.")
    context = {
        "customer": customer,
        "into": into,
        "typed": typed,
        "problem": problem,
        "cards": [preview(one, agent) for one in (customer, into)] if into else [],
    }
    return render(request, "desk/customer_merge.html", context, status=422 if problem else 200)


def named_customer(typed: str) -> Customer | None:
    """By key or address."""
    rows = Customer.objects.select_related("organisation")
    if as_key(typed):
        return rows.filter(pk=as_key(typed)).first()
    return rows.filter(addresses__email=typed.lower()).first() if typed else None


def preview(customer: Customer, agent: Agent) -> dict[str, Any]:
    return {
        "customer": customer,
        "addresses": [one.email for one in customer.addresses.order_by("pk")],
        "numbers": numbers_of([customer.pk], agent).get(customer.pk),
    }
