"""Administration of grouping exclusions: senders whose mails are never grouped by time."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Address, GroupingExclusion
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.recognition import ExclusionForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    columns = {"name": Column(_("Sender"), "sender"), "comment": Column(_("Comment"), "comment")}
    rows = GroupingExclusion.objects.order_by("sender", "pk")
    found = listed(request, rows, ("sender", "comment"), columns, valid=None)
    grouping = Address.objects.filter(is_valid=True).exclude(grouping_hours=None)
    context = {"list": found, "grouping": grouping}
    return admin_page(request, "exclusions.html", "exclusions", context)


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    exclusion = get_object_or_404(GroupingExclusion, pk=pk) if pk else None
    form = ExclusionForm(request.POST or None, instance=exclusion)
    if request.method == "POST" and form.is_valid():
        say(request, _("Mails from %(sender)s are not grouped.") % {"sender": save(request, form)})
        return redirect("admin_exclusions")
    return admin_page(request, "exclusion.html", "exclusions", {"form": form, "exclusion": exclusion})


delete = deletion_of(GroupingExclusion, page="admin_exclusion", listing="admin_exclusions")
