"""POST …/deletion/: the same for all nouns that can be deleted. What tickets use stays, and a sentence says why."""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.tickets.deletion import CannotDelete, Deletable, delete
from postvak.web.admin.access import admin_only
from postvak.web.flash import say
from postvak.web.session import asking


def deletion_of(model: type[Deletable], *, page: str, listing: str) -> Callable[..., HttpResponseBase]:
    """The view that deletes one row of `model`; `page` and `listing` are names of addresses to go to afterwards."""

    @require_POST
    @admin_only
    def view(request: HttpRequest, pk: int) -> HttpResponse:
        row = cast(Deletable, get_object_or_404(model, pk=pk))
        try:
            with recording(asking(request), row):
                delete(row)
        except CannotDelete as error:
            say(request, error, tone="alert")
            return redirect(page, pk)
        say(request, _("“%(name)s” is deleted.") % {"name": row})
        return redirect(listing)

    return view
