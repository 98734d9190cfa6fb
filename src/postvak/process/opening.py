"""The mails of receipts, read: parsed, and opened where something protects them. What can't be opened stops no mail. Spec 05.

Runs before any transaction begins. An ordinary mail costs a look at the types of its parts.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace

from postvak.crypto.opening import open_mail
from postvak.crypto.opening_parts import is_sealed_file
from postvak.crypto.values import Act, Keyring, Kind, Layer, Opened, State, Verdict
from postvak.keys.keyring import TableKeyring
from postvak.mail.parse import Understood, parse, understand
from postvak.mail.protection import SMIME_TYPES, Protection, read_protection
from postvak.mail.values import Mail
from postvak.models import Receipt
from postvak.process.incoming import Incoming
from postvak.process.senders import with_evidence

log = logging.getLogger("postvak.process")

BRINGERS = ("application/pgp-keys", *SMIME_TYPES)  # S/MIME may also hold certificates only, or a compressed mail


def take_in(mails: Iterable[tuple[Receipt, bytes]]) -> list[Incoming]:
    """In the same order. Keys that several of the mails need are looked up once."""
    keyring = TableKeyring()
    return with_evidence([take_in_one(receipt, raw, keyring) for receipt, raw in mails])


def take_in_one(receipt: Receipt, raw: bytes, keyring: Keyring) -> Incoming:
    understood = understand(raw)
    protection = read_protection(understood.tree, understood.mail.text)
    is_plain = not (protection.signed or protection.encrypted or brings_keys(understood))
    if is_plain and not any(is_sealed_file(part) for part in understood.tree.parts):
        return Incoming(receipt, understood.mail, raw)
    opened = opened_of(receipt, raw, protection, keyring)
    if not opened.layers or (is_plain and opened.state is not State.open):  # a file for others leaves the mail as it is
        return Incoming(receipt, understood.mail, raw, security=opened if opened.found else None)
    mail = readable_mail(understood.mail, opened)
    outer = outside(understood.mail, is_read_by_all=is_plain) if opened.encrypted else None
    return Incoming(receipt, mail, raw, outer, opened)


def brings_keys(understood: Understood) -> bool:
    if "autocrypt" in understood.tree.root.headers:
        return True
    return any(part.content_type in BRINGERS for part in understood.tree.parts)


def opened_of(receipt: Receipt, raw: bytes, protection: Protection, keyring: Keyring) -> Opened:
    """Whatever goes wrong becomes a mail that can't be read, with a reason: it is kept, and can be tried again."""
    try:
        return open_mail(raw, keyring, at=receipt.received_at)
    except Exception as error:  # the mail is stored and goes its way; the reason stands in its trace
        log.exception("receipt %s can't be opened", receipt.pk)
        return broken(raw, protection, f"{type(error).__name__}: {error}")


def broken(raw: bytes, protection: Protection, said: str) -> Opened:
    why = {"code": "opening_failed", "parameters": {"error": said[:300]}}
    layers: list[Layer] = []
    if protection.encrypted:
        layers.append(Layer(Kind(protection.encrypted), Act.encrypted, **why))  # type: ignore[arg-type]
    if protection.signed:
        layers.append(Layer(Kind(protection.signed), Act.signed, Verdict.unknown, **why))  # type: ignore[arg-type]
    return Opened(raw, State.damaged if protection.encrypted else State.plain, tuple(layers))


def readable_mail(mail: Mail, opened: Opened) -> Mail:
    """As people read it. That two receipts are the same mail is seen by what came."""
    return replace(parse(opened.raw), fingerprint=mail.fingerprint)


def outside(mail: Mail, *, is_read_by_all: bool) -> Mail:
    """What of an encrypted mail everybody on its way has seen, and we store: its header, and its words where only files were
    encrypted."""
    return replace(mail, attachments=()) if is_read_by_all else replace(mail, text="", html="", attachments=())
