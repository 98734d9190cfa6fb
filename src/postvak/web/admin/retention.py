"""Retention: after how many days the bytes of mails without a message are dropped."""

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.log import audit
from postvak.models import Receipt, Retention
from postvak.receive.retention import ALLOWED
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.flash import say
from postvak.web.session import asking

HELP = gettext_lazy("Days. Empty: kept for ever.")


def kept_days() -> dict[str, object]:
    return dict(Retention.objects.values_list("outcome", "days"))


class RetentionForm(forms.Form):
    """One field per outcome that may be dropped."""

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        days = kept_days()
        for outcome in ALLOWED:
            self.fields[outcome.value] = forms.IntegerField(
                label=outcome.label, required=False, min_value=1, max_value=36500, help_text=HELP,
                initial=days.get(outcome.value),
            )  # fmt: skip

    @transaction.atomic
    def save(self) -> None:
        for outcome in ALLOWED:
            days = self.cleaned_data[outcome.value]
            if days is None:
                Retention.objects.filter(outcome=outcome).delete()
            else:
                Retention.objects.update_or_create(outcome=outcome, defaults={"days": days})


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    form = RetentionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            was = kept_days()
            form.save()
            changes = audit.difference(was, kept_days())
            if changes:
                audit.record(asking(request), audit.Action.CHANGED, kind="retention", changes=changes)
        say(request, _("The retention is saved."))
        return redirect("admin_retention")
    context = {"form": form, "kept": Receipt.objects.exclude(blob=None).count()}
    return admin_page(request, "retention.html", "retention", context)
