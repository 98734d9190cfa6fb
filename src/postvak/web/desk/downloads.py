"""Bodies, originals and attachments: cut out of the raw mail, served so that nothing in them can run."""

import re
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from postvak.keys.reading import CantRead, file_in, readable_or_original
from postvak.keys.reading import original as stored_original
from postvak.keys.security import security_of
from postvak.mail.html import sanitise
from postvak.mail.parse import parse
from postvak.mail.quotes import split_reply_html
from postvak.mail.remote import RemoteContent, remote_content
from postvak.models import Message
from postvak.tickets.access import visible_attachments, visible_messages
from postvak.web.desk.inside import Ways, inside_of, is_hidden
from postvak.web.desk.remote import can_be_allowed, could_carry, is_allowed
from postvak.web.pages import render
from postvak.web.session import agent_of

SHOWN_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
FOLDED = {"quoted": _("Quoted text"), "signature": _("Signature"), "disclaimer": _("Disclaimer")}
BODY_VERSION = 5  # goes up when desk/body.html or the cleaning changes
# A mail that chooses colours was made for white paper; any other one may follow the reader's scheme.
COLOURS = re.compile(r"<style|(?:color|background(?:-\w+)?)\s*[:=]", re.IGNORECASE)
NOTHING = "default-src 'none'; sandbox"
BODY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


@require_GET
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML of a mail for its sandboxed frame: sanitised, what is quoted or signature folded. Nothing of other servers,
    unless the agent asked for it once (`remote`) or allowed it for this sender, who is proven; pixels never. Browsers ask each time, so that
    what is allowed no longer isn't shown from their cache."""
    agent = agent_of(request)
    message = get_object_or_404(visible_messages(agent).exclude(blob=None).select_related("security"), pk=pk)
    is_always = is_allowed(agent, message)
    wants_remote = is_always or (request.GET.get("remote") == "1" and not could_carry(message))
    etag = f'"{message.blob_id}-{shown_state(message)}{BODY_VERSION}-{wants_remote:d}{is_always:d}-{get_language()}"'
    if request.headers.get("If-None-Match") == etag:
        return guarded(HttpResponse(status=304), etag, wants_remote)
    html = parse(readable_or_original(message)).html
    remote = remote_content(html)
    pieces = pieces_of(html, message, remote if wants_remote else None)
    has_colours = any(COLOURS.search(clean) for _kind, clean in pieces)
    context = {
        "pieces": pieces,
        "has_colours": has_colours,
        "message": message,
        "remote": remote,
        "is_always": is_always,
        "is_shown": wants_remote,
        "can_once": not could_carry(message),
        "can_always": can_be_allowed(message),
    }
    return guarded(render(request, "desk/body.html", context | {"labels": FOLDED}), etag, wants_remote)


def shown_state(message: Message) -> str:
    """A mail that can be opened since is another page."""
    security = security_of(message)
    return f"{security.state}-" if security else ""


def guarded(response: HttpResponse, etag: str, wants_remote: bool) -> HttpResponse:
    """The answer "not modified" has the same headers: browsers keep the page with those that came last."""
    images = "'self' data: https: http:" if wants_remote else "'self' data:"
    response.headers["Content-Security-Policy"] = BODY.format(images=images)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-DNS-Prefetch-Control"] = "off"
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = etag
    return response


def pieces_of(html: str, message: Message, allowed: RemoteContent | None) -> list[tuple[str, str]]:
    """(kind, clean HTML): new, quoted, signature, disclaimer. `allowed`: null when nothing of other servers may be shown."""
    urls, pixels = cid_urls(message), allowed.pixels if allowed else frozenset()
    return [
        (segment.kind, sanitise(segment.text, cid_urls=urls, allow_remote=allowed is not None, never=pixels).html)
        for segment in split_reply_html(html)
    ]


def cid_urls(message: Message) -> dict[str, str]:
    """Content-ID -> our address, for pictures inside the mail."""
    files = inside_of(message).files if is_hidden(message) else message.attachments.all()
    return {file.content_id: Ways.of(file).fetch for file in files if file.content_id}


@require_GET
def original(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(visible_messages(agent_of(request)).exclude(blob=None), pk=pk)
    try:
        raw = stored_original(message)
    except CantRead as error:
        raise Http404 from error
    return download(raw, f"{message.ticket.number}-{message.pk}.eml", "message/rfc822")


@require_GET
@cache_control(private=True, max_age=86400)
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_attachments(agent_of(request)).select_related("message"), pk=pk)
    try:
        info, content = file_in(row.message, row.part)
    except CantRead as error:
        raise Http404 from error
    return download(content, row.name or info.name, row.content_type)


def download(content: bytes, name: str, content_type: str) -> HttpResponse:
    """Always an attachment, never a page of ours; only harmless picture types keep their type."""
    kept = content_type in SHOWN_TYPES or content_type == "message/rfc822"
    response = HttpResponse(content, content_type=content_type if kept else "application/octet-stream")
    clean = "".join(c if c.isprintable() and c not in '/\\"' else "_" for c in name)[:200] or "attachment"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(clean)}"
    response.headers["Content-Security-Policy"] = NOTHING
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
