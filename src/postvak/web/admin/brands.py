"""Administration of brands."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from postvak.models import Brand
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.queues import BrandForm
from postvak.web.flash import say


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    brands = Brand.objects.select_related("channel").prefetch_related("queues")
    return admin_page(request, "brands.html", "brands", {"brands": brands})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    brand = get_object_or_404(Brand, pk=pk) if pk else None
    form = BrandForm(request.POST or None, instance=brand)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        say(request, _("The brand %(name)s is saved.") % {"name": saved.name})
        return redirect("admin_brands")
    return admin_page(request, "brand.html", "brands", {"form": form, "brand": brand})
