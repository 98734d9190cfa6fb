"""What the database keeps of a mail that goes out signed or encrypted: its bytes sealed, no word of it in clear. Spec 05."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from postvak.crypto.sealing import CannotOpen, seal, seal_bytes, unseal
from postvak.models import MailSecurity, Message
from postvak.send.protection import Protection

State = MailSecurity.State
SEALED = "sealed"


def stored_form(raw: bytes, protection: Protection | None) -> bytes:
    """For the blob."""
    return seal_bytes(raw, settings.CONFIGURATION.sealing_keys) if is_secret(protection) else raw


def is_secret(protection: Protection | None) -> bool:
    return protection is not None and protection.encrypt


def as_json(protection: Protection | None) -> dict[str, Any] | None:
    return protection.as_json() if protection else None


def conceal(message: Message, protection: Protection | None) -> None:
    """Before the message is saved."""
    if is_secret(protection):
        message.text, message.has_html = "", False


def record_protection(message: Message, protection: Protection | None, now: datetime) -> None:
    """In the transaction that saves the message."""
    if protection is None:
        return
    MailSecurity.objects.create(
        message=message,
        encrypted=protection.kind if protection.encrypt else "",
        signed=protection.kind if protection.sign is not None else "",
        state=State.SEALED if protection.encrypt else State.PLAIN,
        looked_at=now,
    )


def seal_words(values: Mapping[str, object], protection: Protection | None) -> dict[str, object]:
    """What the composer needs again when the mail is taken back, as OutgoingMail.before has it."""
    if not is_secret(protection):
        return dict(values)
    return {SEALED: seal(json.dumps(values), settings.CONFIGURATION.sealing_keys)}


def unseal_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """{} when the sealing keys are other ones now."""
    if SEALED not in values:
        return dict(values)
    try:
        return dict(json.loads(unseal(str(values[SEALED]), settings.CONFIGURATION.sealing_keys)))
    except CannotOpen:
        return {}
