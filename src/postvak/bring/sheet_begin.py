"""A table on its way to being imported: kept as a file, its columns chosen or guessed, and the job that takes it over asked for."""

import secrets
import time
from collections.abc import Sequence

from postvak.bring.sheet import Sheet, guessed
from postvak.bring.sheet_work import KIND, path_of
from postvak.bring.work import UPLOADS_KEPT, forget_uploads
from postvak.jobs import queue
from postvak.log.audit import Action, By, record
from postvak.models import Job
from postvak.tickets.field_sets import fields_of
from postvak.tickets.sheets import CUSTOMERS, HOLDERS, heads

NAME_PARTS = ("first", "last")  # two columns that make the name of a customer


def kept(raw: bytes) -> str:
    """Under a name of our own; returns that."""
    token = secrets.token_hex(8)
    path = path_of(token)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    forget_uploads(time.time() - UPLOADS_KEPT)
    path.touch(mode=0o600)
    path.write_bytes(raw)
    return token


def columns_of(what: str) -> list[str]:
    """What a column of the table can be, custom fields too."""
    return [*heads(what), *(NAME_PARTS if what == CUSTOMERS else ())]


def usual_columns(sheet: Sheet, what: str) -> list[str]:
    """By the heads; "" for what nobody knows."""
    return guessed(sheet.heads, what, fields_of(HOLDERS[what]))


def says_who(columns: Sequence[str], what: str) -> bool:
    """Without one of these columns no row can be told from another."""
    needed = {"name", *NAME_PARTS, "addresses"} if what == CUSTOMERS else {"name", "number"}
    return bool(needed & set(columns))


def begin(what: str, token: str, columns: Sequence[str], *, name: str, by: By) -> Job:
    """`token`: of kept(). `name`: of the file that somebody chose."""
    asked = {"what": what, "token": token, "columns": list(columns), "name": name}
    job = queue.enqueue(KIND, asked, by=by.agent)
    changes: dict[str, list[object]] = {"file": ["", name], "kind": ["", what]}
    record(by, Action.IMPORTED, kind="job", key=job.pk, name=name or what, changes=changes)
    return job
