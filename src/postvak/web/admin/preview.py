"""Look only: what would become of a mailbox's mails, and going live."""

from datetime import datetime, time

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from postvak.log.audit import recording
from postvak.models import Mailbox
from postvak.process.preview import preview
from postvak.receive.go_live import go_live
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.flash import say
from postvak.web.session import asking

ALL, NOW, DATE = "all", "now", "date"


class StartForm(forms.Form):
    """From which time on mails become tickets."""

    start = forms.ChoiceField(
        label=gettext_lazy("which mails become tickets"),
        choices=[
            (ALL, gettext_lazy("all that are there")),
            (DATE, gettext_lazy("those since a date")),
            (NOW, gettext_lazy("only those that arrive from now on")),
        ],
        initial=ALL,
        widget=forms.RadioSelect,
    )
    date = forms.DateField(
        label=gettext_lazy("start date"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("start") == DATE and not cleaned.get("date"):
            self.add_error("date", _("Enter the date from which on mails become tickets."))
        return cleaned

    def start_at(self) -> datetime | None:
        """Null: all. Only for a valid form."""
        if self.cleaned_data["start"] == NOW:
            return timezone.now()
        if self.cleaned_data["start"] == DATE:
            return timezone.make_aware(datetime.combine(self.cleaned_data["date"], time.min))  # noqa: DTZ001
        return None


@require_GET
@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest waiting mails with what they would become. The choice of a start recomputes it."""
    mailbox = get_object_or_404(Mailbox, pk=pk, is_look_only=True)
    form = StartForm(request.GET if "start" in request.GET else {"start": ALL})
    start_at = form.start_at() if form.is_valid() else None
    context = {"mailbox": mailbox, "form": form, "preview": preview(mailbox, start_at=start_at)}
    return admin_page(request, "preview.html", "mailboxes", context)


@require_POST
@admin_only
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """From here on the mailbox works."""
    mailbox = get_object_or_404(Mailbox, pk=pk, is_look_only=True)
    form = StartForm(request.POST)
    if not form.is_valid():
        context = {"mailbox": mailbox, "form": form, "preview": preview(mailbox, start_at=None)}
        return admin_page(request, "preview.html", "mailboxes", context)
    with recording(asking(request), mailbox):
        count = go_live(mailbox, start_at=form.start_at())
    text = ngettext(
        "%(name)s is live. %(count)s stored mail is being processed.",
        "%(name)s is live. %(count)s stored mails are being processed.",
        count,
    )
    say(request, text % {"name": mailbox.name, "count": count})
    return redirect("admin_mailbox", pk)
