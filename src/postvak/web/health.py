"""For load balancers and containers: the web server answers."""

from django.http import HttpRequest, HttpResponse

from postvak.web.session import public


@public
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")
