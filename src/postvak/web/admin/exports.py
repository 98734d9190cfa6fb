"""System → Export: everything as one ZIP, made by a job, there for a week. Spec 10."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.jobs.queue import enqueue, file_of, stop
from postvak.keep.work import EXPORT
from postvak.log import audit
from postvak.models import Job
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.backups import OPEN, jobs_of
from postvak.web.flash import say
from postvak.web.session import agent_of, asking

SHOWN = 20


@require_GET
@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    jobs = list(jobs_of(EXPORT)[:SHOWN])
    context = {
        "job": next((job for job in jobs if job.state in OPEN), None),
        "exports": [(job, file_of(job) is not None) for job in jobs if job.state not in OPEN],
    }
    return admin_page(request, "exports.html", "exports", context)


@require_POST
@admin_only
def make(request: HttpRequest) -> HttpResponse:
    if jobs_of(EXPORT).filter(state__in=OPEN).exists():
        say(request, _("An export is being made already."))
    else:
        job = enqueue(EXPORT, {}, by=agent_of(request))
        audit.exported(asking(request), "everything", key=job.pk)
        say(request, _("The export is being made. It may take a while; you can leave this page."))
    return redirect("admin_exports")


@require_POST
@admin_only
def end(request: HttpRequest, pk: int) -> HttpResponse:
    stop(get_object_or_404(Job, pk=pk, kind=EXPORT))
    say(request, _("The export is stopped."))
    return redirect("admin_exports")


@require_GET
@admin_only
def download(request: HttpRequest, pk: int) -> FileResponse:
    job = get_object_or_404(Job, pk=pk, kind=EXPORT)
    path = file_of(job)
    if path is None:
        raise Http404
    audit.exported(asking(request), "everything", path.name, job.pk)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="application/zip")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
