"""readable(message): the mail as a person may read it, whatever protects it. Spec 05.

Where a mail came encrypted its original stays so; what was decrypted is kept beside it, sealed with the key of this installation,
so that it is decrypted once. A mail of ours that went out encrypted is stored sealed itself.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, transaction

from postvak.blobs import store
from postvak.crypto.opening import open_mail
from postvak.crypto.sealing import CannotOpen, is_sealed, seal_bytes, unseal_bytes
from postvak.crypto.values import Key, Keyring, Kind
from postvak.crypto.values import State as Opening
from postvak.keys import shown
from postvak.keys.keyring import TableKeyring
from postvak.keys.security import security_of
from postvak.mail.header_lines import header_end
from postvak.mail.parse import attachment_content, parse
from postvak.mail.values import AttachmentInfo
from postvak.models import MailSecurity, Message

State = MailSecurity.State
UNREAD = (State.NO_KEY, State.DAMAGED)


class CantRead(Exception):
    """`reason`: no_key, damaged (as MailSecurity.State), sealed: the key of the installation is another one; or no_file."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The mail can't be read: {reason}")
        self.reason = reason


class NoKeys(Keyring):
    """For taking the signature off: that needs no key."""

    def private(self, names: Sequence[str]) -> Sequence[Key]:
        return ()

    def public(self, names: Sequence[str]) -> Sequence[Key]:
        return ()

    def of_address(self, email: str, kind: Kind) -> Sequence[Key]:
        return ()

    def issuers(self, subject_id: str) -> Sequence[Key]:
        return ()

    def anchors(self) -> Sequence[Key]:
        return ()

    def revoked_serials(self, issuer: str) -> frozenset[int]:
        return frozenset()


def readable(message: Message) -> bytes:
    """The readable mail: what `Message.attachments` number their parts in. Raises CantRead, BlobMissing, VaultUnreachable."""
    security, raw = security_of(message), store.get(str(message.blob_id))
    if is_sealed(raw) or (security is not None and security.encrypted):
        shown.note()
    if is_sealed(raw):
        return unsealed(raw)
    if security is None:
        return raw
    if not security.encrypted:
        return plain(raw, message.created_at)
    if security.view_id:
        return of_view(message, security, raw)
    if security.state in UNREAD:
        raise CantRead(security.state)
    return open_and_keep(message, security, raw)


def readable_or_original(message: Message) -> bytes:
    """For showing: what lies beside an encrypted part that can't be opened is seen, too."""
    try:
        return readable(message)
    except CantRead:
        raw = store.get(str(message.blob_id))
        return b"" if is_sealed(raw) else raw


def original(message: Message) -> bytes:
    """The mail as it came or as it was written: for who downloads it. What we sealed is unsealed: outside of this installation it
    would be nothing. Raises CantRead, BlobMissing, VaultUnreachable."""
    raw = store.get(str(message.blob_id))
    if is_sealed(raw):
        shown.note()
        return unsealed(raw)
    return raw


def reply_to(message: Message) -> tuple[str, ...]:
    """The addresses in the mail's Reply-To, as they stand there; () when it can't be read."""
    try:
        raw = original(message) if message.blob_id else b""
    except (CantRead, store.BlobMissing, store.VaultUnreachable):
        return ()
    return tuple(one.email for one in parse(raw[: header_end(raw)[1]]).reply_to)


def unsealed(content: bytes) -> bytes:
    try:
        return unseal_bytes(content, settings.CONFIGURATION.sealing_keys)
    except CannotOpen as error:
        raise CantRead("sealed") from error


def plain(raw: bytes, at: datetime) -> bytes:
    """A signed mail without its signature."""
    return open_mail(raw, NoKeys(), at=at).raw


def of_view(message: Message, security: MailSecurity, raw: bytes) -> bytes:
    """What was kept of it. Where that can't be unsealed, or is lost, the mail is opened once more; what was kept stays until that
    succeeds, as the sealing key may come back."""
    try:
        return unsealed(store.get(str(security.view_id)))
    except (CantRead, store.BlobMissing) as problem:
        try:
            return open_and_keep(message, security, raw)
        except CantRead:
            raise problem from None


def open_and_keep(message: Message, security: MailSecurity, raw: bytes) -> bytes:
    opened = open_mail(raw, TableKeyring(), at=message.created_at)
    if opened.state is not Opening.open:
        raise CantRead(opened.state.value if opened.state.value in UNREAD else State.DAMAGED)
    keep_view(security, opened.raw)
    return opened.raw


def keep_view(security: MailSecurity, content: bytes) -> None:
    """Sealed, so that the next reader needs no key. That it can't be kept now (somebody else did, the disk is full) takes nothing from
    who reads."""
    try:
        blobs = store.prepare([seal_bytes(content, settings.CONFIGURATION.sealing_keys)])
        with transaction.atomic():
            store.save(blobs)
            if not MailSecurity.objects.filter(pk=security.pk, view=security.view_id).update(view=blobs[0]):
                transaction.set_rollback(True)
            else:
                security.view_id = blobs[0].pk
    except (DatabaseError, store.VaultUnreachable):
        security.view_id = None


def file_in(message: Message, part: int) -> tuple[AttachmentInfo, bytes]:
    """One file of the readable mail. Raises CantRead, and as readable() what the place of the bytes says: that they are lost
    is another thing than that there is no such file."""
    raw = readable(message)
    try:
        return attachment_content(raw, part)
    except LookupError as error:
        raise CantRead("no_file") from error
