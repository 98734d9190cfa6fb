"""The history of the settings: which changes can be taken back, what that would do, and doing it. What was changed: /audit."""

from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Field, Problem, Router, Token, asking, found
from postvak.models import AuditEntry
from postvak.setup.taking_back import (
    CannotTakeBack,
    Line,
    is_creation,
    is_deletion,
    take_back,
    trial,
)

router = Router(tags=["Settings"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)


class SettingLine(BaseModel):
    setting: str
    now: Any
    becomes: Any
    changed_since: bool = Field(description="It was changed again after the change that is taken back.")


class TakingBack(BaseModel):
    entry: int = Field(description="Of the audit.")
    does: str = Field(description="sets: settings as they were; makes: a deleted row again; deletes: a new row.")
    reason: str = Field(description="Why it can't be taken back; empty: it can.")
    settings: list[SettingLine]


@router.get("/audit/{int:pk}/taking-back", auth=READ, response=TakingBack)
def try_taking_back(request: ApiRequest, pk: int) -> Any:
    """What taking a change back would do, or why it can't be; nothing is changed."""
    entry = found(AuditEntry.objects.all(), pk=pk)
    try:
        return shown(entry, trial(entry, asking(request)))
    except CannotTakeBack as error:
        return shown(entry, [], str(error))


@router.post("/audit/{int:pk}/taking-back", auth=WRITE, response=TakingBack)
def take_change_back(request: ApiRequest, pk: int) -> Any:
    """Take it back; that is a change, too, and can be taken back."""
    entry = found(AuditEntry.objects.all(), pk=pk)
    try:
        lines = trial(entry, asking(request))
        take_back(entry, asking(request))
    except CannotTakeBack as error:
        raise Problem(409, str(error)) from error
    return shown(entry, lines)


def shown(entry: AuditEntry, lines: list[Line], reason: str = "") -> dict[str, Any]:
    does = "deletes" if is_creation(entry) else "makes" if is_deletion(entry) else "sets"
    settings = [
        {"setting": line.name, "now": line.now, "becomes": line.becomes, "changed_since": line.since} for line in lines
    ]
    return {"entry": entry.pk, "does": does, "reason": reason, "settings": settings}
