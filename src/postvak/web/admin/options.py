"""Options: what is set once for the whole installation, with an example of our subjects as they would be."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.mail.threading import is_hook, reply_subject
from postvak.models import Options, Ticket
from postvak.tickets import trash
from postvak.tickets.numbers import with_check_digit
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.options import OptionsForm
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.pages import render


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    options = Options.objects.get()
    form = OptionsForm(request.POST or None, instance=options)
    going = goes_at_once(form) if request.method == "POST" and form.is_valid() else 0
    if request.method == "POST" and form.is_valid() and request.POST.get("empties", "0") == str(going):
        save(request, form)
        say(request, _("The options are saved."))
        return redirect("admin_options")
    tickets = trash.trashed(Ticket.objects.all())
    first = trash.next_to_go(tickets)
    context = {
        "form": form,
        "example": example_of(form),
        "going": going,
        "in_trash": tickets.count(),
        "next_at": trash.goes_at(first) if first else None,
    }
    return admin_page(request, "options.html", "options", context)


def goes_at_once(form: OptionsForm) -> int:
    """How many tickets the new number of days would delete right away: nobody does that by accident."""
    days = form.cleaned_data.get("trash_days")
    if not days or "trash_days" not in form.changed_data:
        return 0
    return trash.deletable(timezone.now() - timedelta(days=days)).count()


@require_POST
@admin_only
def example(request: HttpRequest) -> HttpResponse:
    """While somebody tries values: the subject of an answer with them. Saves nothing."""
    return render(request, "admin/options_example.html", {"example": example_of(OptionsForm(request.POST))})


def example_of(form: OptionsForm) -> str:
    """An answer's subject with the values of the form; "" when they don't make sense."""
    numbers, hook, place = (str(form[name].value() or "") for name in ("numbers", "hook", "subject_place"))
    number = example_number(numbers)
    if not number or not is_hook(hook.strip()):
        return ""
    return reply_subject(_("Re: The lamp flickers"), number, hook=hook.strip(), place=place)


def example_number(kind: str) -> str:
    return {
        Options.Numbers.DATE: with_check_digit(f"{timezone.localdate():%Y%m%d}00017"),
        Options.Numbers.COUNTER: "10017",
        Options.Numbers.RANDOM: with_check_digit("5820476193"),
    }.get(Options.Numbers(kind), "") if kind in Options.Numbers.values else ""  # fmt: skip
