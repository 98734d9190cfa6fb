"""/.well-known/security.txt (RFC 9116): whom to tell of a weakness of this installation. Only where POSTVAK_SECURITY_CONTACT says it."""

from datetime import datetime, time, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from postvak.web.session import public

GOOD_FOR = timedelta(days=180)  # it asks for less than a year


@public
@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """No address of the request is in it: caches keep it for everybody."""
    contact = settings.CONFIGURATION.security_contact
    if not contact:
        raise Http404
    expires = datetime.combine(timezone.now().date() + GOOD_FOR, time.min)
    lines = [f"Contact: {contact}", f"Expires: {expires.isoformat()}Z", "Preferred-Languages: en, nl, de"]
    if settings.CONFIGURATION.url:
        lines.append(f"Canonical: {settings.CONFIGURATION.url}{reverse('security-txt')}")
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8", headers=headers)
