"""A certificate or key as a file: its public part for anybody, its private part locked with a passphrase. Spec 05."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET

from postvak.crypto.sealing import CannotOpen
from postvak.crypto.values import CannotRead
from postvak.keys.files import FORMS, form_of, locked_private, public_file
from postvak.keys.names import title_of
from postvak.log import audit
from postvak.models import CryptoKey
from postvak.web.account.confirmation import confirmed
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.keys import PassphraseForm
from postvak.web.session import asking


@require_GET
@admin_only
def public(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    row = get_object_or_404(CryptoKey, pk=pk)
    if form not in FORMS[row.kind]:
        raise Http404
    return as_file(public_file(row, form), file_name(row, form))


@sensitive_variables("filled")
@sensitive_post_parameters("passphrase")
@admin_only
@confirmed
def private(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks for a passphrase; POST: the file, with a line in the audit."""
    row = get_object_or_404(CryptoKey.objects.exclude(sealed_private=""), pk=pk)
    if row.is_request:  # it leaves the house together with its certificate
        raise Http404
    filled = PassphraseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and filled.is_valid():
        try:
            content = locked_private(row, filled.cleaned_data["passphrase"])
        except (CannotOpen, CannotRead):
            filled.add_error(None, _("This private key can’t be opened with the sealing keys of this installation."))
        else:
            audit.record(
                asking(request),
                audit.Action.DOWNLOADED,
                row,
                name=_("private key of %(name)s") % {"name": title_of(row)},
            )
            return as_file(content, file_name(row, form_of(row)))
    return admin_page(request, "key_private.html", "keys", {"form": filled, "row": row, "title": title_of(row)})


def public_text(row: CryptoKey) -> str:
    return public_file(row, FORMS[row.kind][0]).decode("ascii", "replace")


def file_name(row: CryptoKey, ending: str) -> str:
    name = slugify(title_of(row))[:60] or "key"
    return f"{name}-{row.fingerprint[-8:]}.{ending}"


def as_file(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
