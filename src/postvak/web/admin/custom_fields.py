"""Administration of custom fields."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import CustomField
from postvak.tickets.deletion import obstacle
from postvak.tickets.field_sets import used_by
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.deletion import deletion_of
from postvak.web.admin.forms.vocabulary import CustomFieldForm
from postvak.web.admin.recording import save
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = list(CustomField.objects.prefetch_related("queues"))
    used = used_by(rows)
    context = {"custom_fields": [(row, used[row.pk]) for row in rows]}
    return admin_page(request, "custom_fields.html", "custom_fields", context)


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    custom_field = get_object_or_404(CustomField, pk=pk) if pk else None
    form = CustomFieldForm(request.POST or None, instance=custom_field)
    if request.method == "POST" and form.is_valid():
        say(request, _("The field “%(name)s” is saved.") % {"name": save(request, form)})
        return redirect("admin_custom_fields")
    context = {
        "form": form,
        "custom_field": custom_field,
        "obstacle": obstacle(custom_field) if custom_field else "",
    }
    return admin_page(request, "custom_field.html", "custom_fields", context)


delete = deletion_of(CustomField, page="admin_custom_field", listing="admin_custom_fields")
