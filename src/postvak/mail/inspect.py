"""All that we understand of a mail as one dict that can be written as JSON: `describe`.

This is the interface by which others evaluate us: its fields stay. Never an exception, no network, no database.
What the worker needs of a mail is `parse`; this costs more (hashes, types, language, links).

What lies under encryption and who really sent it is found out by parts that stand higher on the stairs. They are named here and not
imported: `describe` stays one interface, and this part works without them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module

import filetype

from postvak.mail.attachments import MailFile
from postvak.mail.automatic import forbids_autoreply, is_automatic, is_marked_spam, is_out_of_office
from postvak.mail.bounces import is_bounce, is_hard
from postvak.mail.charsets import decode
from postvak.mail.content_lines import read_contacts, read_events
from postvak.mail.language import LOOKED_AT, language_of
from postvak.mail.links import examine
from postvak.mail.parse import Understood, understand
from postvak.mail.protection import read_protection
from postvak.mail.quotes import LONGEST_REPLY, Segment, beginning_of, forwarded_from, reply_text, split_reply
from postvak.mail.quotes_html import has_quotation_marks
from postvak.mail.values import Address, AttachmentInfo, Kind, Mail

JsonValue = str | int | float | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]
Fields = dict[str, JsonValue]
SNIFFED_BYTES = 8192
CALENDARS = ("text/calendar", "application/ics")
CONTACTS = ("text/vcard", "text/x-vcard", "text/directory")
# module and function: (raw, the fields so far, folder) -> more fields
OF_KEYS, OF_NAMES = ("postvak.crypto.describing", "protection"), ("postvak.trust.describing", "sender")


def describe(raw: bytes, *, keyring: str | None = None, dns: str | None = None, with_language: bool = True) -> Fields:
    """Everything about one mail. `keyring`: a folder of keys, to open what is encrypted and judge signatures. `dns`: a folder with the
    answers of a name server (dns.json, else the one in `keyring`), to judge DKIM, DMARC and ARC as if the mail came now."""
    fields = _described(raw, with_language=with_language)
    for step, folder in ((OF_KEYS, keyring), (OF_NAMES, dns or keyring)):
        if folder:
            fields.update(_further(step, raw, fields, folder))
    return fields


def _further(step: tuple[str, str], raw: bytes, fields: Fields, folder: str) -> Fields:
    module, name = step
    try:
        found: Fields = getattr(import_module(module), name)(raw, fields, folder)
    except Exception as error:  # noqa: BLE001 - promised; what was understood without it stays
        defects = fields.get("defects")
        known = list(defects) if isinstance(defects, Sequence) else []
        return {"defects": [*known, f"failed:{name}:{type(error).__name__}"]}
    return found


def _described(raw: bytes, *, with_language: bool) -> Fields:
    try:
        understood = understand(raw)
    except Exception as error:  # noqa: BLE001 - promised; the raw mail is the caller's, so nothing is lost
        return {"defects": [f"failed:{type(error).__name__}"], "body_text": "", "attachments": []}
    fields: Fields = {}
    steps: list[Callable[[Understood], Fields]] = [_envelope, _body, _machine, _structure, _html, _files]
    for step in [*steps, _language] if with_language else steps:
        try:
            fields.update(step(understood))
        except Exception as error:  # noqa: BLE001 - one part that fails must not hide the others
            understood = _with_defect(understood, f"failed:{step.__name__.strip('_')}:{type(error).__name__}")
    fields["defects"] = list(understood.mail.defects)
    return fields


def _with_defect(understood: Understood, code: str) -> Understood:
    mail = understood.mail
    changed = Mail(**{**{name: getattr(mail, name) for name in Mail.__slots__}, "defects": (*mail.defects, code)})
    return Understood(changed, understood.tree, understood.files)


def _envelope(understood: Understood) -> Fields:
    mail = understood.mail
    return {
        "subject": mail.subject,
        "from_addr": mail.author.email if mail.author else "",
        "from_name": mail.author.name if mail.author else "",
        "sender": mail.sender.email if mail.sender else None,
        "to": _emails(mail.to),
        "cc": _emails(mail.cc),
        "reply_to": _emails(mail.reply_to),
        "delivered_to": list(mail.delivered_to),
        "message_id": mail.message_id,
        "in_reply_to": list(mail.in_reply_to),
        "references": list(mail.references),
        "date": mail.date.isoformat() if mail.date else None,
        "fingerprint": mail.fingerprint,
    }


def _emails(addresses: Sequence[Address]) -> list[str]:
    return [address.email for address in addresses]


def _body(understood: Understood) -> Fields:
    mail = understood.mail
    text = beginning_of(mail.text)
    segments = split_reply(mail.text)
    shown: list[Fields] = [{"kind": one.kind, "text": one.text} for one in segments]
    is_forward_possible = "@" in text
    return {
        "body_text": mail.text,
        "body_html": mail.html,
        "html_present": bool(mail.html),
        "reply_text": _reply(text, mail.html, segments),
        "segments": shown,
        "forwarded_from": (is_forward_possible and forwarded_from(text, subject=mail.subject)) or None,
    }


def _reply(text: str, html: str, segments: Sequence[Segment]) -> str:
    """`reply_text`, without splitting the text once more when the HTML can't change the result."""
    if html and len(html) <= LONGEST_REPLY and has_quotation_marks(html):
        return reply_text(text, html)
    return "".join(one.text for one in segments if one.kind == "new").strip()


