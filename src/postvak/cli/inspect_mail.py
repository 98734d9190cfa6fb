"""`postvak inspect`: what we understand of mails, as JSON Lines or as a report for people. No database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from postvak.mail.files import read_mails
from postvak.mail.inspect import Fields, JsonValue, describe

SHOWN_TEXT = 2000
LABELS = (
    ("From", "from_addr"),
    ("Name", "from_name"),
    ("To", "to"),
    ("Cc", "cc"),
    ("Reply to", "reply_to"),
    ("Subject", "subject"),
    ("Date", "date"),
    ("Message-ID", "message_id"),
    ("Kind", "kind"),
    ("because of", "kind_reason"),
    ("Language", "language"),
    ("Bounced", "bounced_recipients"),
    ("Status", "bounce_status"),
    ("Forwarded from", "forwarded_from"),
    ("Signed", "signed"),
    ("Signature", "signature"),
    ("Signer", "signer"),
    ("Encrypted", "encrypted"),
    ("Its subject", "protected_subject"),
    ("DKIM", "auth_dkim"),
    ("DMARC", "auth_dmarc"),
    ("ARC", "auth_arc"),
    ("Broken", "defects"),
    ("Remote", "remote"),
    ("Tracking", "tracking"),
)


def inspect_all(paths: Iterable[str], *, keyring: str | None, as_lines: bool, dns: str | None = None) -> Iterator[str]:
    """One line of JSON, or one report, per mail. `-` is stdin. Raises OSError."""
    for path in paths:
        mails = iter([sys.stdin.buffer.read()]) if path == "-" else read_mails(Path(path))
        for number, raw in enumerate(mails, 1):
            fields = describe(raw, keyring=keyring, dns=dns)
            if as_lines:
                yield json.dumps({"file": path, "number": number, **fields}, ensure_ascii=False)
            else:
                yield report(f"{path}" if number == 1 else f"{path}, mail {number}", fields)


def report(title: str, fields: Fields) -> str:
    """The findings for people: what is empty is left out."""
    lines = [f"── {title}"]
    lines += [f"{label:>15}: {_shown(fields[name])}" for label, name in LABELS if fields.get(name)]
    for one in _dicts(fields.get("misleading_links")):
        lines.append(f"{'Misleading':>15}: “{one['shown']}” leads to {one['target']}")
    for one in _dicts(fields.get("attachments")):
        danger = f" – DANGER: {one['danger']}" if one["danger"] else ""
        lines.append(f"{'File':>15}: {one['name']} ({one['mime']}, {one['size']} bytes){danger}")
    for one in _dicts(fields.get("events")):
        lines.append(
            f"{'Appointment':>15}: {one['summary']} ({one['method'] or 'no method'}), {one['start']} – {one['end']}"
        )
    for one in _dicts(fields.get("contacts")):
        lines.append(f"{'Contact':>15}: {one['name']} {_shown(one['emails'])} {_shown(one['phones'])}")
    for one in _dicts(fields.get("layers")):
        lines.append(f"{'Layer':>15}: {_layer(one)}")
    text = str(fields.get("decrypted_text") or fields.get("reply_text") or fields.get("body_text") or "").strip()
    shown = text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]} …"
    return "\n".join([*lines, "", *(f"    {line}" for line in shown.splitlines()), ""])


def _layer(layer: dict[str, JsonValue]) -> str:
    """As in "pgp signed: untrusted (signer_unknown), RSA-2048 SHA256, CN=Ann"."""
    verdict = f": {layer['verdict']}" if layer["verdict"] else ""
    why = f" ({layer['code']})" if layer["code"] else ""
    known = [str(layer[name]) for name in ("algorithm", "subject") if layer[name]]
    return ", ".join([f"{layer['kind']} {layer['act']}{verdict}{why}", *known])


def _shown(value: JsonValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _dicts(value: JsonValue) -> list[dict[str, JsonValue]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
