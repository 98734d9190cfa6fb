"""Administration of business calendars, with the holidays of the country and a place to try the hours."""

from datetime import date, datetime, timedelta

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Calendar
from postvak.tickets.deletion import obstacle
from postvak.tickets.sla.again import after_calendar
from postvak.tickets.sla.calendar import BusinessTime, NeverOpen, business_time
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.calendars import CalendarForm
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import asking

FRIDAY = 4
BEFORE_CLOSING = timedelta(minutes=10)
TRIAL_HOURS = "4"
MOST_HOURS = 10_000
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "country": Column(gettext_lazy("Holidays"), "country"),
    "zone": Column(gettext_lazy("Time zone"), "time_zone"),
}


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Calendar.objects.prefetch_related("slas").order_by("name", "pk")
    found = listed(request, rows, ("name", "country", "time_zone"), COLUMNS, valid=None)
    return admin_page(request, "calendars.html", "calendars", {"list": found})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    calendar = get_object_or_404(Calendar, pk=pk) if pk else None
    name = str(calendar) if calendar else ""
    form = CalendarForm(request.POST or None, instance=calendar)
    if request.method == "POST" and form.is_valid():
        with recording(asking(request), form.instance):
            saved = form.save()
            after_calendar(saved)
        say(request, _("The calendar “%(name)s” is saved.") % {"name": saved})
        return redirect("admin_calendars")
    context = {"form": form, "calendar": calendar, "name": name, "obstacle": obstacle(calendar) if calendar else ""}
    return admin_page(request, "calendar.html", "calendars", context | trial_of(form))


@require_POST
@admin_only
def holidays(request: HttpRequest) -> HttpResponse:
    """While somebody chooses: regions and holidays of the country. Saves nothing."""
    return render(request, "admin/calendar_holidays.html", {"form": CalendarForm(request.POST)})


@require_POST
@admin_only
def try_it(request: HttpRequest) -> HttpResponse:
    """When would it be due? With the hours as they are typed; saves nothing."""
    return render(request, "admin/calendar_trial.html", trial_of(CalendarForm(request.POST)))


def trial_of(form: CalendarForm) -> dict[str, object]:
    """`trial_start` (local to the calendar), `trial_hours`, `trial_end`; or `trial_wrong`, a sentence."""
    typed = form.data if form.is_bound else {}
    hours_typed = str(typed.get("trial_hours") or TRIAL_HOURS)
    shown: dict[str, object] = {"trial_hours": hours_typed, "trial_start": None, "trial_end": None, "trial_wrong": ""}
    try:
        hours = float(hours_typed.replace(",", "."))
        if not 0 < hours <= MOST_HOURS:
            raise ValueError(hours)
        time = business_time(tried(form))
        start = start_of(str(typed.get("trial_start") or ""), time)
        shown |= {"trial_start": start, "trial_end": time.after(start, round(hours * 3600)).astimezone(time.zone)}
    except NeverOpen as problem:
        shown["trial_wrong"] = str(problem)
    except (ValueError, ValidationError):
        shown["trial_wrong"] = _("It can't be reckoned yet: check the times and the number of hours.")
    return shown


def tried(form: CalendarForm) -> Calendar:
    """As it would be saved; a new name is no matter here. Raises ValidationError, ValueError."""
    if form.is_bound and set(form.errors) - {"name"}:
        raise ValidationError("not yet")
    row: Calendar = form.instance
    return row


def start_of(typed: str, time: BusinessTime) -> datetime:
    """On the calendar's clock; nothing typed: ten minutes before closing on the next Friday that isn't free, or before the
    last closing of the week."""
    at = parse_datetime(typed) if typed else None
    if at is not None:
        return at.replace(tzinfo=time.zone) if timezone.is_naive(at) else at
    return last_minutes(time, timezone.now().astimezone(time.zone).date())


def last_minutes(time: BusinessTime, today: date) -> datetime:
    friday = today + timedelta(days=(FRIDAY - today.weekday()) % 7)
    days = [friday + timedelta(weeks=week) for week in range(4)] + [today + timedelta(days=day) for day in range(60)]
    closings = next((time.on(day) for day in days if time.on(day)), ())
    if not closings:
        raise NeverOpen(_("The calendar has no business hours."))
    return (closings[-1][1] - BEFORE_CLOSING).astimezone(time.zone)


delete = deletion_of(Calendar, page="admin_calendar", listing="admin_calendars")
