"""A new token for a mailbox that gets its mail over HTTP; the page that shows it is the only one that ever does."""

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from postvak.log.audit import recording
from postvak.models import Mailbox
from postvak.web.admin.access import admin_only, admin_page
from postvak.web.session import asking


@require_POST
@never_cache
@admin_only
def make(request: HttpRequest, pk: int) -> HttpResponse:
    """The old one stops working at once."""
    mailbox = get_object_or_404(Mailbox, pk=pk, kind=Mailbox.Kind.HTTP)
    token = secrets.token_urlsafe(32)
    mailbox.password = token
    with recording(asking(request), mailbox):
        mailbox.save(update_fields=["sealed_password"])
    context = {"mailbox": mailbox, "token": token, "inbound_url": inbound_url(request)}
    return admin_page(request, "token.html", "mailboxes", context)


def inbound_url(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("inbound_mail"))
