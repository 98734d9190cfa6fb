"""Customers and organisations as a table (CSV): all of them out, and a table in, first as a trial."""

from typing import Any

from django.db import transaction
from django.http import StreamingHttpResponse

from postvak.api.frame import ApiRequest, BaseModel, Body, Field, Query, Router, Status, Token, asking, created, invalid
from postvak.api.jobs import JobShown
from postvak.api.jobs import shown as job_shown
from postvak.api.messages import NOTHING_RUNS, as_file
from postvak.bring.sheet import SEPARATORS, BadSheet, Sheet, read_sheet
from postvak.bring.sheet_begin import begin, columns_of, kept, says_who, usual_columns
from postvak.bring.sheet_rows import Fate
from postvak.bring.sheet_work import preview
from postvak.log.audit import exported
from postvak.tickets.sheets import CUSTOMERS, ORGANISATIONS, lines

router = Router(tags=["Customers"])
READ, WRITE = Token("customers:read", admin=True), Token("customers:write", admin=True)
CSV = "text/csv"
LONGEST = 30_000_000
SHOWN = 200


class TableWanted(BaseModel):
    separator: str = Field(",", description="Comma, semicolon or tab.")


class TableGiven(Body):
    table: str = Field(max_length=LONGEST, description="CSV with a line of heads; its separator is found by itself.")
    columns: list[str] | None = Field(
        None,
        max_length=1000,
        description="What each column is, empty: to be left out. null: by the heads; the trial says what was found.",
    )
    name: str = Field("", max_length=200, description="What the job is called by.")
    is_dry: bool = Field(True, description="A trial: nothing is written.")


class RowFate(BaseModel):
    line: int = Field(description="Of the table; the heads are 1.")
    state: str = Field(description="new, changed, same, wrong.")
    changes: list[str] = Field(description="Columns that become something else.")
    code: str = Field(description="Of a wrong one; for programs.")
    why: str


class TableTrial(BaseModel):
    heads: list[str]
    columns: list[str]
    possible: list[str] = Field(description="What a column can be; `field:` is a custom field.")
    rows: int
    looked_at: int = Field(description="Of a long table the trial looks at the beginning.")
    counts: dict[str, int] = Field(description="Rows by their state.")
    organisations: int = Field(description="New ones that come along with customers.")
    items: list[RowFate] = Field(description=f"The first {SHOWN} rows.")
    wrong: list[RowFate] = Field(description=f"The first {SHOWN} that would be left out.")


@router.get("/customers/table", auth=READ, openapi_extra=as_file(CSV))
def get_customer_table(request: ApiRequest, wanted: Query[TableWanted]) -> StreamingHttpResponse:
    """All customers as CSV in UTF-8. What a spreadsheet would take for a formula has an apostrophe in front."""
    return table(request, CUSTOMERS, wanted)


@router.get("/organisations/table", auth=READ, openapi_extra=as_file(CSV))
def get_organisation_table(request: ApiRequest, wanted: Query[TableWanted]) -> StreamingHttpResponse:
    """All organisations as CSV in UTF-8. What a spreadsheet would take for a formula has an apostrophe in front."""
    return table(request, ORGANISATIONS, wanted)


@router.post("/customers/table", auth=WRITE, response={200: TableTrial, 201: JobShown})
def import_customers(request: ApiRequest, given: TableGiven) -> Any:
    """Customers of a table: found by an address, else made; an empty cell changes nothing. A trial answers 200, else a job begins (201)."""
    return taken(request, CUSTOMERS, given)


@router.post("/organisations/table", auth=WRITE, response={200: TableTrial, 201: JobShown})
def import_organisations(request: ApiRequest, given: TableGiven) -> Any:
    """Organisations of a table: found by number or name, else made. A trial answers 200, else a job begins (201)."""
    return taken(request, ORGANISATIONS, given)


def table(request: ApiRequest, what: str, wanted: TableWanted) -> StreamingHttpResponse:
    if wanted.separator not in SEPARATORS:
        raise invalid("separator", "Comma, semicolon or tab.")
    exported(asking(request), what)
    rows = lines(what, separator=wanted.separator)
    heads = next(rows)  # now, while the language is English
    response = StreamingHttpResponse(content_type=f"{CSV}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="postvak-{what}.csv"'
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    response.streaming_content = (part for parts in ([heads], rows) for part in parts)
    return response


def taken(request: ApiRequest, what: str, given: TableGiven) -> "dict[str, Any] | Status[Any]":
    raw = given.table.encode()
    try:
        sheet = read_sheet(raw)
    except BadSheet as error:
        raise invalid("table", str(error)) from error
    columns = columns_in(given, sheet, what)
    if given.is_dry:
        return trial(sheet, what, columns)
    token = kept(raw)
    with transaction.atomic():
        return created(job_shown(begin(what, token, columns, name=given.name, by=asking(request))))


def columns_in(given: TableGiven, sheet: Sheet, what: str) -> list[str]:
    columns = usual_columns(sheet, what) if given.columns is None else given.columns
    if len(columns) != len(sheet.heads):
        raise invalid("columns", f"The table has {len(sheet.heads)} columns.")
    named = [column for column in columns if column]
    if strange := sorted(set(named) - set(columns_of(what))):
        raise invalid("columns", f"There is no column “{strange[0][:100]}”. There are: {', '.join(columns_of(what))}.")
    if len(named) != len(set(named)):
        raise invalid("columns", "One of them stands there twice.")
    if not says_who(columns, what):
        raise invalid("columns", "Say which column has the name, the e-mail addresses or the customer number.")
    return columns


def trial(sheet: Sheet, what: str, columns: list[str]) -> dict[str, Any]:
    found = preview(sheet, what, columns, shown=SHOWN)
    return {
        "heads": list(sheet.heads),
        "columns": columns,
        "possible": columns_of(what),
        "rows": len(sheet.rows),
        "looked_at": found.of,
        "counts": dict(found.counts),
        "organisations": found.made_beside,
        "items": [fate_shown(fate) for fate in found.fates],
        "wrong": [fate_shown(fate) for fate in found.wrong],
    }


def fate_shown(fate: Fate) -> dict[str, Any]:
    plain = {name: getattr(fate, name) for name in ("state", "code", "why")}
    return {"line": fate.row.line, "changes": list(fate.changes)} | plain
