"""The block list: where automatic mail never goes. Our own addresses are on it by themselves."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Blocked
from postvak.notify.circumstances import own_addresses
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.blocked import BlockedForm
from postvak.web.admin.recording import save
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

COLUMNS = {
    "name": Column(gettext_lazy("Address, domain or pattern"), "pattern"),
    "why": Column(gettext_lazy("Why"), "comment"),
    "added": Column(gettext_lazy("Added"), "created_at"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Blocked.objects.select_related("created_by").order_by("pattern", "pk")
    found = listed(request, rows, ("pattern", "comment"), COLUMNS, valid=None)
    own = [email for email in sorted(own_addresses()) if found.asked.query.casefold() in email]
    return admin_page(request, "block_list.html", "messages", {"list": found, "own": own})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(Blocked, pk=pk) if pk else Blocked(created_at=timezone.now(), created_by=agent_of(request))
    form = BlockedForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        say(request, _("No automatic mail goes to %(pattern)s any more.") % {"pattern": save(request, form)})
        return redirect("admin_block_list")
    return admin_page(request, "blocked.html", "messages", {"form": form, "row": row if pk else None})


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Blocked, pk=pk)
    with recording(asking(request), row):
        Blocked.objects.filter(pk=pk).delete()
    say(request, _("Automatic mail may go to %(pattern)s again.") % {"pattern": row.pattern})
    return redirect("admin_block_list")
