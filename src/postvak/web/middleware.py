"""What happens around every request: static files, security headers, language and time zone, log-in."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db import InternalError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation

from postvak.blobs.store import BlobMissing, VaultUnreachable
from postvak.keys import shown
from postvak.models import Agent
from postvak.tickets.access import NotAllowed
from postvak.web import shelf
from postvak.web.account import sessions
from postvak.web.errors import not_allowed, unreadable_mail
from postvak.web.session import MUST_SET_UP, is_before_set_up, is_htmx, is_public

GetResponse = Callable[[HttpRequest], HttpResponseBase]

log = logging.getLogger("postvak.web")

SEEN_PAUSE = timedelta(minutes=1)
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",  # nothing between keeps it, and the browser asks: a log-out counts at once
}


def static_files(get_response: GetResponse) -> GetResponse:
    """The files of static/ (web.shelf)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_static = request.path_info.startswith(settings.STATIC_URL)
        return shelf.answer(request) if is_static else get_response(request)

    return middleware


def api_addresses(get_response: GetResponse) -> GetResponse:
    """The API is loaded when the first program asks: 20 MB that many installations never need."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith("/api/"):
            request.urlconf = "postvak.urls_with_api"
        return get_response(request)

    return middleware


def packed_pages(get_response: GetResponse) -> GetResponse:
    """Pages and JSON go out by gzip, with random padding against guessing by length (BREACH; Django's middleware). What is
    sent while it is read – attachments, exports – goes as it is."""
    gzip = GZipMiddleware(lambda request: HttpResponse())

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_text = response.headers.get("Content-Type", "").startswith(("text/", "application/json"))
        return gzip.process_response(request, response) if is_text and not response.streaming else response

    return middleware


def security_headers(get_response: GetResponse) -> GetResponse:
    """Nothing runs in our pages but our own files. A view may set a header of its own beforehand."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware


def agent_preferences(get_response: GetResponse) -> GetResponse:
    """Language and time zone of the agent, or of the browser before the log-in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        agent = request.user if isinstance(request.user, Agent) else None
        language = language_of(request, agent)
        with translation.override(language), timezone.override(zone_of(agent)):
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    return middleware


def agent_seen(get_response: GetResponse) -> GetResponse:
    """Agent.seen_at and when his session was last used, written about once a minute; most requests write nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        agent, now = request.user, timezone.now()
        if isinstance(agent, Agent) and sessions.noted.is_due(request.session.session_key or "", now):
            note_seen(request, agent, now)
        return response

    return middleware


def note_seen(request: HttpRequest, agent: Agent, now: datetime) -> None:
    """After the answer was made: that a database can't be written just now is no reason to refuse a page."""
    try:
        with transaction.atomic():
            if agent.seen_at is None or agent.seen_at < now - SEEN_PAUSE:
                Agent.objects.filter(pk=agent.pk).update(seen_at=now)
            sessions.note(request, agent, now)
    except (OperationalError, InternalError) as error:
        log.warning("when agent %s was here is not written: %s", agent.pk, error)


def language_of(request: HttpRequest, agent: Agent | None) -> str:
    """The agent's choice, the cookie of the log-in page, what the browser asks for, the installation's language."""
    offered = dict(settings.LANGUAGES)
    for chosen in (agent.language if agent else "", request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")):
        if chosen in offered:
            return chosen
    if request.headers.get("Accept-Language"):
        return translation.get_language_from_request(request)
    return settings.LANGUAGE_CODE


def zone_of(agent: Agent | None) -> ZoneInfo:
    name = agent.time_zone if agent else ""
    return ZoneInfo(name if name in known_zones() else settings.TIME_ZONE)


@cache
def known_zones() -> frozenset[str]:
    """Asked once: it reads hundreds of files, 14 ms."""
    return frozenset(available_timezones())


def kept_by_nobody(get_response: GetResponse) -> GetResponse:
    """What was decrypted for showing isn't kept by the browser: its cache lies on a disk."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        shown.start()
        response = get_response(request)
        if shown.is_noted():
            response.headers["Cache-Control"] = "private, no-store"
        return response

    return middleware


def readable_mails(get_response: GetResponse) -> GetResponse:
    """A mail whose bytes can't be read is a page that says so, and so is what the agent's roles don't allow."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, BlobMissing | VaultUnreachable):
            return unreadable_mail(request, exception)
        if isinstance(exception, NotAllowed):
            return not_allowed(request, exception)
        return None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def login_required(get_response: GetResponse) -> GetResponse:
    """Everything needs a log-in, but for views marked `public`. Before there is an agent, set-up comes first. Who must have a
    second factor sets it up before anything else."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return get_response(request)

    def process_view(
        request: HttpRequest, view: Callable[..., object], args: object, kwargs: object
    ) -> HttpResponseBase | None:
        if is_public(view):
            return None
        if not request.user.is_authenticated:
            return send_to_login(request)
        if MUST_SET_UP in request.session and not is_before_set_up(view):
            return send_to(request, reverse("second-factor-set-up"))
        return None

    middleware.process_view = process_view  # type: ignore[attr-defined]
    return middleware


def send_to_login(request: HttpRequest) -> HttpResponseBase:
    if not Agent.objects.exists():
        target = reverse("setup_hint")
    elif is_htmx(request):
        target = reverse("login")
    else:
        target = f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}"
    return send_to(request, target)


def send_to(request: HttpRequest, target: str) -> HttpResponseBase:
    if is_htmx(request):
        return HttpResponse(status=401, headers={"HX-Redirect": target})
    return redirect(target)
