"""Options: what is set once for the whole installation, with an example of our subjects as they would be."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.mail.threading import is_hook, reply_subject
from postvak.models import Options
from postvak.tickets.numbers import with_check_digit
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.options import OptionsForm
from postvak.web.flash import say
from postvak.web.pages import render


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    options = Options.objects.get()
    form = OptionsForm(request.POST or None, instance=options)
    if request.method == "POST" and form.is_valid():
        form.save()
        say(request, _("The options are saved."))
        return redirect("admin_options")
    context = {"form": form, "example": example_of(form)}
    return admin_page(request, "options.html", "options", context)


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
