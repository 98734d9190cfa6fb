"""Every setting of the administration, by the sections of the configuration file. Spec 10."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Body,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Status,
    Token,
    Wrong,
    asking,
    cut,
    gone,
    page,
)
from postvak.setup.fields import SettingError
from postvak.setup.one import change, found, remove, schema, shown
from postvak.setup.section import CannotRemove, Section
from postvak.setup.sections import SECTIONS, by_name

router = Router(tags=["Settings"])
READ, WRITE = Token("settings:read", admin=True), Token("settings:write", admin=True)


class SectionShown(BaseModel):
    name: str
    key: str = Field(description="What its rows are found by.")
    is_single: bool = Field(description="There is one row, with the key 1.")
    can_be_deleted: bool = Field(description="False: rows of it are made invalid.")
    settings: dict[str, Any] = Field(description="JSON Schema of the settings of a row.")


class RowShown(BaseModel):
    key: str
    settings: dict[str, Any] = Field(description="As in the configuration file; secrets are left out.")


class RowsWanted(Paging):
    q: str = Field("", max_length=200, description="A part of the key, or of a text among the settings.")
    valid: bool | None = Field(None, description="Only valid ones, or only the others.")
    order: str = Field(
        "", max_length=60, description="A setting; with - before it the other way round. Else by the key."
    )


class SettingsGiven(Body):
    settings: dict[str, Any] = Field(description="By their names; secrets as texts.")


@router.get("/settings", auth=READ, response=Page[SectionShown])
def list_sections(request: ApiRequest, paging: Query[Paging]) -> Any:
    """What can be set, with the schema of each section."""
    rest = after([section.name for section in SECTIONS], list(SECTIONS), paging)
    slice = cut(rest, paging, lambda section: section.name)
    return page(request, [section_shown(section) for section in slice.rows], slice.next)


def section_shown(section: Section) -> dict[str, Any]:
    plain = {"name": section.name, "key": section.key, "is_single": section.is_single}
    return {**plain, "can_be_deleted": section.remove is not None, "settings": schema(section)}


@router.get("/settings/{section}", auth=READ, response=Page[RowShown])
def list_settings(request: ApiRequest, section: str, wanted: Query[RowsWanted]) -> Any:
    """The rows of a section."""
    wished = section_of(section)
    rows = [row_shown(wished, row) for row in wished.rows()]
    rows = ordered(wished, [row for row in rows if fits(row, wanted)], wanted.order)
    slice = cut(after([row["key"] for row in rows], rows, wanted), wanted, lambda row: str(row["key"]))
    return page(request, list(slice.rows), slice.next)


@router.get("/settings/{section}/{path:key}", auth=READ, response=RowShown)
def get_settings(request: ApiRequest, section: str, key: str) -> Any:
    """One row."""
    wished = section_of(section)
    return row_shown(wished, row_of(wished, key))


@router.put("/settings/{section}/{path:key}", auth=WRITE, response={200: RowShown, 201: RowShown})
def put_settings(request: ApiRequest, section: str, key: str, given: SettingsGiven) -> Any:
    """Make a row, or replace its settings: what isn't named is as in a new row. Secrets that aren't named stay."""
    return written(request, section, key, given, is_whole=True)


@router.patch("/settings/{section}/{path:key}", auth=WRITE, response=RowShown)
def change_settings(request: ApiRequest, section: str, key: str, given: SettingsGiven) -> Any:
    """Change some settings of a row."""
    row_of(section_of(section), key)
    return written(request, section, key, given, is_whole=False)


@router.delete("/settings/{section}/{path:key}", auth=WRITE, response={204: None})
def delete_settings(request: ApiRequest, section: str, key: str) -> Any:
    """Delete a row that nothing uses."""
    wished = section_of(section)
    try:
        remove(wished, row_of(wished, key), asking(request))
    except CannotRemove as error:
        raise Problem(409, str(error)) from error
    except SettingError as error:
        raise told(error) from error
    return gone()


def section_of(name: str) -> Section:
    if name not in by_name():
        raise Http404
    return by_name()[name]


def row_of(section: Section, key: str) -> Any:
    try:
        row = found(section, key)
    except SettingError:
        row = None
    if row is None:
        raise Http404
    return row


def row_shown(section: Section, row: Any) -> dict[str, Any]:
    return {"key": str(section.key_of(row)), "settings": shown(section, row)}


def fits(row: dict[str, Any], wanted: RowsWanted) -> bool:
    settings = row["settings"]
    texts = (row["key"], *(value for value in settings.values() if isinstance(value, str)))
    is_valid = settings.get("valid", settings.get("validity", "valid") == "valid")
    return any(wanted.q.casefold() in text.casefold() for text in texts) and wanted.valid in {None, is_valid}


def ordered(section: Section, rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    name = order.removeprefix("-")
    if not name:
        return rows
    if name not in {"key", *section.settings}:
        raise Problem(
            422, "There is no such order.", errors=[Wrong("order", "Name a setting of this section, or key.")]
        )
    return sorted(rows, key=lambda row: place_of(row, name), reverse=order.startswith("-"))


def place_of(row: dict[str, Any], name: str) -> tuple[bool, float, str]:
    """Numbers by their value, before texts; nothing at the end."""
    value = row["key"] if name == "key" else row["settings"].get(name)
    number = float(value) if isinstance(value, int | float) else 0.0
    return value is None, number, "" if isinstance(value, int | float) else str(value).casefold()


def after(keys: Sequence[str], rows: Sequence[Any], paging: Paging) -> Sequence[Any]:
    """Those behind the cursor, one more than fits."""
    begin = keys.index(paging.place) + 1 if paging.after and paging.place in keys else 0
    return rows[begin : begin + paging.limit + 1]


def written(request: ApiRequest, section: str, key: str, given: SettingsGiven, *, is_whole: bool) -> Any:
    wished = section_of(section)
    try:
        row, is_new = change(wished, key, given.settings, asking(request), is_whole=is_whole)
    except SettingError as error:
        raise told(error) from error
    answer = row_shown(wished, row)
    return Status(201, answer) if is_new else answer


def told(error: SettingError) -> Problem:
    """Of what a program sent as `settings`."""
    field = f"settings.{error.field}" if error.field else "settings"
    return Problem(422, "These settings can't be so: see errors.", errors=[Wrong(field, str(error))])
