"""What `mail.inspect.describe` says of a mail's protection when it has a folder of keys: signature (good, bad, unknown), signer,
decryptable, decrypted_text, decrypted_attachments, protected_subject, layers; signed and encrypted as they turned out to be.

No network, no database. `signature` says whether the bytes are untouched; who vouches for the signer stands in `layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache

from postvak.crypto.folder import FolderKeyring
from postvak.crypto.opening import open_mail
from postvak.crypto.values import Act, Layer, Opened, State, Verdict
from postvak.mail import inspect
from postvak.mail.charsets import decode
from postvak.mail.inspect import Fields, JsonValue
from postvak.mail.tree import build

UNTOUCHED = (
    Verdict.good,
    Verdict.untrusted,
    Verdict.other_signer,
    Verdict.expired,
    Verdict.revoked,
    Verdict.weak,
)
MAX_ATTACHED_MAILS = 10


@lru_cache(maxsize=4)
def _keyring(folder: str) -> FolderKeyring:
    return FolderKeyring(folder)


def protection(raw: bytes, fields: Fields, keyring: str) -> Fields:
    """`fields`: what was understood without keys."""
    opened = open_mail(raw, _keyring(keyring), at=_arrived(fields))
    signed = next((one.kind.value for one in opened.layers if one.act is Act.signed), False)
    if not opened.layers:
        return {"signed": False} if fields["signed"] else {}
    inside = inspect.describe(opened.raw, with_language=False)
    found: Fields = {
        "signed": signed,
        "encrypted": opened.encrypted or fields["encrypted"],
        "layers": [_layer(one) for one in opened.layers],
        "protected_subject": opened.subject or None,
        "decrypted_text": _texts(opened.raw, inside),
        "decrypted_attachments": inside["attachments"],
    }
    if opened.encrypted:
        found["decryptable"] = opened.state is State.open
    return {**found, **_signature(opened)}


def _arrived(fields: Fields) -> datetime:
    """A stored mail is judged as of its date: nobody knows when it came in."""
    date = fields.get("date")
    return datetime.fromisoformat(date) if isinstance(date, str) else datetime.now(UTC)


def _signature(opened: Opened) -> Fields:
    verdicts = [one.verdict for one in opened.layers if one.act is Act.signed]
    if not verdicts:
        return {}
    if Verdict.changed in verdicts:
        word = "bad"
    else:
        word = "good" if any(verdict in UNTOUCHED for verdict in verdicts) else "unknown"
    counted = opened.signature
    return {"signature": word, "signer": counted.signers[0] if counted and counted.signers else None}


def _layer(layer: Layer) -> Mapping[str, JsonValue]:
    fields = asdict(layer)
    signed_at = layer.signed_at.isoformat() if layer.signed_at else None
    lists = {name: list(fields[name]) for name in ("signers", "names", "ciphers")}
    return {**fields, **lists, "signed_at": signed_at}


def _texts(raw: bytes, inside: Fields) -> str:
    """Text, also of attached text files, and of decrypted parts that became attached mails."""
    parts = build(raw).parts
    files = [part for part in parts if part.content_type == "text/plain" and part.filename]
    attached = [part.content()[0] for part in parts if part.content_type == "message/rfc822"]
    texts = [
        _text(inside),
        *(decode(part.content()[0], part.parameters.get("charset") or "utf-8")[0] for part in files),
    ]
    texts += [_text(inspect.describe(one, with_language=False)) for one in attached[:MAX_ATTACHED_MAILS]]
    return "\n".join(text for text in texts if text)


def _text(fields: Fields) -> str:
    return str(fields.get("body_text") or fields.get("body_html") or "")
