"""Versions of what was learned: activate one, download it, bring one from elsewhere, delete it. Spec 08."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.learn import versions
from postvak.learn.values import BadFile
from postvak.log import audit
from postvak.models import Classifier, ClassifierModel
from postvak.web.admin.access import admin_only
from postvak.web.admin.classification import classifier_page
from postvak.web.admin.classification_state import said_words
from postvak.web.admin.forms.classification import VersionForm
from postvak.web.flash import say
from postvak.web.session import asking


@require_GET
@admin_only
def listing(request: HttpRequest, pk: int) -> HttpResponse:
    return page(request, get_object_or_404(Classifier, pk=pk), VersionForm())


def page(request: HttpRequest, row: Classifier, form: VersionForm) -> HttpResponse:
    rows = [(one, said_words(one.said)) for one in row.models.order_by("-version")]
    context = {"form": form, "versions": rows}
    return classifier_page(request, "classifier_versions.html", row, context)


@require_POST
@admin_only
def bring(request: HttpRequest, pk: int) -> HttpResponse:
    """A file that another installation wrote becomes a version; it isn’t used before somebody activates it."""
    row = get_object_or_404(Classifier, pk=pk)
    form = VersionForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            made = versions.bring(row, form.cleaned_data["file"], by=asking(request))
        except BadFile as problem:
            form.add_error("file", _(str(problem)))
        else:
            say(request, _("Version %(version)s is here. It is used once you activate it.") % {"version": made.version})
            return redirect("admin_classifier_versions", pk)
    return page(request, row, form)


@require_POST
@admin_only
def activate(request: HttpRequest, pk: int) -> HttpResponse:
    made = get_object_or_404(ClassifierModel.objects.select_related("classifier"), pk=pk)
    try:
        versions.activate(made, by=asking(request))
        say(request, _("Version %(version)s is used from now on.") % {"version": made.version})
    except (BadFile, store.BlobMissing, store.VaultUnreachable) as problem:
        values = {"said": _(str(problem))}
        say(request, _("It can’t be used at the moment: %(said)s") % values, tone="warn")
    return redirect("admin_classifier_versions", made.classifier_id)


@require_GET
@admin_only
def download(request: HttpRequest, pk: int) -> HttpResponse:
    made = get_object_or_404(ClassifierModel.objects.select_related("classifier"), pk=pk)
    try:
        raw = versions.export(made)
    except (store.BlobMissing, store.VaultUnreachable) as error:
        say(request, _("A file can't be read at the moment: %(said)s") % {"said": error}, tone="warn")
        return redirect("admin_classifier_versions", made.classifier_id)
    audit.exported(asking(request), "classifiermodel", str(made), made.pk)
    response = HttpResponse(raw, content_type="application/octet-stream")
    name = f"postvak-{made.classifier.target}-{made.version}.model"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@admin_only
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Any but the one that is used."""
    made = get_object_or_404(ClassifierModel.objects.select_related("classifier"), pk=pk)
    if made.is_active:
        say(request, _("This version is used. Activate another one first."), tone="warn")
    else:
        versions.remove(made, by=asking(request))
        say(request, _("Version %(version)s is deleted.") % {"version": made.version})
    return redirect("admin_classifier_versions", made.classifier_id)
