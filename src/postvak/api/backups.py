"""Backups that lie on the server: which there are, fetch one, delete one. One is made by `POST /jobs`, and its job says how far it is.

The keys, even locked, never leave by the API: with them and a backup a stolen token would open every stored password.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.http import Http404, StreamingHttpResponse

from postvak.api.frame import (
    ApiRequest,
    BaseModel,
    Field,
    Page,
    Paging,
    Problem,
    Query,
    Router,
    Token,
    asking,
    cut,
    gone,
    page,
)
from postvak.api.messages import NOTHING_RUNS, as_file
from postvak.keep.download import streamed
from postvak.keep.manifest import BadBackup, Manifest
from postvak.keep.places import Busy
from postvak.keep.prune import remove_one
from postvak.keep.source import found_in, in_folder, named_in
from postvak.keep.work import backups_folder
from postvak.log import audit

router = Router(tags=["Jobs"])
EVERYTHING = Token("exports:write", admin=True)
TAR = "application/x-tar"


class BackupShown(BaseModel):
    name: str = Field(description="The moment when it was made.")
    is_readable: bool = Field(description="False: its manifest is damaged, and nothing more is known of it.")
    made_at: datetime | None = Field(description="The moment whose state it holds.")
    version: str = Field(description="Of Postvak.")
    size: int = Field(description="In bytes; large contents that several backups share count in each.")
    tickets: int
    receipts: int
    lost: int = Field(description="Large contents that couldn't be read when it was made, and are not in it.")


@router.get("/backups", auth=EVERYTHING, response=Page[BackupShown])
def list_backups(request: ApiRequest, paging: Query[Paging]) -> Any:
    """Those in the data directory, the newest first. How making one goes: `GET /jobs?kind=backup`."""
    rows = [shown(*one) for one in found_in(backups_folder()) if not paging.after or one[0] < paging.place]
    slice = cut(rows[: paging.limit + 1], paging, lambda row: str(row["name"]))
    return page(request, slice.rows, slice.next)


@router.get("/backups/{name}/file", auth=EVERYTHING, openapi_extra=as_file(TAR))
def get_backup_file(request: ApiRequest, name: str) -> StreamingHttpResponse:
    """As a tar file that `postvak restore` reads; 409 when its manifest is damaged, or it holds the keys. What is cut off on the way is
    no backup."""
    folder = folder_of(name)
    try:
        manifest = in_folder(folder).manifest
    except BadBackup as error:
        raise Problem(409, "This backup can't be read.") from error
    if manifest.has_keys:
        raise Problem(409, "It holds the keys: fetch it on the server.")
    audit.exported(asking(request), "backup", folder.name)
    response = StreamingHttpResponse(streamed(folder), content_type=TAR)
    response.headers["Content-Disposition"] = f'attachment; filename="postvak-{folder.name}.tar"'
    response.headers["Content-Security-Policy"] = NOTHING_RUNS
    return response


@router.delete("/backups/{name}", auth=EVERYTHING, response={204: None})
def delete_backup(request: ApiRequest, name: str) -> Any:
    """409 while another one is made."""
    folder = folder_of(name)
    try:
        remove_one(backups_folder(), folder.name)
    except Busy as error:
        raise Problem(409, str(error)) from error
    audit.record(asking(request), audit.Action.DELETED, kind="backup", name=folder.name)
    return gone()


def folder_of(name: str) -> Path:
    folder = named_in(backups_folder(), name)
    if folder is None:
        raise Http404
    return folder


def shown(name: str, manifest: Manifest | None) -> dict[str, Any]:
    if manifest is None:
        nothing = {"made_at": None, "version": "", "size": 0, "tickets": 0, "receipts": 0, "lost": 0}
        return {"name": name, "is_readable": False} | nothing
    plain = {one: getattr(manifest, one) for one in ("made_at", "version", "size", "lost")}
    counts = {f"{one}s": manifest.counts.get(one, 0) for one in ("ticket", "receipt")}
    return {"name": name, "is_readable": True} | plain | counts
