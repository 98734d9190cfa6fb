"""Files of a mail: looked at without opening them with a program, and all of them in one archive."""

import zipfile
from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from postvak.keys.reading import CantRead, file_in, readable_or_original
from postvak.mail.charsets import decode
from postvak.mail.danger import danger_of
from postvak.mail.parse import attachment_content
from postvak.mail.pdf import NoText, page_count, page_picture
from postvak.models import Attachment
from postvak.tickets.access import visible_attachments, visible_messages
from postvak.web.desk.downloads import NOTHING, SHOWN_TYPES, download
from postvak.web.desk.inside import Ways, inside_of, is_hidden
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

TEXT_SHOWN = 300_000  # bytes
PAGES_SHOWN = 30
TEXTS = (
    "txt", "text", "log", "csv", "tsv", "md", "json", "xml", "yml", "yaml", "ini", "conf", "eml", "ics", "vcf", "sql", "srt",
)  # fmt: skip
PIECE = 64 * 1024


def find_file(request: HttpRequest, pk: int) -> Attachment:
    rows = visible_attachments(agent_of(request)).select_related("message__ticket")
    return get_object_or_404(rows, pk=pk)


def content_of(row: Attachment) -> bytes:
    try:
        return file_in(row.message, row.part)[1]
    except CantRead as error:
        raise Http404 from error


@require_GET
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """A picture, the text or the pages of a PDF; else what the file is. A fragment for the dialog, or a page."""
    row = find_file(request, pk)
    siblings = [other for other in row.message.attachments.all() if not other.is_inline]
    return show_file(request, row, content_of(row), siblings)


def show_file(request: HttpRequest, row: Attachment, content: bytes, siblings: Sequence[Attachment]) -> HttpResponse:
    """`siblings`: the files of its mail, itself among them."""
    danger, kind = danger_of(row.name, row.content_type, content), kind_of(row, content)
    context: dict[str, Any] = {"file": row, "danger": danger, "kind": "" if danger and kind != "text" else kind}
    if context["kind"] == "text":
        context |= {"text": decode(content[:TEXT_SHOWN])[0], "is_cut": len(content) > TEXT_SHOWN}
    elif context["kind"] == "pdf":
        context |= pages_of(content)
    at = next((place for place, other in enumerate(siblings) if other.part == row.part), None)
    context["before"] = Ways.of(siblings[at - 1]) if at else None
    context["after"] = Ways.of(siblings[at + 1]) if at is not None and at + 1 < len(siblings) else None
    context["ways"] = Ways.of(row)
    return render(request, "desk/_file.html" if is_htmx(request) else "desk/file.html", context)


def kind_of(row: Attachment, content: bytes) -> str:
    """picture, pdf, text or "": what the content is, whatever the sender calls it."""
    ending = row.name.lower().rpartition(".")[2]
    if row.content_type in SHOWN_TYPES:
        return "picture"
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf"
    is_text = row.content_type.startswith("text/") or ending in TEXTS or row.content_type == "message/rfc822"
    return "text" if is_text and b"\0" not in content[:4096] else ""


def pages_of(content: bytes) -> dict[str, Any]:
    """`shown` of all `pages`; or why none can be shown."""
    try:
        pages = page_count(content)
    except NoText as problem:
        return {"pages": 0, "shown": 0, "refusal": str(problem)}
    return {"pages": pages, "shown": min(pages, PAGES_SHOWN), "refusal": ""}


@require_GET
@cache_control(private=True, max_age=86400)
def pdf_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """One page of a PDF (`page`, from 1) as a picture, so that nothing in it can run."""
    return page_of_pdf(request, content_of(find_file(request, pk)))


def page_of_pdf(request: HttpRequest, content: bytes) -> HttpResponse:
    typed = request.GET.get("page", "")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 1
    try:
        png = page_picture(content, number - 1)
    except NoText:
        return HttpResponse(_("This page can't be shown."), content_type="text/plain; charset=utf-8")
    response = HttpResponse(png, content_type="image/png")
    response.headers["Content-Security-Policy"] = NOTHING
    return response


# -- all files in one archive ---------------------------------------------------------------


class Pipe(RawIOBase):
    """What is written waits until it is taken: an archive goes out while it is made."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting += data
        return len(data)

    def take(self) -> bytes:
        taken, self.waiting = bytes(self.waiting), bytearray()
        return taken


@require_GET
def archive(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The files of a mail that its text doesn't show itself, as ZIP."""
    message = get_object_or_404(visible_messages(agent_of(request)).select_related("ticket"), pk=pk)
    rows = [row for row in message.attachments.all() if not row.is_inline]
    if is_hidden(message):
        rows = [row for row in inside_of(message).files if not row.is_inline]
    raw = readable_or_original(message) if rows else b""
    head = download(b"", f"{message.ticket.number}-{message.pk}.zip", "application/zip").headers
    response = StreamingHttpResponse(zipped(rows, raw), content_type="application/zip")
    for name in ("Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options"):
        response.headers[name] = head[name]
    return response


def zipped(rows: list[Attachment], raw: bytes) -> Iterator[bytes]:
    pipe, taken = Pipe(), set[str]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as target:
        for row in rows:
            _info, content = attachment_content(raw, row.part)
            with target.open(zipfile.ZipInfo(free_name(row, taken)), "w", force_zip64=True) as entry:
                for at in range(0, len(content), PIECE):
                    entry.write(content[at : at + PIECE])
                    yield pipe.take()
    yield pipe.take()


def free_name(row: Attachment, taken: set[str]) -> str:
    """A name that leads nowhere else and is there only once."""
    plain = "".join(sign if sign.isprintable() and sign not in '/\\:*?"<>|' else "_" for sign in row.name)
    plain = plain.strip(". ")[:150] or _("Attachment %(number)s") % {"number": row.part}
    stem, dot, ending = plain.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (plain, "")
    names = (plain, *(f"{stem} ({count}){ending}" for count in range(2, 10_000)))
    name = next(one for one in names if one.casefold() not in taken)
    taken.add(name.casefold())
    return name
