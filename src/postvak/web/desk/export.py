"""Downloads of whole tickets (mbox, ZIP), streamed; and the page for printing one."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from postvak.log.audit import exported
from postvak.models import Attachment, Message
from postvak.tickets.export import mbox, zipped
from postvak.web.desk.bulk_wish import Wish
from postvak.web.desk.downloads import NOTHING
from postvak.web.desk.found import find
from postvak.web.desk.inside import inside_of, is_hidden
from postvak.web.later import spoken
from postvak.web.pages import render
from postvak.web.session import asking

MAKERS = {"mbox": (mbox, "application/mbox"), "zip": (zipped, "application/zip")}


@require_GET
def ticket(request: HttpRequest, number: int, form: str) -> StreamingHttpResponse:
    found = find(request, number)
    if form not in MAKERS:
        raise Http404
    exported(asking(request), "ticket", str(found), found.pk)
    return streamed([found.pk], form, found.number)


def download_many(request: HttpRequest, wish: Wish) -> StreamingHttpResponse:
    """What the agent may read at this moment."""
    name = _("tickets %(day)s") % {"day": f"{timezone.localdate():%Y-%m-%d}"}
    count = ngettext("%(num)s ticket", "%(num)s tickets", len(wish.keys)) % {"num": len(wish.keys)}
    exported(asking(request), "ticket", count)
    return streamed(wish.keys, wish.value, name.replace(" ", "-"))


def streamed(keys: Sequence[int], form: str, name: str) -> StreamingHttpResponse:
    maker, content_type = MAKERS[form]
    response = StreamingHttpResponse(spoken(maker(keys)), content_type=content_type)
    plain = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "-_")) or "tickets"
    response.headers["Content-Disposition"] = f'attachment; filename="{plain}.{form}"'
    response.headers["Content-Security-Policy"] = NOTHING
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def printed_letter(message: Message) -> tuple[Message, str, list[Attachment]]:
    """With its text and files, also those of an encrypted mail."""
    if is_hidden(message):
        inside = inside_of(message)
        return message, inside.text, [file for file in inside.files if not file.is_inline]
    return message, message.text, [file for file in message.attachments.all() if not file.is_inline]


@require_GET
def printed(request: HttpRequest, number: int) -> HttpResponse:
    """`notes=1`: with what customers never see; without it, what they know, too."""
    found = find(request, number)
    with_notes = request.GET.get("notes") == "1"
    messages = found.messages.select_related("security").prefetch_related("attachments").order_by("created_at", "pk")
    if not with_notes:
        messages = messages.exclude(kind=Message.Kind.NOTE).filter(is_internal=False, taken_back_at=None)
    context = {
        "ticket": found,
        "letters": [printed_letter(message) for message in messages],
        "with_notes": with_notes,
        "list_id": request.GET.get("in", ""),
    }
    return render(request, "desk/print.html", context)
