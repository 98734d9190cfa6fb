"""POST /hooks/<channel>/: a mail provider tells what became of mails. Spec 04.

The provider proves that it is he (a signature, or the password in the address that we gave him), else 403 and nothing
is read. 200 means written; what fails on our side is 503, and he tells it again.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from cryptography.exceptions import UnsupportedAlgorithm
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from postvak.crypto.sealing import CannotOpen
from postvak.models import Channel
from postvak.send.events import Reported, record_all, reported
from postvak.send.provider_session import amazon_options
from postvak.send.providers import (
    PASSWORD,
    USER,
    Proof,
    Provider,
    provider_of,
    provider_settings,
    with_defaults,
)
from postvak.web.session import public

log = logging.getLogger("postvak.send")

LARGEST = 5 * 1024 * 1024
MOST_EVENTS = 10_000
# What the views make of a body that isn't theirs.
GARBAGE = (
    AnymailError, ImproperlyConfigured, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
LONGEST_REASON = 200  # characters: some of them are a stranger's


class Refused(Exception):
    """The request isn't believed or not understood; the status, and a reason for the log."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@public
@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def hook(request: HttpRequest, pk: int) -> HttpResponse:
    if request.method == "HEAD":  # some providers look whether somebody is there
        return HttpResponse()
    try:
        channel, events = read(request, pk)
        record_all(channel, events)
    except Refused as refused:
        log.warning("an event for channel %s was refused: %s", pk, " ".join(refused.reason[:LONGEST_REASON].split()))
        return refusal(refused.status)
    except (CannotOpen, DatabaseError, InterfaceError, OSError):
        log.exception("events for channel %s can't be written now; the provider will tell them again", pk)
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


def refusal(status: HTTPStatus) -> HttpResponse:
    response = HttpResponse(status=status)
    if status is HTTPStatus.UNAUTHORIZED:  # Amazon names its password only after this question
        response.headers["WWW-Authenticate"] = 'Basic realm="Postvak"'
    return response


def read(request: HttpRequest, pk: int) -> tuple[Channel, list[Reported]]:
    """Raises Refused, CannotOpen."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > LARGEST:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of {length[:20] or 'unknown'} bytes")
    channel = Channel.objects.filter(pk=pk, kind=Channel.Kind.PROVIDER).first()
    provider = provider_of(channel) if channel else None
    if channel is None or provider is None or not provider.reports_events:
        raise Refused(HTTPStatus.FORBIDDEN, "there is no such channel of a provider that reports events")
    if provider.proof is Proof.PASSWORD and "Authorization" not in request.headers:
        raise Refused(HTTPStatus.UNAUTHORIZED, "without password")
    view = validated(request, channel, provider)
    return channel, parsed(request, view)


def validated(request: HttpRequest, channel: Channel, provider: Provider) -> Any:
    """django-anymail's view with the channel's own settings, which has believed the request. Raises Refused."""
    values = provider_settings(channel)
    if not values.get(provider.proof_key):
        raise Refused(HTTPStatus.FORBIDDEN, "the channel has no key to check events with")
    try:
        view = import_string(provider.webhook)(**view_options(channel, provider, values))
        view.run_validators(request)
    except AnymailWebhookValidationFailure as failure:
        raise Refused(HTTPStatus.FORBIDDEN, str(failure)) from failure
    except (*GARBAGE, UnsupportedAlgorithm, UnreadablePostError) as error:
        raise Refused(HTTPStatus.FORBIDDEN, f"it could not be checked: {error}") from error
    return view


def view_options(channel: Channel, provider: Provider, values: dict[str, str]) -> dict[str, Any]:
    """Only what stands in the channel: Django's settings know nothing of it."""
    if provider.proof is Proof.SIGNATURE:
        return {"webhook_secret": [], provider.proof_key: values[provider.proof_key]}
    options: dict[str, Any] = {"webhook_secret": f"{USER}:{values[PASSWORD]}"}
    if channel.provider == "amazon_ses":
        client = dict(amazon_options(with_defaults(provider, values))["client_params"])
        client.pop("endpoint_url", None)  # of SES; a topic is confirmed at SNS
        return options | {"client_params": client}
    return options


def parsed(request: HttpRequest, view: Any) -> list[Reported]:
    """Raises Refused."""
    try:
        events: Sequence[Any] = view.parse_events(request)
        if len(events) > MOST_EVENTS:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{len(events)} events at once")
    except GARBAGE as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"it makes no sense: {error}") from error
    return list(understood(events, timezone.now()))


def understood(events: Sequence[Any], now: datetime) -> Iterator[Reported]:
    """One that makes no sense costs none of the others."""
    for event in events:
        try:
            found = reported(event, now)
        except GARBAGE as error:
            log.warning("an event makes no sense: %s", " ".join(str(error)[:LONGEST_REASON].split()))
            continue
        if found is not None:
            yield found
