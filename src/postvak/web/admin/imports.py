"""Import: tickets and mails of another system. First a trial that writes nothing, then the import itself, as a job."""

import secrets
import shutil
import time
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.bring.work import KIND, UPLOAD, UPLOADS_KEPT, forget_uploads, incoming_directory, place_of
from postvak.jobs import queue
from postvak.log.audit import Action, record
from postvak.mail.charsets import storable
from postvak.models import Job
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.forms.imports import ImportForm
from postvak.web.admin.jobs import shown
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

SHOWN = 20


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    jobs = Job.objects.filter(kind=KIND).select_related("created_by")[:SHOWN]
    return admin_page(request, "imports.html", "imports", {"lines": [shown(job) for job in jobs]})


@admin_only
def edit(request: HttpRequest) -> HttpResponse:
    """GET: choose. POST: the file is kept and a job begins, a trial unless `now` is pressed."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        job = begin(request, parameters_of(form, is_dry="now" not in request.POST))
        return redirect("admin_job", job.pk)
    context = {"form": form, "place": str(incoming_directory())}
    return admin_page(request, "import.html", "imports", context)


def parameters_of(form: ImportForm, *, is_dry: bool) -> dict[str, Any]:
    asked = form.cleaned_data
    sent = asked["file"]
    path = kept(sent) if sent else place_of(asked["path"])
    return {
        "kind": asked["kind"],
        "path": str(path),
        "name": storable(sent.name or "")[:200] if sent else path.name,
        "queue": asked["queue"].pk,
        "open_days": asked["open_days"],
        "ours": asked["ours"],
        "articles": str(place_of(asked["articles"])) if asked["articles"] else "",
        "is_dry": is_dry,
    }


def kept(sent: "UploadedFile[Any]") -> Path:
    """The uploaded file under a name of our own, with its ending, which tells how it is packed. Large ones are on disk already."""
    place = incoming_directory()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    forget_uploads(time.time() - UPLOADS_KEPT)
    ending = "".join(Path(sent.name or "").suffixes[-2:])[:20]
    clean = ending if ending.replace(".", "").isalnum() and ending.isascii() else ""
    path = place / f"{UPLOAD}{secrets.token_hex(8)}{clean.lower()}"
    lies_at = getattr(sent, "temporary_file_path", None)
    if lies_at is not None:
        shutil.copyfile(lies_at(), path)
    else:
        path.write_bytes(sent.read())
    path.chmod(0o600)
    return path


def begin(request: HttpRequest, parameters: dict[str, Any]) -> Job:
    job = queue.enqueue(KIND, parameters, by=agent_of(request))
    if not parameters["is_dry"]:
        changes = {"file": ["", parameters["name"]], "kind": ["", parameters["kind"]]}
        record(asking(request), Action.IMPORTED, kind="job", key=job.pk, name=parameters["name"], changes=changes)
    return job


@require_POST
@admin_only
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """POST …/start/: what the trial `pk` showed is imported now."""
    trial = get_object_or_404(Job, pk=pk, kind=KIND, state=Job.State.DONE)
    if not Path(trial.parameters["path"]).exists():
        say(request, _("The file is no longer there. Choose it once more."), tone="alert")
        return redirect("admin_import_new")
    return redirect("admin_job", begin(request, {**trial.parameters, "is_dry": False}).pk)
