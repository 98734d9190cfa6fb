"""Retention: after how many days the bytes of mails without a message are dropped."""

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.log.audit import By, recording
from postvak.models import Receipt, Retention
from postvak.receive.retention import ALLOWED
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.flash import say
from postvak.web.session import asking

HELP = gettext_lazy("Days. Empty: kept for ever.")


class RetentionForm(forms.Form):
    """One field per outcome that may be dropped."""

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        days = dict(Retention.objects.values_list("outcome", "days"))
        for outcome in ALLOWED:
            self.fields[outcome.value] = forms.IntegerField(
                label=outcome.label, required=False, min_value=1, max_value=36500, help_text=HELP,
                initial=days.get(outcome.value),
            )  # fmt: skip

    @transaction.atomic
    def save(self, by: By) -> None:
        """Each outcome is a row with a history of its own."""
        for outcome in ALLOWED:
            days = self.cleaned_data[outcome.value]
            row = Retention.objects.filter(outcome=outcome).first() or Retention(outcome=outcome)
            with recording(by, row):
                if days is not None:
                    row.days = days
                    row.save()
                elif row.pk:
                    row.delete()


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    form = RetentionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save(asking(request))
        say(request, _("The retention is saved."))
        return redirect("admin_retention")
    context = {"form": form, "kept": Receipt.objects.exclude(blob=None).count()}
    return admin_page(request, "retention.html", "retention", context)
