"""The whole set-up as one TOML text: what `postvak config export` prints, and what `postvak config apply` does. Spec 10."""

from typing import Any

from django.http import HttpResponse

from postvak.api.frame import ApiRequest, BaseModel, Body, Field, Router, Token, asking, invalid
from postvak.api.messages import NOTHING_RUNS, as_file
from postvak.log.audit import exported
from postvak.setup import file
from postvak.setup.changing import Change
from postvak.setup.fields import SettingError
from postvak.setup.values import as_json

router = Router(tags=["Settings"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)
TOML = "application/toml"
LONGEST = 20_000_000


class ConfigurationGiven(Body):
    toml: str = Field(
        max_length=LONGEST,
        description="As `GET /configuration` gives it, or a part of it: what isn't named stays. Secrets are texts here; "
        "those that aren't named stay.",
    )
    is_dry: bool = Field(False, description="Only say what would be different.")


class SettingChange(BaseModel):
    section: str
    key: str
    field: str = Field(description="Empty: the row is new.")
    old: Any = Field(description="Of a secret only whether it changes.")
    new: Any


class ConfigurationApplied(BaseModel):
    changes: list[SettingChange] = Field(description="None: everything was so already.")
    is_written: bool


@router.get("/configuration", auth=READ, openapi_extra=as_file(TOML))
def get_configuration(request: ApiRequest) -> HttpResponse:
    """All settings as TOML, without secrets. A comment says of what is too large for it where it is."""
    exported(asking(request), "config")
    response = HttpResponse(file.export(), content_type=f"{TOML}; charset=utf-8")
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


@router.post("/configuration", auth=WRITE, response=ConfigurationApplied)
def apply_configuration(request: ApiRequest, given: ConfigurationGiven) -> Any:
    """Make the settings as the text says, all or nothing. The same text once more changes nothing."""
    try:
        changes = file.apply(given.toml, base=None, dry_run=given.is_dry, by=asking(request))
    except SettingError as error:
        raise invalid("toml", str(error)) from error
    return {"changes": [shown(change) for change in changes], "is_written": bool(changes) and not given.is_dry}


def shown(change: Change) -> dict[str, Any]:
    return {name: as_json(value) for name, value in change.as_json().items()}
