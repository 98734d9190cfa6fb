"""What was found out about a mail (crypto.values.Opened) as a row of MailSecurity, and back to what a page shows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime

from postvak.crypto.sealing import CannotOpen, seal, unseal
from postvak.crypto.values import Act, Kind, Layer, Opened, Verdict
from postvak.keys.rows import clean
from postvak.models import MailSecurity, Message

MOST_LAYERS, MOST_NAMES = 20, 100
LONGEST = 500
FOUND = ("encrypted", "signed", "state", "verdict", "signer", "report", "missing", "sealed_subject", "looked_at")


def is_protected(opened: Opened | None) -> bool:
    """Is there anything to tell of it?"""
    return opened is not None and bool(opened.layers)


def security_row(message: Message, opened: Opened, now: datetime) -> MailSecurity:
    """Unsaved."""
    row = MailSecurity(message=message)
    take(row, opened, now)
    return row


def take(row: MailSecurity, opened: Opened, now: datetime) -> None:
    """All columns of FOUND."""
    signature = opened.signature
    row.encrypted = opened.encrypted
    row.signed = signature.kind.value if signature else ""
    row.state = opened.state.value
    row.verdict = (signature.verdict or Verdict.unknown).value if signature else ""
    row.signer = clean(signature.signers[0])[:320] if signature and signature.signers else ""
    row.report = [layer_as_json(layer) for layer in opened.layers[:MOST_LAYERS]]
    row.missing = [clean(name) for name in opened.missing[:MOST_NAMES]]
    row.sealed_subject = seal(opened.subject, settings.CONFIGURATION.sealing_keys)
    row.looked_at = now


def layer_as_json(layer: Layer) -> dict[str, Any]:
    return {
        "kind": layer.kind.value,
        "act": layer.act.value,
        "verdict": layer.verdict.value if layer.verdict else "",
        "algorithm": clean(layer.algorithm)[:LONGEST],
        "key": layer.key,
        "subject": clean(layer.subject)[:LONGEST],
        "signers": [clean(one)[:320] for one in layer.signers[:MOST_NAMES]],
        "names": [clean(one) for one in layer.names[:MOST_NAMES]],
        "signed_at": layer.signed_at.isoformat() if layer.signed_at else "",
        "code": layer.code,
        "parameters": {name: clean(str(value))[:LONGEST] for name, value in layer.parameters.items()},
        "covers_all": layer.covers_all,
    }


def layers_of(report: Iterable[Mapping[str, Any]]) -> list[Layer]:
    """As security_row() wrote them."""
    return [
        Layer(
            kind=Kind(one["kind"]),
            act=Act(one["act"]),
            verdict=Verdict(one["verdict"]) if one["verdict"] else None,
            algorithm=one["algorithm"],
            key=one["key"],
            subject=one["subject"],
            signers=tuple(one["signers"]),
            names=tuple(one["names"]),
            signed_at=parse_datetime(one["signed_at"]) if one["signed_at"] else None,
            code=one["code"],
            parameters=one["parameters"],
            covers_all=one["covers_all"],
        )
        for one in report
    ]


def security_of(message: Message) -> MailSecurity | None:
    """Null: neither signed nor encrypted. Costs a query unless it came with the message (select_related("security"))."""
    found: MailSecurity | None = getattr(message, "security", None)
    return found


def protected_subject(row: MailSecurity) -> str:
    """The one inside; "" where it is the one outside, or can't be unsealed."""
    try:
        return unseal(row.sealed_subject, settings.CONFIGURATION.sealing_keys)
    except CannotOpen:
        return ""
