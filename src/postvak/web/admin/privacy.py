"""System → Privacy: what Postvak has about a person, all of it as a file, and erasing. Spec 10."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from postvak.jobs.queue import enqueue
from postvak.keep.about import about_person
from postvak.log import audit
from postvak.mail.charsets import storable
from postvak.models import AnswerTemplateFile, Customer, RuleFile
from postvak.tickets.customer_lists import customers_with
from postvak.tickets.privacy.erase import KIND, running
from postvak.tickets.privacy.files import File, not_searched
from postvak.tickets.privacy.person import going_out, other_tickets, own_tickets, person_of, report
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.backups import jobs_of
from postvak.web.flash import say
from postvak.web.later import spoken
from postvak.web.session import agent_of, asking

FOUND = 50
SHOWN = 20
TICKETS = 50


class EraseForm(forms.Form):
    """`sure`: the customer's number, typed by hand: nobody does this by accident."""

    tickets = forms.ChoiceField(
        label=gettext_lazy("tickets"),
        choices=[
            ("whole", gettext_lazy("Delete the customer’s tickets with everything on them")),
            ("keep", gettext_lazy("Keep the tickets, and make everything of the customer on them unreadable")),
        ],
        widget=forms.RadioSelect,
        initial="whole",
    )
    sure = forms.CharField(max_length=20)

    def __init__(self, data: Any, *, customer: Customer) -> None:
        super().__init__(data)
        self.customer = customer
        values = {"number": customer.pk}
        self.fields["sure"].label = _("To confirm, type the number of this customer: %(number)s") % values

    def clean_sure(self) -> str:
        typed = str(self.cleaned_data["sure"]).strip()
        if typed != str(self.customer.pk):
            raise forms.ValidationError(_("Type the number %(number)s to confirm.") % {"number": self.customer.pk})
        return typed


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    query = " ".join(storable(request.GET.get("q", "")).split())[:200]
    found = customers_with(query).prefetch_related("addresses")[:FOUND] if query else ()
    context = {"query": query, "found": list(found), "jobs": list(jobs_of(KIND)[:SHOWN])}
    return admin_page(request, "privacy.html", "privacy", context)


@admin_only
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """The report; POST erases."""
    customer = get_object_or_404(Customer, pk=pk)
    form = EraseForm(request.POST or None, customer=customer)
    job = running(pk)
    if request.method == "POST" and form.is_valid() and job is None:
        begun = enqueue(KIND, {"customer": pk, "whole": form.cleaned_data["tickets"] == "whole"}, by=agent_of(request))
        audit.record(asking(request), audit.Action.CREATED, kind="erasure", key=begun.pk, name=f"customer {pk}")
        say(request, _("The customer is being erased. It may take a while; you can leave this page."))
        return redirect("admin_privacy")
    about = person_of(customer)
    context = {
        "customer": customer,
        "person": about,
        "lines": report(about),
        "own": own_tickets(about).order_by("-pk")[:TICKETS],
        "others": other_tickets(about).order_by("-pk")[:TICKETS],
        "going": going_out(about).count(),
        "not_searched": [place_of(file) for file in not_searched()],
        "form": form,
        "job": job,
    }
    return admin_page(request, "privacy_person.html", "privacy", context)


def place_of(file: File) -> tuple[str, str, str]:
    """(its name, whose it is, the page where an administrator finds it; "" of drafts: only their agents open them)."""
    if isinstance(file, AnswerTemplateFile):
        return file.name, str(file.template), reverse("admin_answer_template", args=[file.template_id])
    if isinstance(file, RuleFile):
        return file.name, str(file.rule), reverse("admin_rule", args=[file.rule_id])
    return file.name, _("Draft of %(name)s") % {"name": file.draft.agent.name}, ""


@require_GET
@admin_only
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Everything about him as a ZIP (GDPR, articles 15 and 20)."""
    customer = get_object_or_404(Customer, pk=pk)
    audit.exported(asking(request), "customer", f"customer {pk}", pk)
    response = StreamingHttpResponse(spoken(about_person(customer)), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="postvak-customer-{pk}.zip"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
