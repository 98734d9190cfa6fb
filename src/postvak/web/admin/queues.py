"""Administration of queues."""

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Queue
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.queues import QueueForm
from postvak.web.admin.recording import save
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    queues = Queue.objects.select_related("brand", "address").prefetch_related("members", "addresses")
    counted = queues.annotate(open_tickets=Count("tickets", filter=Q(tickets__is_open=True)))
    return admin_page(request, "queues.html", "queues", {"queues": counted.order_by("-is_valid", "name")})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    queue = get_object_or_404(Queue, pk=pk) if pk else None
    form = QueueForm(request.POST or None, instance=queue)
    if request.method == "POST" and form.is_valid():
        saved = save(request, form, *Queue.objects.filter(is_default=True))
        say(request, _("The queue %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_queues")
    return admin_page(request, "queue.html", "queues", {"form": form, "queue": queue})
