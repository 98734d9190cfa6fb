"""Delivery events of Amazon SES that its notification service mails as JSON.

Format: "Amazon SNS notification examples for Amazon SES" (notificationType) and "event publishing" (eventType).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from postvak.mail.bounces_words import best_status, classify
from postvak.mail.charsets import storable
from postvak.mail.headers import own_message_id
from postvak.mail.values import DeliveryReport, Failure, Kind

MAX_EVENT = 64 * 1024
MAX_RECIPIENTS = 100


def notification_kind(text: str) -> Kind | None:
    """The kind of mail that this text is if it is such an event, else None."""
    event = _event(text)
    sort = _type(event) if event else ""
    if sort not in READERS:
        return None
    return Kind.COMPLAINT if sort == "complaint" else Kind.BOUNCE


def read_notification(text: str) -> tuple[DeliveryReport, ...]:
    """One report per recipient of the event; () if the text is none."""
    event = _event(text)
    if event is None or _type(event) not in READERS:
        return ()
    mail = _object(event.get("mail"))
    common = _object(mail.get("commonHeaders"))
    original = own_message_id(_text(common.get("messageId") or mail.get("messageId")).encode())
    return tuple(islice(READERS[_type(event)](event, original), MAX_RECIPIENTS))


def _bounced(event: Mapping[str, object], original: str) -> Iterator[DeliveryReport]:
    for one in _list(_object(event.get("bounce")).get("bouncedRecipients")):
        yield _failed(_object(one), "failed", original)


def _delayed(event: Mapping[str, object], original: str) -> Iterator[DeliveryReport]:
    for one in _list(_object(event.get("deliveryDelay")).get("delayedRecipients")):
        yield _failed(_object(one), "delayed", original)


def _complained(event: Mapping[str, object], original: str) -> Iterator[DeliveryReport]:
    complaint = _object(event.get("complaint"))
    said = _text(complaint.get("complaintFeedbackType")) or "abuse"
    for one in _list(complaint.get("complainedRecipients")):
        yield DeliveryReport("complained", _address(_object(one)), "", said, original)


def _delivered(event: Mapping[str, object], original: str) -> Iterator[DeliveryReport]:
    delivery = _object(event.get("delivery"))
    for address in _list(delivery.get("recipients")):
        yield DeliveryReport("delivered", _text(address), "2.0.0", _text(delivery.get("smtpResponse")), original)


def _rejected(event: Mapping[str, object], original: str) -> Iterator[DeliveryReport]:
    reason = _text(_object(event.get("reject")).get("reason"))
    for address in _list(_object(event.get("mail")).get("destination")):
        yield DeliveryReport("failed", _text(address), "", reason, original, Failure.POLICY)


def _failed(one: Mapping[str, object], action: str, original: str) -> DeliveryReport:
    diagnostic = _text(one.get("diagnosticCode")).partition(";")[2].strip() or _text(one.get("diagnosticCode"))
    status = best_status(_text(one.get("status")), diagnostic)
    return DeliveryReport(action, _address(one), status, diagnostic, original, classify(action, status, diagnostic))


def _address(one: Mapping[str, object]) -> str:
    return "".join(_text(one.get("emailAddress")).split()).strip("<>")  # their lines are folded anywhere


def _type(event: Mapping[str, object]) -> str:
    return _text(event.get("notificationType") or event.get("eventType")).lower()


def _event(text: str) -> Mapping[str, object] | None:
    """The JSON object at the start of the text, if it speaks of a mail."""
    start = text[:MAX_EVENT].lstrip()
    if not start.startswith("{") or '"mail"' not in start and '"Message"' not in start:
        return None
    try:
        found = _object(json.JSONDecoder(strict=False).raw_decode(start)[0])
        inner = found.get("Message")
        return _object(json.loads(inner)) if isinstance(inner, str) and inner.startswith("{") else found
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    return storable(" ".join(value.split())) if isinstance(value, str) else ""


READERS: dict[str, Callable[[Mapping[str, object], str], Iterator[DeliveryReport]]] = {
    "bounce": _bounced,
    "complaint": _complained,
    "delivery": _delivered,
    "deliverydelay": _delayed,
    "reject": _rejected,
}
