"""Drafts of answers that go out encrypted, or that are about an encrypted mail, lie here sealed: words and files. Spec 05.

Whether a draft is sealed shows in its columns, so that what was stored before is read as it is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.crypto.sealing import CannotOpen, is_sealed, seal, seal_bytes, unseal, unseal_bytes
from postvak.models import Encrypt, Ticket
from postvak.models.draft import Draft
from postvak.send.letter import newest_mail
from postvak.send.protect import policy_of
from postvak.send.protection import is_encrypted

WORDS = ("subject", "html", "text")
MARK = "PVS1:"
TOKEN = re.compile(r"gAAAA[\w-]{90,}={0,2}", re.ASCII)  # as crypto.sealing.seal() makes them


def is_secret(ticket: Ticket | None, kind: str, columns: Mapping[str, Any]) -> bool:
    """Will it go out encrypted, or may it say what an encrypted mail says? A note is neither."""
    if kind == Draft.Kind.NOTE:
        return False
    queue = ticket.queue if ticket else columns.get("queue")
    is_set_up = queue is not None and policy_of(queue, columns.get("address")).encrypt == Encrypt.ALWAYS
    if columns.get("encrypt") or is_set_up:
        return True
    return is_encrypted(columns.get("about") or (newest_mail(ticket) if ticket else None))


def is_secret_draft(draft: Draft) -> bool:
    names = ("queue", "address", "encrypt", "about")
    return is_secret(draft.ticket, draft.kind, {name: getattr(draft, name) for name in names})


def concealed(columns: Mapping[str, Any], *, secret: bool) -> dict[str, Any]:
    """The columns of a draft as they are stored."""
    if not secret:
        return dict(columns)
    return {**columns, **{name: sealed(columns[name]) for name in WORDS if columns.get(name)}}


def sealed(text: str) -> str:
    return text if is_sealed_text(text) else MARK + seal(text, settings.CONFIGURATION.sealing_keys)


def is_sealed_text(text: str) -> bool:
    return text.startswith(MARK) and TOKEN.fullmatch(text, len(MARK)) is not None


def words(draft: Draft, name: str) -> str:
    """One of WORDS, readable; "" when the sealing keys are other ones now."""
    text = str(getattr(draft, name))
    if not is_sealed_text(text):
        return text
    try:
        return unseal(text.removeprefix(MARK), settings.CONFIGURATION.sealing_keys)
    except CannotOpen:
        return ""


def rewrite(draft: Draft, change: Callable[[str], str]) -> None:
    """Put `change` of its words in their place, sealed where they were."""
    changed = {}
    for name in WORDS:
        text = words(draft, name)
        if (new := change(text)) != text:
            changed[name] = sealed(new) if is_sealed_text(getattr(draft, name)) else new
    if changed:
        Draft.objects.filter(pk=draft.pk).update(**changed)


# -- files ----------------------------------------------------------------------------


def stored_file(content: bytes, *, secret: bool) -> bytes:
    """For the blob."""
    return seal_bytes(content, settings.CONFIGURATION.sealing_keys) if secret else content


def readable_file(stored: bytes) -> bytes:
    """Raises BlobMissing when the sealing keys are other ones now: its bytes are gone as those of a lost file."""
    if not is_sealed(stored):
        return stored
    try:
        return unseal_bytes(stored, settings.CONFIGURATION.sealing_keys)
    except CannotOpen as error:
        raise store.BlobMissing(str(error)) from error


def seal_files(draft: Draft) -> None:
    """Of a draft that becomes a secret one. Files that can't be fetched at the moment stay as they are."""
    rows = list(draft.files.all())
    try:
        raws = store.get_all([str(row.blob_id) for row in rows])
        clear = [row for row in rows if not is_sealed(raws[str(row.blob_id)])]
        blobs = store.prepare([stored_file(raws[str(row.blob_id)], secret=True) for row in clear])
    except (store.BlobMissing, store.VaultUnreachable):
        return
    with transaction.atomic():
        store.save(blobs)
        for row, blob in zip(clear, blobs, strict=True):
            draft.files.filter(pk=row.pk).update(blob_id=blob.pk)
        store.condemn([str(row.blob_id) for row in clear], timezone.now())
