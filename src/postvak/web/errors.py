"""Pages for what went wrong before or around a view. They need no log-in and, for 500, no database."""

import logging

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.tickets.access import NotAllowed

log = logging.getLogger("postvak.web")


def forged_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's secret doesn't fit (cookies off, log-in in another tab, or a forged form)."""
    return error_page(
        request,
        403,
        _("This form is no longer valid"),
        _(
            "You probably logged in again in another tab, or your browser keeps no cookies for this site. "
            "Go back, reload the page and send the form again."
        ),
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(
        request,
        403,
        _("Only administrators can open this page"),
        _("Ask one of your administrators to make the change, or to make you one of them."),
    )


def not_allowed(request: HttpRequest, refusal: NotAllowed) -> HttpResponse:
    """403: his roles in the queue don't let him do it. Pages don't offer it; perhaps they did when he opened them."""
    text = _("%(refusal)s Nothing was changed; ask an administrator for another role.") % {"refusal": refusal}
    return error_page(request, 403, _("Your roles don't allow this"), text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_page(
        request,
        404,
        _("There is nothing here"),
        _("The address is wrong, or what was here belongs to a queue that you can't see."),
    )


def own_fault(request: HttpRequest) -> HttpResponse:
    return error_page(
        request,
        500,
        _("Something went wrong on our side"),
        _("Nothing was lost. Try again; if it happens again, your administrator finds the cause in the server's log."),
    )


def unreadable_mail(request: HttpRequest, exception: BlobMissing | VaultUnreachable) -> HttpResponse:
    """The bytes of a mail can't be had: not now (503), or not at all (500)."""
    log.error("%s: %s", request.path, exception)
    if isinstance(exception, VaultUnreachable):
        return error_page(
            request,
            503,
            _("This mail can't be read at the moment"),
            _("The place where large mails lie does not answer. Nothing is lost: try again in a minute."),
        )
    return error_page(
        request,
        500,
        _("The original of this mail is missing"),
        _(
            "Its text on the ticket is not affected. Your administrator finds the missing file in the server's log, and "
            "all of them with “postvak blobs check”; it must come back from the backup."
        ),
    )


def error_page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    page = render_to_string("error.html", {"title": title, "text": text, "status": status, "agent": None})
    return HttpResponse(page, status=status)
