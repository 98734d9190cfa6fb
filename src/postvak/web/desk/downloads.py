"""Bodies, originals and attachments: cut out of the raw mail, served so that nothing in them can run."""

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from postvak.blobs import store
from postvak.mail.html import sanitise
from postvak.mail.parse import attachment_content, parse
from postvak.mail.quotes import split_reply_html
from postvak.models import Message
from postvak.tickets.access import visible_attachments, visible_messages
from postvak.web.pages import render
from postvak.web.session import agent_of

SHOWN_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
FOLDED = {"quoted": _("Quoted text"), "signature": _("Signature"), "disclaimer": _("Disclaimer")}
NOTHING = "default-src 'none'; sandbox"
BODY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)


@require_GET
@cache_control(private=True, max_age=3600)
def body(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML of a mail for its sandboxed frame: sanitised, what is quoted or signature folded; remote content only
    when asked for."""
    message = get_object_or_404(visible_messages(agent_of(request)).exclude(blob=None), pk=pk)
    wants_remote = request.GET.get("remote") == "1"
    mail = parse(store.get(str(message.blob_id)))
    urls = cid_urls(message)
    pieces = [
        (segment.kind, sanitise(segment.text, cid_urls=urls, allow_remote=wants_remote))
        for segment in split_reply_html(mail.html)
    ]
    blocked = sum(clean.blocked for _kind, clean in pieces)
    context = {"pieces": pieces, "blocked": blocked, "remote": wants_remote, "labels": FOLDED}
    response = render(request, "desk/body.html", context)
    images = "'self' data: https: http:" if wants_remote else "'self' data:"
    response.headers["Content-Security-Policy"] = BODY.format(images=images)
    return response


def cid_urls(message: Message) -> dict[str, str]:
    """Content-ID -> our address, for pictures inside the mail."""
    return {
        attachment.content_id: reverse("attachment", args=[attachment.pk])
        for attachment in message.attachments.all()
        if attachment.content_id
    }


@require_GET
def original(request: HttpRequest, pk: int) -> HttpResponse:
    message = get_object_or_404(visible_messages(agent_of(request)).exclude(blob=None), pk=pk)
    return download(store.get(str(message.blob_id)), f"{message.ticket.number}-{message.pk}.eml", "message/rfc822")


@require_GET
@cache_control(private=True, max_age=86400)
def attachment(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(visible_attachments(agent_of(request)).select_related("message"), pk=pk)
    raw = store.get(str(row.message.blob_id))
    try:
        info, content = attachment_content(raw, row.part)
    except LookupError as error:
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
