"""Filters from a file of Postvak, OTOBO, Znuny or OTRS, as `postvak filters import`. To get them out: `/configuration`."""

from typing import Any

from postvak.api.frame import ApiRequest, BaseModel, Body, Field, Problem, Router, Token, asking, invalid
from postvak.log.audit import By, recording
from postvak.models import Filter
from postvak.process.filters.imports import ChangedMeanwhile, NotUnderstood, Report, import_text, save

router = Router(tags=["Settings"])
LONGEST = 30_000_000


class FiltersGiven(Body):
    text: str = Field(
        max_length=LONGEST, description="TOML or JSON of filters, or the table postmaster_filter as SQL, CSV or JSON."
    )
    replace: bool = Field(False, description="Replace filters of the same name.")
    is_dry: bool = Field(True, description="Only say what would become of each filter.")


class FilterFate(BaseModel):
    name: str
    result: str = Field(description="What becomes of it; for programs.")
    adapted: list[str] = Field(description="What is different here.")
    reasons: list[str] = Field(description="Why it is saved switched off, or refused.")
    replaces: bool
    filter: dict[str, Any] | None


class FiltersImported(BaseModel):
    source: str
    counts: dict[str, int]
    notes: list[str]
    filters: list[FilterFate]
    saved: bool


@router.post("/filters/import", auth=Token("settings:write", admin=True), response=FiltersImported)
def import_filters(request: ApiRequest, given: FiltersGiven) -> Any:
    """What would not do the same here is saved switched off, with the reason in its comment."""
    try:
        report = import_text(given.text.encode(), replace=given.replace)
    except NotUnderstood as error:
        raise invalid("text", str(error)) from error
    if not given.is_dry:
        write(report, asking(request))
    return report.as_json() | {"saved": not given.is_dry}


def write(report: Report, by: By) -> None:
    names = [entry.name for entry in report.entries]
    try:
        with recording(by, *Filter.objects.filter(name__in=names)) as made:
            save(report, by=by.agent)
            made += Filter.objects.filter(name__in=names)
    except ChangedMeanwhile as error:
        raise Problem(409, "Somebody changed the filters at the same moment. Try again.") from error
