"""The communication log, the audit and the state of health; for administrators."""

from datetime import datetime
from typing import Any, Literal

from django.db.models import Q
from django.utils import timezone

from postvak.api.frame import ApiRequest, BaseModel, Field, Page, Paging, Query, Router, Token, by_key, found, page
from postvak.api.paging import LARGEST
from postvak.api.ticket_lists import moment
from postvak.log.talk_sentences import talk_line
from postvak.models import AuditEntry, Communication, CommunicationEntry, CommunicationObject
from postvak.notify.health.checks import findings

router = Router(tags=["Logs"])
READ = Token("logs:read", admin=True)
State = Literal["running", "successful", "warning", "failed"]


class Talk(BaseModel):
    id: int
    direction: Literal["in", "out"]
    transport: str
    account: str = Field(description="Name of the mailbox or channel then.")
    state: State
    started_at: datetime
    ended_at: datetime | None
    duration_ms: float | None
    mails: int


class TalkStep(BaseModel):
    id: int
    at: datetime
    level: Literal["debug", "info", "notice", "warning", "error"]
    module: str
    about: str = Field(description="Host or mail that it is about.")
    code: str
    parameters: dict[str, Any]
    text: str
    detail: str


class WholeTalk(Talk):
    entries: list[TalkStep]


class Wanted(Paging):
    state: State | None = None
    direction: Literal["in", "out"] | None = None
    account: str = Field("", max_length=200)
    since: datetime | None = None
    receipt: int | None = Field(None, ge=1, le=LARGEST, description="About this mail that came in.")
    outgoing: int | None = Field(None, ge=1, le=LARGEST, description="About this mail that went out.")


class Finding(BaseModel):
    code: str
    severity: Literal["alarm", "warning", "notice"]
    about: str
    title: str
    text: str
    since: datetime | None


def shown(row: Communication) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Talk.model_fields}


@router.get("/communications", auth=READ, response=Page[Talk])
def list_communications(request: ApiRequest, wanted: Query[Wanted]) -> Any:
    """Talks with mail servers, newest first."""
    plain = {"state": wanted.state, "direction": wanted.direction, "account": wanted.account}
    rows = Communication.objects.filter(**{name: value for name, value in plain.items() if value})
    if wanted.since:
        rows = rows.filter(started_at__gte=moment(wanted.since, "since"))
    about = {"receipt": wanted.receipt, "outgoing": wanted.outgoing}
    mails = Q(**{name: key for name, key in about.items() if key})
    if mails:
        rows = rows.filter(pk__in=CommunicationObject.objects.filter(mails).values("communication"))
    slice = by_key(rows, wanted)
    return page(request, [shown(row) for row in slice.rows], slice.next)


@router.get("/communications/{int:pk}", auth=READ, response=WholeTalk)
def get_communication(request: ApiRequest, pk: int) -> Any:
    """One talk with every step."""
    row = found(Communication.objects.all(), pk=pk)
    entries = CommunicationEntry.objects.filter(about__communication=row).select_related("about").order_by("pk")
    return shown(row) | {"entries": [entry_shown(entry) for entry in entries]}


def entry_shown(entry: CommunicationEntry) -> dict[str, Any]:
    line = talk_line(entry)
    return {
        "id": entry.pk,
        "at": entry.at,
        "level": CommunicationEntry.Priority(entry.priority).name.lower(),
        "module": entry.module,
        "about": entry.about.name,
        "code": entry.code,
        "parameters": entry.parameters if isinstance(entry.parameters, dict) else {},
        "text": line.title,
        "detail": line.detail,
    }


@router.get("/health", auth=READ, response=list[Finding])
def list_findings(request: ApiRequest) -> Any:
    """What is wrong at this moment, the most severe first; empty: nothing."""
    return [
        {
            "code": one.code,
            "severity": one.severity.value,
            "about": one.about,
            "title": one.title,
            "text": one.text,
            "since": one.since,
        }
        for one in findings(timezone.now())
    ]


# -- audit ----------------------------------------------------------------------------


class AuditShown(BaseModel):
    id: int
    at: datetime
    who: str = Field(description="Name of the agent then; empty: the command line, or Postvak itself.")
    origin: str = Field(description="browser, command, api or itself.")
    remote_ip: str
    action: str
    kind: str = Field(description="What it was about: mailbox, queue, agent …")
    key: int | None
    name: str
    changes: dict[str, list[Any]] = Field(description="By field: before, after. Secrets as …")


class AuditWanted(Paging):
    kind: str = Field("", max_length=40)
    key: int | None = Field(None, ge=1, le=LARGEST)
    action: str = Field("", max_length=14)
    since: datetime | None = None


@router.get("/audit", auth=READ, response=Page[AuditShown])
def list_audit(request: ApiRequest, wanted: Query[AuditWanted]) -> Any:
    """What was changed in the administration, log-ins, exports; newest first."""
    plain = {"kind": wanted.kind, "key": wanted.key, "action": wanted.action}
    rows = AuditEntry.objects.filter(**{name: value for name, value in plain.items() if value})
    if wanted.since:
        rows = rows.filter(at__gte=moment(wanted.since, "since"))
    slice = by_key(rows, wanted)
    items = [{name: getattr(row, name) for name in AuditShown.model_fields} for row in slice.rows]
    return page(request, items, slice.next)
