"""Imports of other systems and of mails of the past, from files that lie on the server. They are jobs: see api.jobs for how far they are."""

from typing import Any, Literal

from django.db import transaction

from postvak.api.frame import ApiRequest, BaseModel, Body, Field, Router, Token, agent_of, asking, created, invalid
from postvak.api.jobs import JobShown
from postvak.api.jobs import shown as job_shown
from postvak.api.paging import LARGEST
from postvak.bring.work import KIND, on_the_server, place_of
from postvak.jobs.queue import enqueue
from postvak.log.audit import Action, record
from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Queue

router = Router(tags=["Jobs"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)


class ImportSources(BaseModel):
    files: list[str] = Field(description="In the directory `import` of the data directory.")
    directories: list[str]


class ImportGiven(Body):
    source: Literal["mails", "otobo", "zammad", "osticket"]
    path: str = Field(max_length=300, description="A name that /imports/sources lists.")
    is_dry: bool = Field(True, description="A trial: everything is read and nothing is written.")
    queue: int | None = Field(
        None, ge=1, le=LARGEST, description="For what names none of its own; null: the default one."
    )
    open_days: int = Field(0, ge=0, le=36_500, description="Tickets whose last mail is younger stay open.")
    ours: list[str] = Field([], max_length=1000, description="Further addresses of ours: their mails are answers.")
    articles: str = Field("", max_length=300, description="A directory of /imports/sources with the files of messages.")


@router.get("/imports/sources", auth=READ, response=ImportSources)
def list_import_sources(request: ApiRequest) -> Any:
    """What lies on the server to be imported."""
    files, directories = on_the_server()
    return {"files": files, "directories": directories}


@router.post("/imports", auth=WRITE, response={201: JobShown})
def start_import(request: ApiRequest, given: ImportGiven) -> Any:
    """Begin an import, a trial unless told otherwise. It sends nothing and doubles nothing."""
    parameters = parameters_of(given)
    with transaction.atomic():
        job = enqueue(KIND, parameters, by=agent_of(request))
        if not given.is_dry:
            changes: dict[str, list[object]] = {"file": ["", given.path], "kind": ["", given.source]}
            record(asking(request), Action.IMPORTED, kind="job", key=job.pk, name=given.path, changes=changes)
    return created(job_shown(job))


def parameters_of(given: ImportGiven) -> dict[str, Any]:
    files, directories = on_the_server()
    if given.path not in {*files, *directories}:
        raise invalid("path", "There is no such file in the directory for imports.")
    if given.articles and given.articles not in directories:
        raise invalid("articles", "There is no such directory.")
    queue = Queue.objects.filter(
        is_valid=True, **({"pk": given.queue} if given.queue else {"is_default": True})
    ).first()
    if queue is None:
        raise invalid("queue", "There is no such queue.")
    if wrong := [address for address in given.ours if not is_valid_recipient(address)]:
        raise invalid("ours", f"“{wrong[0][:320]}” is not an e-mail address.")
    return {
        "kind": given.source,
        "path": str(place_of(given.path)),
        "name": given.path,
        "queue": queue.pk,
        "open_days": given.open_days,
        "ours": list(dict.fromkeys(normalise(address) for address in given.ours)),
        "articles": str(place_of(given.articles)) if given.articles else "",
        "is_dry": given.is_dry,
    }
