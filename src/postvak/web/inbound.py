"""POST /api/v1/mail: a raw mail over HTTP, into the mailbox that the token belongs to. Spec 01.

201 only after the commit, as 250 by SMTP. What fails on our side is 503: nothing is stored, the sender tries again.
Problems are told as RFC 9457 says (application/problem+json).
"""

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from postvak.crypto.sealing import CannotOpen
from postvak.log.talk import Direction, talk
from postvak.log.talk_notes import Talk
from postvak.models import Mailbox, Receipt
from postvak.receive.accept import Arrived, accept, known_sources
from postvak.web.session import public

log = logging.getLogger("postvak.receive")

MEGABYTE = 1024 * 1024
RETRY_AFTER = 30  # seconds
LONGEST_KEY = 200


class Refused(Exception):
    """The mail isn't taken: a status and a sentence for the sender."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@public
@csrf_exempt
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Headers: Authorization: Bearer TOKEN; optional Idempotency-Key, X-Postvak-Envelope-From and -To."""
    try:
        mailbox = mailbox_of(request)
        with noted(request, mailbox) as communication:
            arrived = read(request, mailbox)
            known = bool(known_sources(mailbox, [arrived.source]))
            (receipt,) = accept(mailbox, [arrived])
            if not is_same(receipt, arrived.raw):
                raise Refused(
                    HTTPStatus.UNPROCESSABLE_ENTITY, _("Another mail came with this Idempotency-Key already.")
                )
            note_stored(communication, arrived, known=known)
    except Refused as refused:
        return problem(refused.status, refused.detail)
    except (DatabaseError, InterfaceError, OSError):
        log.exception("a mail over HTTP can't be stored now; its sender will try again")
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            _("The mail could not be stored at this moment. Please send it again later."),
        )
    return JsonResponse({"receipt": receipt.pk, "source": receipt.source}, status=200 if known else 201)


@contextmanager
def noted(request: HttpRequest, mailbox: Mailbox) -> Iterator[Talk]:
    """A request for the communication log; what goes wrong in it goes on."""
    with talk(Direction.IN, "http", mailbox=mailbox, module="web.inbound") as communication:
        connection = communication.connection(request.META.get("REMOTE_ADDR", ""))
        connection.debug("request_came", peer=connection.row.name)
        try:
            yield communication
        except Refused as refused:
            connection.error("request_refused", status=refused.status.value, reply=refused)
            raise
        except (DatabaseError, InterfaceError, OSError) as error:
            connection.error("request_failed", said=error)
            raise


def note_stored(communication: Talk, mail: Arrived, *, known: bool) -> None:
    topic = communication.message(mail.source, source=mail.source)
    if known:
        topic.notice("request_known")
    else:
        topic.info("stored", size=len(mail.raw))
    topic.end()


def mailbox_of(request: HttpRequest) -> Mailbox:
    """Raises Refused. Every token is compared, so that the time tells nothing; nor is a mailbox's state told without."""
    token, found = token_in(request), None
    for mailbox in Mailbox.objects.filter(kind=Mailbox.Kind.HTTP).exclude(sealed_password=""):
        if is_token(mailbox, token):
            found = mailbox
    if found is None or not token:
        raise Refused(HTTPStatus.UNAUTHORIZED, _("There is no mailbox with this token."))
    if found.is_paused:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            _("This mailbox takes no mail at this moment. Please send the mail again later."),
        )
    if not found.is_valid:
        raise Refused(HTTPStatus.FORBIDDEN, _("This mailbox takes no mail any more."))
    return found


def token_in(request: HttpRequest) -> str:
    """Of "Bearer TOKEN", or the password of "Basic", for those who can only put it into an address; "" without one."""
    scheme, _blank, word = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return word.strip() if scheme.lower() == "bearer" else ""
    try:
        return base64.b64decode(word, validate=True).decode("utf-8").partition(":")[2]
    except ValueError:
        return ""


def is_token(mailbox: Mailbox, token: str) -> bool:
    try:
        return hmac.compare_digest(mailbox.password.encode(), token.encode("utf-8", "replace"))
    except CannotOpen:
        log.error("the token of mailbox %s can't be opened; make a new one", mailbox.name)
        return False


def read(request: HttpRequest, mailbox: Mailbox) -> Arrived:
    """Raises Refused."""
    to = request.headers.get("X-Postvak-Envelope-To", "").replace(",", " ").split()
    return Arrived(
        source=source_of(request),
        raw=read_body(request, mailbox.size_limit * MEGABYTE),
        arrived_at=timezone.now(),
        envelope_from=request.headers.get("X-Postvak-Envelope-From", "").strip().strip("<>")[:320],
        envelope_to=tuple(address.strip("<>") for address in to),
        remote_ip=request.META.get("REMOTE_ADDR", "")[:45],
    )


def source_of(request: HttpRequest) -> str:
    """The same key is the same mail; without a key each request brings a mail of its own."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        key = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
    return f"HTTP/{key or secrets.token_hex(10)}"


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The whole body as it was sent. Raises Refused."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise Refused(HTTPStatus.LENGTH_REQUIRED, _("Send the mail with a Content-Length."))
    if int(length) > limit:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This mail is larger than its mailbox takes."))
    try:
        raw: bytes = request.read(int(length))
    except UnreadablePostError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, _("The mail did not arrive completely.")) from error
    if not raw or len(raw) != int(length):
        raise Refused(HTTPStatus.BAD_REQUEST, _("The mail did not arrive completely."))
    return raw


def is_same(receipt: Receipt, raw: bytes) -> bool:
    """Whose bytes were dropped by the retention rule is recognised by its size."""
    if receipt.blob_id is None:
        return receipt.size == len(raw)
    return receipt.blob_id == hashlib.sha256(raw).hexdigest()


def problem(status: HTTPStatus, detail: str) -> HttpResponse:
    response = JsonResponse(
        {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail},
        status=status.value,
        content_type="application/problem+json",
    )
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
