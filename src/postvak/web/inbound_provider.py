"""POST /api/v1/mail/<provider>: a mail provider passes on what came in, in his own wrapping. Spec 01.

The same mailboxes and tokens as POST /api/v1/mail; the token is the password in the address that the provider is given
(https://postvak:TOKEN@desk.example.org/api/v1/mail/postmark). Only the mail as it came is taken: what a provider makes
of it is not the original. 200 only after the commit; what he tells again is the same mail.
"""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from postvak.mail.charsets import storable
from postvak.models import Mailbox
from postvak.receive.accept import Arrived, accept, known_sources
from postvak.web.inbound import MEGABYTE, Refused, mailbox_of, note_stored, noted, problem
from postvak.web.session import public

log = logging.getLogger("postvak.receive")
WRAPPING = 3  # a body may be so many times as large as the mail in it: base64, and JSON's escapes


@dataclass(frozen=True, slots=True)
class Unwrapped:
    raw: bytes
    sender: str = ""
    recipients: tuple[str, ...] = ()


@public
@csrf_exempt
@require_POST
def mails(request: HttpRequest, provider: str) -> HttpResponse:
    try:
        mailbox = mailbox_of(request)
        with noted(request, mailbox) as communication:
            found = unwrapped(request, provider, mailbox)
            arrivals = [arrived(one, provider, request) for one in found]
            known = known_sources(mailbox, [one.source for one in arrivals])
            if arrivals:
                accept(mailbox, arrivals)
            for one in arrivals:
                note_stored(communication, one, known=one.source in known)
    except Refused as refused:
        return problem(refused.status, refused.detail)
    except (DatabaseError, InterfaceError, OSError):
        log.exception("mail of a provider can't be stored now; he will pass it on again")
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            _("The mail could not be stored at this moment. Please send it again later."),
        )
    return JsonResponse({"mails": len(found)})


def arrived(mail: Unwrapped, provider: str, request: HttpRequest) -> Arrived:
    """Named by its bytes and its recipients: told again it is the same, to another address of ours it is another one."""
    name = hashlib.sha256(mail.raw + b"\0" + "\0".join(mail.recipients).encode()).hexdigest()
    return Arrived(
        source=f"HTTP/{provider}/{name[:40]}",
        raw=mail.raw,
        arrived_at=timezone.now(),
        envelope_from=storable(mail.sender).strip().strip("<>")[:320],
        envelope_to=mail.recipients,
        remote_ip=request.META.get("REMOTE_ADDR", "")[:45],
    )


def unwrapped(request: HttpRequest, provider: str, mailbox: Mailbox) -> list[Unwrapped]:
    """The mails of one request. Raises Refused."""
    unwrap = UNWRAP.get(provider)
    if unwrap is None:
        raise Refused(HTTPStatus.NOT_FOUND, _("Postvak does not know how this provider passes mail on."))
    limit, length = mailbox.size_limit * MEGABYTE, request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() or int(length) > limit * WRAPPING:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This mail is larger than its mailbox takes."))
    try:
        found = unwrap(request)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        log.warning("mail of %s in mailbox %s makes no sense: %s", provider, mailbox.name, error)
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY, _("Switch on the original mail (raw MIME) at the provider.")
        ) from error
    if any(len(one.raw) > limit for one in found):
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This mail is larger than its mailbox takes."))
    return found


def postmark(request: HttpRequest) -> list[Unwrapped]:
    """Its switch “Include raw email content in JSON payload” must be on."""
    values = json.loads(request.body)
    return [Unwrapped(as_bytes(values["RawEmail"]), recipients=addresses(values.get("OriginalRecipient")))]


def mailgun(request: HttpRequest) -> list[Unwrapped]:
    """A route's forward() to an address that ends in /mime gets the whole mail; ours need not, if it is there."""
    form = form_of(request)
    return [Unwrapped(latin(form["body-mime"]), form.get("sender", ""), addresses(form.get("recipient")))]


def sendgrid(request: HttpRequest) -> list[Unwrapped]:
    """Its switch “Post the raw, full MIME message” must be on."""
    form = form_of(request)
    envelope = json.loads(form.get("envelope") or "{}")
    return [Unwrapped(latin(form["email"]), str(envelope.get("from", "")), addresses(envelope.get("to")))]


def sparkpost(request: HttpRequest) -> list[Unwrapped]:
    """Several mails may come at once; an empty event is a ping."""
    found = []
    for event in json.loads(request.body):
        message = event["msys"].get("relay_message")
        if message is not None:
            content = message["content"]
            raw = as_bytes(content["email_rfc822"], is_base64=bool(content.get("email_rfc822_is_base64")))
            found.append(Unwrapped(raw, str(message.get("msg_from", "")), addresses(message.get("rcpt_to"))))
    return found


def postal(request: HttpRequest) -> list[Unwrapped]:
    values = json.loads(request.body)
    raw = as_bytes(values["message"], is_base64=bool(values.get("base64")))
    return [Unwrapped(raw, str(values.get("mail_from") or ""), addresses(values.get("rcpt_to")))]


UNWRAP: Mapping[str, Callable[[HttpRequest], list[Unwrapped]]] = {
    "mailgun": mailgun,
    "postal": postal,
    "postmark": postmark,
    "sendgrid": sendgrid,
    "sparkpost": sparkpost,
}


def form_of(request: HttpRequest) -> dict[str, str]:
    """The fields, each byte one character, so that no charset is guessed and nothing is lost."""
    request.encoding = "latin-1"
    return {key: str(value) for key, value in request.POST.items()}


def latin(text: str) -> bytes:
    return text.encode("latin-1")


def as_bytes(text: str, *, is_base64: bool = False) -> bytes:
    return base64.b64decode(text, validate=False) if is_base64 else text.encode("utf-8", "surrogateescape")


def addresses(given: object) -> tuple[str, ...]:
    found = given if isinstance(given, list) else [given]
    return tuple(storable(one).strip().strip("<>")[:320] for one in found if isinstance(one, str) and one.strip())
