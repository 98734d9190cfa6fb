"""The files inside an encrypted mail, and one more try to open it."""

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.keys.reading import readable_or_original
from postvak.keys.security import security_of
from postvak.mail.parse import attachment_content
from postvak.models import Attachment, Message
from postvak.process.reopen import try_one
from postvak.tickets.access import visible_messages
from postvak.web.desk.downloads import download
from postvak.web.desk.files import page_of_pdf, show_file
from postvak.web.desk.found import came_from
from postvak.web.desk.inside import inside_of, row_of
from postvak.web.flash import say
from postvak.web.session import agent_of


def file_in(request: HttpRequest, pk: int, part: int) -> tuple[Attachment, bytes]:
    """One file inside, with the rights of its message."""
    message = get_object_or_404(mails(request), pk=pk)
    raw = raw_inside(message)
    try:
        info, content = attachment_content(raw, part)
    except LookupError as error:
        raise Http404 from error
    return row_of(message, info), content


def mails(request: HttpRequest) -> "QuerySet[Message]":
    return visible_messages(agent_of(request)).exclude(blob=None).select_related("security", "ticket__queue")


def raw_inside(message: Message) -> bytes:
    try:
        return readable_or_original(message)
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise Http404 from error


@require_GET
@cache_control(private=True, no_store=True)
def file(request: HttpRequest, pk: int, part: int) -> HttpResponse:
    """Not kept by the browser: its cache lies on a disk."""
    row, content = file_in(request, pk, part)
    return download(content, row.name, row.content_type)


@require_GET
def preview(request: HttpRequest, pk: int, part: int) -> HttpResponse:
    row, content = file_in(request, pk, part)
    siblings = [one for one in inside_of(row.message).files if not one.is_inline]
    return show_file(request, row, content, siblings)


@require_GET
def pdf_picture(request: HttpRequest, pk: int, part: int) -> HttpResponse:
    return page_of_pdf(request, file_in(request, pk, part)[1])


@require_POST
def opening(request: HttpRequest, pk: int) -> HttpResponse:
    """Try to open it once more: a key may have come."""
    message = get_object_or_404(mails(request), pk=pk)
    if security_of(message) is None:
        say(request, _("Nothing protects this mail."))
    elif try_one(message):
        say(request, _("The mail was looked at again."))
    else:
        say(request, _("It still can't be decrypted: there is no key here that opens it."), tone="warn")
    return redirect(f"{reverse('ticket', args=[message.ticket.number])}?in={came_from(request)}#message-{message.pk}")
