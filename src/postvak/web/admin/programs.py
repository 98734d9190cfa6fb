"""All tokens with which programs use the API, whoever made them. Agents make their own: web.programs."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.models import ApiToken
from postvak.tickets.programs.tokens import withdraw
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.searching import searched
from postvak.web.flash import say
from postvak.web.programs import API_DOCS, sorted_by_use
from postvak.web.session import asking


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows, query = searched(request, ApiToken.objects.select_related("agent"), "name", "agent__name", "beginning")
    context = {"rows": rows, "tokens": sorted_by_use(rows), "query": query, "docs": API_DOCS}
    return admin_page(request, "programs.html", "programs", context)


@require_POST
@admin_only
def withdrawal(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.select_related("agent"), pk=pk)
    withdraw(token, by=asking(request))
    say(request, _("The token “%(name)s” opens nothing any more.") % {"name": token.name})
    return redirect("admin_programs")
