"""Where there is no stream of events: web.live answers /live/ before this does, except under another server than ours."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET


@require_GET
def no_stream(request: HttpRequest) -> HttpResponse:
    """204 tells a browser not to come again (HTML standard, 9.2.3): its pages ask now and then instead."""
    return HttpResponse(status=204)
