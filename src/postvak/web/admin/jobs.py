"""Jobs: long work that runs in the background, how far it is, why it failed, and what came of it. Spec 10."""

from collections.abc import Callable, Mapping

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from postvak.jobs import queue
from postvak.log.audit import Action, record, recording
from postvak.models import Job
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.admin.imports_words import About, about_import
from postvak.web.admin.sheets_words import about_sheet
from postvak.web.flash import say
from postvak.web.pages import render
from postvak.web.session import asking

PER_PAGE = 50
State = Job.State
OPEN = (State.WAITING, State.RUNNING)
TONES = {State.DONE: "good", State.FAILED: "alert", State.STOPPED: "warn", State.RUNNING: "key"}
ICONS = {
    State.DONE: "tick",
    State.FAILED: "octagon",
    State.STOPPED: "pause",
    State.RUNNING: "play",
    State.WAITING: "clock",
}
KINDS: Mapping[str, str | Promise] = {
    "import": gettext_lazy("Import"),
    "sheet": gettext_lazy("Table"),
    "export": gettext_lazy("Export"),
    "backup": gettext_lazy("Backup"),
    "restore": gettext_lazy("Restoring"),
    "erase": gettext_lazy("Erasure"),
    "open_mails": gettext_lazy("Opening encrypted mails"),
    "fetch_lists": gettext_lazy("Fetching revocation lists"),
    "train": gettext_lazy("Learning (classification)"),
}

# what the list can be narrowed to: (words, states)
SHOWN: Mapping[str, tuple[str | Promise, tuple[State, ...]]] = {
    "open": (gettext_lazy("Under way"), OPEN),
    "failed": (pgettext_lazy("jobs", "Failed"), (State.FAILED, State.STOPPED)),
    "done": (pgettext_lazy("jobs", "Done"), (State.DONE,)),
}
ABOUT: Mapping[str, Callable[[Job], About]] = {"import": about_import, "sheet": about_sheet}


def shown(job: Job) -> dict[str, object]:
    """What list and page need of one job."""
    share = min(100, job.done * 100 // job.total) if job.total else None
    return {
        "job": job,
        "kind": KINDS.get(job.kind, job.kind),
        "tone": TONES.get(State(job.state), ""),
        "icon": ICONS[State(job.state)],
        "share": 100 if job.state == State.DONE else share,
        "is_open": job.state in OPEN,
        "may_try_again": job.state in {State.FAILED, State.STOPPED},
        "has_file": queue.file_of(job) is not None,
        "about": ABOUT[job.kind](job) if job.kind in ABOUT else None,
    }


@admin_only
def listing(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("state", "")
    wanted = wanted if wanted in SHOWN else ""
    jobs = Job.objects.select_related("created_by")
    jobs = jobs.filter(state__in=SHOWN[wanted][1]) if wanted else jobs
    page = Paginator(jobs, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "lines": [shown(job) for job in page],
        "states": [("", pgettext("rows", "All")), *((name, words) for name, (words, _states) in SHOWN.items())],
        "state": wanted,
    }
    return admin_page(request, "jobs.html", "jobs", context)


@admin_only
def show(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(Job.objects.select_related("created_by"), pk=pk)
    return admin_page(request, "job.html", "imports" if job.kind in ABOUT else "jobs", {"line": shown(job)})


@require_GET
@admin_only
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """GET …/look/: how far it is now, for a page that waits."""
    return render(request, "admin/job_state.html", {"line": shown(get_object_or_404(Job, pk=pk))})


@require_POST
@admin_only
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(Job, pk=pk)
    with recording(asking(request), job):
        queue.stop(job)
    say(request, _("It stops at its next step. What it did so far stays."))
    return redirect("admin_job", pk)


@require_POST
@admin_only
def attempt(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(Job, pk=pk)
    with recording(asking(request), job):
        was_ended = queue.try_again(job)
    say(request, _("It goes on from where it was.") if was_ended else _("There is nothing to go on with."))
    return redirect("admin_job", pk)


@require_GET
@admin_only
def file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What the job made. Raises 404 when it is gone, or lies on another machine."""
    job = get_object_or_404(Job, pk=pk)
    path = queue.file_of(job)
    if path is None:
        raise Http404
    record(asking(request), Action.EXPORTED, kind="job", key=job.pk, name=f"{job.kind} {job.pk}: {path.name}")
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
