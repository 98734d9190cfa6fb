"""Administration of external numbers, with a place to try them before they are saved."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.models import CustomField, ExternalNumber, ExternalReference
from postvak.process.recognition import check_expressions, try_number
from postvak.tickets.deletion import obstacle
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.recognition import ExternalNumberForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, counted, listed
from postvak.web.flash import say
from postvak.web.pages import render

COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "sender": Column(gettext_lazy("Sender"), "sender"),
    "field": Column(gettext_lazy("Kept in"), "field__label"),
    "tickets": Column(gettext_lazy("Tickets"), "tickets_count"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    numbers = ExternalNumber.objects.annotate(tickets_count=counted(ExternalReference, "external"))
    rows = numbers.select_related("field").order_by("-is_valid", "name")
    found = listed(request, rows, ("name", "sender", "number", "field__label"), COLUMNS)
    return admin_page(request, "external_numbers.html", "external_numbers", {"list": found})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    external = get_object_or_404(ExternalNumber, pk=pk) if pk else None
    form = ExternalNumberForm(request.POST or None, instance=external)
    if request.method == "POST" and form.is_valid():
        say(request, _("The external number “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_external_numbers")
    context = {
        "form": form,
        "external": external,
        "obstacle": obstacle(external) if external else "",
        "has_text_field": CustomField.objects.filter(
            is_valid=True, kind=CustomField.Kind.TEXT, holder=CustomField.Holder.TICKET
        ).exists(),
    }
    return admin_page(request, "external_number.html", "external_numbers", context)


@require_POST
@admin_only
def try_it(request: HttpRequest) -> HttpResponse:
    """The form's present expressions on a subject and a sender that somebody pastes; saved nowhere."""
    post = request.POST
    subject, sender = (post.get(name, "").strip()[:2000] for name in ("trial_subject", "trial_sender"))
    draft = ExternalNumber(sender=post.get("sender", ""), number=post.get("number", ""))
    try:
        check_expressions(draft)
    except ValidationError as error:
        return render(request, "admin/number_trial.html", {"wrong": error.messages})
    trial = try_number(draft, sender=sender, text=subject)
    return render(request, "admin/number_trial.html", {"trial": trial, "subject": subject})


delete = deletion_of(ExternalNumber, page="admin_external_number", listing="admin_external_numbers")