def _machine(understood: Understood) -> Fields:
    mail = understood.mail
    bounced = is_bounce(mail)
    statuses = [report.status for report in mail.reports if report.status]
    return {
        "kind": str(mail.kind),
        "kind_reason": mail.kind_reason,
        "is_bounce": bounced,
        "bounced_recipients": list(dict.fromkeys(report.recipient for report in mail.reports)) if bounced else [],
        "bounce_status": list(dict.fromkeys(statuses)) if bounced else [],
        "bounce_hard": bounced and is_hard(mail.reports),
        "is_auto": is_automatic(mail),
        "no_autoreply": forbids_autoreply(mail),
        "is_ooo": is_out_of_office(mail),
        "is_feedback": mail.kind is Kind.COMPLAINT,
        "is_spam": is_marked_spam(understood.tree.root.headers),
        "reports": [{key: str(value) for key, value in asdict(report).items()} for report in mail.reports],
    }


def _structure(understood: Understood) -> Fields:
    protection = read_protection(understood.tree, understood.mail.text)
    parts: list[Fields] = [
        {"type": part.content_type, "index": part.index, "parent": part.parent} for part in understood.tree.parts
    ]
    return {"signed": protection.signed or False, "encrypted": protection.encrypted or False, "parts": parts}


def _html(understood: Understood) -> Fields:
    html = understood.mail.html
    if not html:
        return {"remote": [], "tracking": [], "misleading_links": [], "missing_content_ids": []}
    found = examine(html)
    known = {info.content_id for info in understood.mail.attachments}
    return {
        "remote": list(found.remote),
        "tracking": list(found.tracking),
        "misleading_links": [{"shown": shown, "target": target} for shown, target in found.misleading],
        "missing_content_ids": [one for one in found.content_ids if one not in known],
    }


def _files(understood: Understood) -> Fields:
    pairs = list(zip(understood.mail.attachments, understood.files, strict=True))
    calendars = [_text(file) for info, file in pairs if info.content_type in CALENDARS]
    contacts = [_text(file) for info, file in pairs if info.content_type in CONTACTS]
    events: list[Fields] = [asdict(event) for text in calendars for event in read_events(text)]
    cards: list[Fields] = [asdict(contact) for text in contacts for contact in read_contacts(text)]
    return {
        "attachments": [_attachment(info, file.content) for info, file in pairs],
        "events": events,
        "contacts": cards,
    }


def _attachment(info: AttachmentInfo, content: bytes) -> Fields:
    """`name` is what the sender wrote, `safe_name` what we save it as."""
    return {
        "name": info.sent_name,
        "safe_name": info.name,
        "index": info.index,
        "mime": info.content_type,
        "sniffed": filetype.guess_mime(content[:SNIFFED_BYTES]),
        "size": info.size,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_id": info.content_id,
        "inline": info.is_inline,
        "danger": info.danger,
    }


def _text(file: MailFile) -> str:
    return decode(file.content, file.part.parameters.get("charset", "") or "utf-8")[0]


def _language(understood: Understood) -> Fields:
    mail = understood.mail
    new = "".join(segment.text for segment in split_reply(mail.text[:LOOKED_AT]) if segment.kind == "new")
    return {"language": language_of(new) or language_of(f"{mail.subject}\n{mail.text}")}
