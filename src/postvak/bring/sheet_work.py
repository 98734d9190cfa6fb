"""The import of a table: what would become of its rows, and the job that takes them over, with a list of those left out."""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from postvak.bring.sheet import BadSheet, Row, Sheet, read_sheet
from postvak.bring.sheet_customers import Customers
from postvak.bring.sheet_organisations import Organisations
from postvak.bring.sheet_rows import Fate
from postvak.bring.work import UPLOAD, incoming_directory
from postvak.jobs.queue import directory
from postvak.jobs.run import JobError, Run
from postvak.tickets.field_sets import fields_of
from postvak.tickets.sheets import CUSTOMERS, HOLDERS, guarded

KIND = "sheet"
REPORT = "left-out.csv"
STEP = 500  # rows per transaction
TRIED = 20_000  # rows of a preview; more are counted by the import itself
ATTEMPTS = 3
TOKEN = re.compile(r"[0-9a-f]{16}")
Taker = Customers | Organisations


def path_of(token: str) -> Path:
    """Where the uploaded file with this name lies; a token that is none names no file."""
    return incoming_directory() / f"{UPLOAD}{token if TOKEN.fullmatch(token) else 'none'}.sheet"


def taker_of(what: str, columns: Sequence[str], *, is_dry: bool = False) -> Taker:
    kind = Customers if what == CUSTOMERS else Organisations
    return kind(columns, fields_of(HOLDERS[what]), is_dry=is_dry)


def portions(rows: Sequence[Row], start: int = 0) -> Iterator[tuple[int, Sequence[Row]]]:
    for at in range(start, len(rows), STEP):
        yield at, rows[at : at + STEP]


# -- before ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Preview:
    """`fates`: of the first rows. `counts`: by state, of the first `of` rows. `made_beside`: organisations that come along."""

    fates: list[Fate]
    counts: Counter[str]
    wrong: list[Fate]
    of: int
    made_beside: int


def preview(sheet: Sheet, what: str, columns: Sequence[str], *, shown: int) -> Preview:
    """What would become of the rows; nothing is written."""
    taker = taker_of(what, columns, is_dry=True)
    found = Preview([], Counter(), [], min(len(sheet.rows), TRIED), 0)
    for _at, rows in portions(sheet.rows[:TRIED]):
        fates = taker.plan(rows)
        found.fates.extend(fates[: shown - len(found.fates)])
        found.counts.update(fate.state for fate in fates)
        wrong = [fate for fate in fates if fate.state == "wrong"]
        found.wrong.extend(wrong[: shown - len(found.wrong)])
    return Preview(found.fates, found.counts, found.wrong, found.of, taker.made_beside)


# -- the job ----------------------------------------------------------------------------


def take_sheet(run: Run) -> None:
    """The work of a job. `parameters`: what, token, columns, name. A portion that is done twice changes nothing."""
    asked, path = run.parameters, path_of(run.parameters["token"])
    agent = run.job.created_by
    with translation.override((agent.language if agent else "") or translation.get_language()):
        sheet = sheet_at(path)
        taker = taker_of(asked["what"], asked["columns"])
        counts = Counter(run.job.counts)
        for at, rows in portions(sheet.rows, int(run.point.get("row", 0))):
            take_portion(run, taker, at, rows, counts, len(sheet.rows))
        reasons, report = write_report(run, sheet)
    run.finish(result={"reasons": reasons}, file=report)
    path.unlink(missing_ok=True)


def sheet_at(path: Path) -> Sheet:
    try:
        return read_sheet(path.read_bytes())
    except FileNotFoundError as error:
        raise JobError(_("The uploaded file is not there any more. Choose it once more.")) from error
    except (BadSheet, OSError) as error:
        raise JobError.of(error) from error


def take_portion(run: Run, taker: Taker, at: int, rows: Sequence[Row], counts: Counter[str], total: int) -> None:
    """A mail that comes in meanwhile may make the same address: then once more."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                fates = taker.plan(rows)
                beside = taker.made_beside
                taker.save()
                tally = counts + Counter(fate.state for fate in fates) + Counter(organisations=beside)
                keep_left(run, at, fates)
                run.progress(done=at + len(rows), total=total, counts=dict(tally), point={"row": at + len(rows)})
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            counts.clear()
            counts.update(tally)
            return


# -- what was left out ----------------------------------------------------------------------------


def keep_left(run: Run, at: int, fates: Sequence[Fate]) -> None:
    """In a file for each portion, so that one that is done again says nothing twice."""
    left = [(fate.row.line, fate.code, fate.why, fate.row.cells) for fate in fates if fate.state == "wrong"]
    path = directory(run.job) / f"left-{at:09}.json"
    path.write_text(json.dumps(left), encoding="utf-8") if left else path.unlink(missing_ok=True)


def write_report(run: Run, sheet: Sheet) -> tuple[dict[str, int], str]:
    """How many for which reason, and the name of the list with line, reason and cells; "" when nothing was left out."""
    place, reasons = directory(run.job), Counter[str]()
    parts = sorted(place.glob("left-*.json"))
    if not parts:
        return {}, ""
    with (place / REPORT).open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, delimiter=sheet.separator)
        table.writerow([guarded(cell) for cell in (gettext("Line"), gettext("Why it was left out"), *sheet.heads)])
        for part in parts:
            for line, code, why, cells in read_left(part):
                reasons[f"row:{code}"] += 1
                table.writerow([line, guarded(why), *(guarded(cell) for cell in cells)])
    for part in parts:
        part.unlink()
    return dict(reasons), REPORT


def read_left(part: Path) -> list[tuple[int, str, str, list[str]]]:
    found: Any = json.loads(part.read_text(encoding="utf-8"))
    return [(line, code, why, cells) for line, code, why, cells in found]
