"""System → Backups: make one now, the daily one, those that are there; the keys, locked with a passphrase. Spec 10."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_POST

from postvak.jobs.queue import enqueue
from postvak.keep import keys
from postvak.keep.download import streamed
from postvak.keep.places import Busy
from postvak.keep.prune import remove_one
from postvak.keep.source import found_in, named_in
from postvak.keep.work import BACKUP, backups_folder
from postvak.log import audit
from postvak.models import Job, Options
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.recording import save
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

HOURS = [("", gettext_lazy("No backup by itself")), *((hour, f"{hour:02d}:00") for hour in range(24))]
OPEN = (Job.State.WAITING, Job.State.RUNNING)


class DailyForm(forms.ModelForm):  # type: ignore[type-arg]
    backup_hour = forms.TypedChoiceField(
        label=gettext_lazy("daily backup at"), choices=HOURS, coerce=int, empty_value=None, required=False
    )

    class Meta:
        model = Options
        fields = ("backup_hour", "backups_kept")


class KeysForm(forms.Form):
    passphrase = forms.CharField(
        label=gettext_lazy("passphrase"),
        min_length=keys.SHORTEST,
        max_length=1000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    """The list; POST: when a backup is made each day."""
    form = DailyForm(request.POST or None, instance=Options.objects.get())
    if request.method == "POST" and form.is_valid():
        save(request, form)
        say(request, _("The daily backup is saved."))
        return redirect("admin_backups")
    return page(request, form)


def page(request: HttpRequest, form: forms.BaseForm, keys_form: forms.BaseForm | None = None) -> HttpResponse:
    jobs = jobs_of(BACKUP)
    context: dict[str, Any] = {
        "form": form,
        "keys_form": keys_form or KeysForm(),
        "backups": found_in(backups_folder()),
        "job": jobs.filter(state__in=OPEN).first(),
        "last": jobs.exclude(state__in=OPEN).first(),
        "folder": backups_folder(),
        "now": timezone.now(),
        "is_postgresql": settings.CONFIGURATION.database.engine != "sqlite3",
    }
    response = admin_page(request, "backups.html", "backups", context)
    if keys_form is not None and keys_form.errors:
        response.status_code = 422
    return response


def jobs_of(kind: str) -> QuerySet[Job]:
    return Job.objects.filter(kind=kind).select_related("created_by").order_by("-pk")


@require_GET
@admin_only
def progress(request: HttpRequest) -> HttpResponse:
    """The list anew while one is made."""
    return page(request, DailyForm(instance=Options.objects.get()))


@require_POST
@admin_only
def make(request: HttpRequest) -> HttpResponse:
    if jobs_of(BACKUP).filter(state__in=OPEN).exists():
        say(request, _("A backup is being made already."))
    else:
        job = enqueue(BACKUP, {}, by=agent_of(request))
        audit.record(asking(request), audit.Action.CREATED, kind="backup", key=job.pk)
        say(request, _("The backup is being made."))
    return redirect("admin_backups")


@require_GET
@admin_only
def download(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """As a tar file that `postvak restore` reads."""
    folder = folder_of(name)
    audit.exported(asking(request), "backup", name)
    response = StreamingHttpResponse(streamed(folder), content_type="application/x-tar")
    response.headers["Content-Disposition"] = f'attachment; filename="postvak-{name}.tar"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def folder_of(name: str) -> Path:
    folder = named_in(backups_folder(), name)
    if folder is None:
        raise Http404
    return folder


@require_POST
@admin_only
def delete(request: HttpRequest, name: str) -> HttpResponse:
    folder_of(name)
    try:
        remove_one(backups_folder(), name)
        audit.record(asking(request), audit.Action.DELETED, kind="backup", name=name)
        say(request, _("The backup is deleted."))
    except Busy:
        say(request, _("A backup is being made at this moment. Delete this one afterwards."), tone="warn")
    return redirect("admin_backups")


@sensitive_variables("passphrase")
@sensitive_post_parameters("passphrase")
@require_POST
@admin_only
def download_keys(request: HttpRequest) -> HttpResponse:
    """Locked: who has the file and not the passphrase has nothing."""
    form = KeysForm(request.POST)
    if not form.is_valid():
        return page(request, DailyForm(instance=Options.objects.get()), form)
    passphrase = form.cleaned_data["passphrase"]
    audit.record(asking(request), audit.Action.DOWNLOADED, kind="keys")
    response = HttpResponse(keys.lock(settings.CONFIGURATION.data, passphrase), content_type="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="postvak-keys.locked"'
    response.headers["Cache-Control"] = "no-store"
    return response
