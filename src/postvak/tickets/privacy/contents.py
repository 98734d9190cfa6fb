"""The bytes behind a message are exchanged for others, wherever the same bytes are used, and the old ones deleted."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from postvak.blobs import store
from postvak.blobs.rows import Blob
from postvak.models import MailSecurity, Message, OutgoingMail, Receipt
from postvak.receive.retention import unreferenced

HOLDERS = (Message, Receipt, OutgoingMail)


class StillGoing(Exception):
    """The mail is still to go out, so its bytes can't be changed."""


def exchange(old: str, raw: bytes) -> str:
    """Returns the digest of the new bytes. Raises StillGoing, VaultUnreachable."""
    prepared = store.prepare([raw])
    new = prepared[0].digest
    if new == old:
        return old
    with transaction.atomic():
        if OutgoingMail.objects.select_for_update().filter(blob=old, next_attempt_at__isnull=False).exists():
            raise StillGoing
        store.save(prepared)
        for model in HOLDERS:
            model._default_manager.filter(blob=old).update(blob=new)
        let_go([old])
    return new


def forget_security(message: Message) -> None:
    """What protected it, who signed it, and its decrypted form. Call in a transaction."""
    views = {str(one) for one in MailSecurity.objects.filter(message=message).values_list("view_id", flat=True) if one}
    MailSecurity.objects.filter(message=message).delete()
    let_go(views)


def forget_view(security: MailSecurity) -> None:
    """Its decrypted form, and what was inside its header. Call in a transaction."""
    view = security.view_id
    MailSecurity.objects.filter(pk=security.pk).update(view=None, sealed_subject="")
    if view:
        let_go([str(view)])


def let_go(digests: Iterable[str]) -> None:
    """Nobody needs these any more: small ones are gone at once; large ones, which lie outside of the database, within a
    quarter of an hour (receive.retention). What somebody else needs stays. Call in a transaction."""
    wanted = set(digests)
    store.condemn(wanted, timezone.now())
    gone = unreferenced(wanted)
    rows = Blob.objects.filter(pk__in=gone, content__isnull=False)
    rows._raw_delete(rows.db)  # all that points to it was looked at
