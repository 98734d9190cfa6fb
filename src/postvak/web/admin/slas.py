"""Administration of service levels, with what each would mean for the open tickets of now."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Calendar, Sla, Ticket
from postvak.tickets.deletion import obstacle
from postvak.tickets.sla.again import after_edit
from postvak.tickets.sla.calendar import business_time
from postvak.tickets.sla.forecast import Forecast, forecast
from postvak.tickets.sla.plans import Plan, seconds, valid_plans
from postvak.tickets.sla.rules import day_minutes
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.slas import TARGETS, SlaForm
from postvak.web.admin.searching import Column, listed
from postvak.web.due import duration
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import asking


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Sla.objects.select_related("calendar").prefetch_related("queues", "priorities")
    running = Ticket.objects.filter(is_open=True).exclude(sla=None)
    late = running.filter(due_at__lte=timezone.now())
    columns = {"name": Column(_("Name"), "name"), "calendar": Column(_("Calendar"), "calendar__name")}
    context = {
        "list": listed(request, rows, ("name", "calendar__name"), columns, usual=""),
        "targets_of": targets_of,
        "counts": dict(running.values_list("sla").annotate(count=Count("pk")).order_by()),
        "late": dict(late.values_list("sla").annotate(count=Count("pk")).order_by()),
        "has_calendar": Calendar.objects.exists(),
    }
    return admin_page(request, "slas.html", "slas", context)


def targets_of(row: Sla) -> list[tuple[str, str]]:
    """(label, length) of those that it has."""
    day, labels = day_minutes(row.calendar), {"first_answer": _("First answer"), "next_answer": _("Next answer"), "solution": _("Solved")}  # fmt: skip
    return [(labels[name], duration(getattr(row, name), day)) for name in TARGETS if getattr(row, name)]


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    sla = get_object_or_404(Sla, pk=pk) if pk else None
    name = str(sla) if sla else ""
    queues = set(sla.queues.values_list("pk", flat=True)) if sla else None
    form = SlaForm(request.POST or None, instance=sla)
    if request.method == "POST" and form.is_valid():
        with recording(asking(request), form.instance):
            saved = form.save()
            after_edit(saved, queues_before=queues)
        say(request, _("The service level “%(name)s” is saved. Due times are reckoned anew now.") % {"name": saved})
        return redirect("admin_slas")
    context = {
        "form": form,
        "sla": sla,
        "name": name,
        "obstacle": obstacle(sla) if sla else "",
        "has_calendar": Calendar.objects.exists(),
    }
    return admin_page(request, "sla.html", "slas", context)


@require_POST
@admin_only
def preview(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """For how many tickets it would hold, and how many would be late. Saves nothing."""
    sla = get_object_or_404(Sla, pk=pk) if pk else None
    form = SlaForm(request.POST, instance=sla)
    found = forecast_of(form) if not set(form.errors) - {"name"} else None
    return render(request, "admin/sla_preview.html", {"forecast": found})


def forecast_of(form: SlaForm) -> Forecast:
    row, cleaned = form.instance, form.cleaned_data
    plan = Plan(
        id=row.pk or 0,
        name=row.name,
        time=business_time(row.calendar),
        first_answer=seconds(row.first_answer),
        next_answer=seconds(row.next_answer),
        solution=seconds(row.solution),
        queues=frozenset(queue.pk for queue in cleaned["queues"]),
        priorities=frozenset(priority.pk for priority in cleaned["priorities"]),
    )
    others = [other for other in valid_plans() if other.id != row.pk]
    after = cleaned.get("after")
    ids = [other.id for other in others]
    place = ids.index(after.pk) + 1 if after and after.pk in ids else 0
    return forecast(plan, others[:place], timezone.now())


delete = deletion_of(Sla, page="admin_sla", listing="admin_slas")
