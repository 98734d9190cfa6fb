"""The signature of a queue: between the brand's and those of its addresses. With a preview of the mail that comes out."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Queue, Wording
from postvak.web.admin.access import admin_page, queue_administrators_only
from postvak.web.flash import say
from postvak.web.identity_preview import Typed, languages_of, preview_of
from postvak.web.placeholders import PLACEHOLDERS
from postvak.web.session import agent_of, asking
from postvak.web.wording_fields import WordingFields

PARTS = (Wording.Part.SIGNATURE,)


@queue_administrators_only
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    queue = get_object_or_404(Queue.objects.select_related("brand"), pk=pk)
    data = request.POST if request.method == "POST" else None
    wordings = WordingFields(queue, PARTS, data)
    if data is not None and wordings.is_valid():
        with recording(asking(request), queue):
            wordings.save(queue)
        say(request, _("The signature of %(name)s is saved.") % {"name": queue.name})
        return redirect("admin_queue", pk)
    context: dict[str, Any] = {"queue": queue, "wordings": wordings, "has_errors": data is not None}
    context |= {"placeholders": PLACEHOLDERS, "preview_languages": languages_of(wordings)}
    current = "queues" if agent_of(request).is_admin else f"queue-{pk}"
    response = admin_page(request, "queue_signature.html", current, context)
    response.status_code = 422 if data is not None else 200
    return response


@require_POST
@queue_administrators_only
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail of the queue, with what is typed now; nothing is saved."""
    queue = get_object_or_404(Queue.objects.select_related("brand", "address"), pk=pk)
    rows = tuple(WordingFields(queue, PARTS, request.POST).rows(queue))
    return preview_of(request, Typed("queue", rows, brand=queue.brand, address=queue.address, queue=queue))
