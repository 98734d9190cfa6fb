"""Administration of brands: name, wordings, look, and a preview of the mails that come out."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from postvak.blobs import store
from postvak.log.audit import By, recording
from postvak.models import Brand, Look, Wording
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.brands import BrandForm, LookForm
from postvak.web.admin.searching import Column, listed
from postvak.web.flash import say
from postvak.web.identity_preview import Typed, languages_of, preview_of
from postvak.web.placeholders import PLACEHOLDERS
from postvak.web.session import asking
from postvak.web.wording_fields import WordingFields

Part = Wording.Part
PARTS = (Part.SALUTATION, Part.SIGNATURE, Part.FOOTER)
COLUMNS = {
    "name": Column(gettext_lazy("Name"), "name"),
    "channel": Column(gettext_lazy("Channel"), "channel__name"),
    "language": Column(gettext_lazy("Language"), "language"),
}


class BrandForms:
    """All that one page edits."""

    def __init__(self, request: HttpRequest, brand: Brand | None) -> None:
        data = request.POST if request.method == "POST" else None
        look = Look.objects.filter(brand=brand).first() if brand else None
        self.brand = BrandForm(data, instance=brand)
        self.look = LookForm(data, request.FILES or None, instance=look)
        self.wordings = WordingFields(brand, PARTS, data)

    def is_valid(self) -> bool:
        """Each is asked, so that all problems show at once."""
        return all([self.brand.is_valid(), self.look.is_valid(), self.wordings.is_valid()])

    def save(self, by: By) -> Brand:
        """Raises VaultUnreachable; then nothing is saved."""
        self.look.store_logo()
        with recording(by, self.brand.instance):
            brand: Brand = self.brand.save()
            self.wordings.save(brand)
            self.look.save_for(brand)
        return brand


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    rows = Brand.objects.select_related("channel").prefetch_related("queues").order_by("name", "pk")
    found = listed(request, rows, ("name", "channel__name"), COLUMNS, valid=None)
    return admin_page(request, "brands.html", "brands", {"list": found})


@admin_only
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    brand = get_object_or_404(Brand, pk=pk) if pk else None
    forms = BrandForms(request, brand)
    if request.method == "POST" and forms.is_valid():
        try:
            saved = forms.save(asking(request))
        except store.VaultUnreachable as error:
            forms.look.add_error("upload", _("The logo can't be stored at the moment: %(said)s") % {"said": error})
        else:
            say(request, _("The brand %(name)s is saved.") % {"name": saved.name})
            return redirect("admin_brands")
    return page(request, brand, forms)


def page(request: HttpRequest, brand: Brand | None, forms: BrandForms) -> HttpResponse:
    has_errors = request.method == "POST" and not forms.is_valid() or bool(forms.look.errors)
    context: dict[str, Any] = {"brand": brand, "form": forms.brand, "look": forms.look, "wordings": forms.wordings}
    context |= {
        "has_errors": has_errors,
        "placeholders": PLACEHOLDERS,
        "preview_languages": languages_of(forms.wordings),
    }
    response = admin_page(request, "brand.html", "brands", context)
    response.status_code = 422 if has_errors else 200
    return response


@require_POST
@admin_only
def preview(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """The mail as it would be with what is typed now; nothing is saved."""
    brand = get_object_or_404(Brand, pk=pk) if pk else None
    forms = BrandForms(request, brand)
    forms.is_valid()  # what is wrong stays as it was
    owner: Brand = forms.brand.instance
    look = look_typed(forms.look)
    typed = Typed("brand", tuple(forms.wordings.rows(owner)), brand=owner, look=look, logo=forms.look.logo)
    return preview_of(request, typed)


def look_typed(form: LookForm) -> Look | None:
    """With the usual value where what was typed is none."""
    look: Look = form.instance
    if not form.is_wanted:
        return None
    for name in set(form.errors) & set(form.Meta.fields):
        setattr(look, name, getattr(Look(), name))
    if form.cleaned_data.get("drops_logo"):
        look.logo = None
    return look


@admin_only
def logo(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture that mails carry now."""
    look = get_object_or_404(Look.objects.exclude(logo=None), brand=pk)
    try:
        response = HttpResponse(store.get(str(look.logo_id)), content_type=look.logo_type)
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise Http404 from error
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
