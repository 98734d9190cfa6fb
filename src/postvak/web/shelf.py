"""The files of static/ as browsers get them: packed once, one style sheet, addresses that change with the content.

    /static/1f0c9a2b/app.js     kept for a year; modules that import each other by "./ask.js" stay under the same digest
    /static/app.js              the same file, asked for anew each time (so does the digest of another release)
    /static/1f0c9a2b/all.css    the sheets of every page in one: STYLES

All of it is held in memory, about 700 kB (docs/decisions/013-static-files.md).
"""

import gzip
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response, patch_vary_headers

from postvak.web.session import public

ROOT = Path(__file__).parent.parent / "static"
STYLES = "all.css"
SHEETS = (  # in this order: within a layer the later one wins
    *(
        "tokens",
        "base",
        "frame",
        "navigation",
        "controls",
        "content",
        "desk",
        "door",
        "workplace",
        "editor",
        "composer",
    ),
    *("ticket", "search", "lists", "bulk", "side", "notices", "live", "sla", "palette", "ledger", "communications"),
    *("watching", "reports", "identity", "messages", "account", "manual", "classification", "adapt"),
)
KEPT = "public, max-age=31536000, immutable"
ADDRESS = re.compile(r"(?:(?P<digest>[0-9a-f]{8})/)?(?P<path>.+)")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


class File(NamedTuple):
    """`packed`: by gzip; empty where that makes it no smaller (pictures)."""

    content_type: str
    plain: bytes
    packed: bytes


class Shelf(NamedTuple):
    digest: str
    files: dict[str, File]


def address_of(path: str) -> str:
    """`path`: below static/. Raises KeyError for a file that isn't there."""
    here = shelf()
    if path not in here.files:
        raise KeyError(f"static/{path} is not there")
    return f"{settings.STATIC_URL}{here.digest}/{path}"


def answer(request: HttpRequest) -> HttpResponseBase:
    """For an address below STATIC_URL."""
    asked = ADDRESS.fullmatch(request.path_info.removeprefix(settings.STATIC_URL))
    here = shelf()
    file = here.files.get(asked["path"]) if asked else None
    if asked is None or file is None:
        return HttpResponse("not found", status=404, content_type="text/plain; charset=utf-8")
    is_packed = bool(file.packed) and "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(file.packed if is_packed else file.plain, content_type=file.content_type)
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    if file.packed:
        patch_vary_headers(response, ("Accept-Encoding",))
    response.headers["Cache-Control"] = KEPT if asked["digest"] == here.digest else "no-cache"
    etag = f'"{here.digest}{"-gzip" if is_packed else ""}"'
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response


def shelf() -> Shelf:
    """Read once; while developing (DEBUG) again when a file has changed."""
    return stocked(max(path.stat().st_mtime_ns for path in ROOT.rglob("*")) if settings.DEBUG else 0)


@lru_cache(maxsize=1)
def stocked(_changed: int) -> Shelf:
    contents = {
        path.relative_to(ROOT).as_posix(): path.read_bytes() for path in sorted(ROOT.rglob("*")) if path.is_file()
    }
    contents[STYLES] = COMMENT.sub("", "".join(contents[f"css/{sheet}.css"].decode() for sheet in SHEETS)).encode()
    digest = hashlib.sha256(b"\0".join(part for name in sorted(contents) for part in (name.encode(), contents[name])))
    return Shelf(digest.hexdigest()[:8], {path: file_of(path, content) for path, content in contents.items()})


def file_of(path: str, content: bytes) -> File:
    packed = gzip.compress(content, mtime=0)
    is_script = path.endswith((".js", ".mjs"))
    kind = "text/javascript" if is_script else mimetypes.guess_type(path)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "image/svg+xml"
    return File(f"{kind}; charset=utf-8" if is_text else kind, content, packed if len(packed) < len(content) else b"")


@public
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this one by themselves wherever a page names none, and complain when there is nothing."""
    return redirect(address_of("favicon.svg"))
