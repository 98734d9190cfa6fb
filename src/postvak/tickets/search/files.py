"""The text of attached files: cut out of the stored mail, read with limits, kept for the index.

Apart from taking mail in and from the index: a file that takes long, is broken or hostile delays nothing. It then just
has no text. Rows that wait are claimed for a while; whoever dies gives them back by that.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from postvak.blobs import store
from postvak.keys.reading import CantRead, readable
from postvak.mail.charsets import decode, storable
from postvak.mail.html import to_text
from postvak.mail.parse import attachment_content
from postvak.mail.pdf import MOST_BYTES, MOST_LETTERS, NoText, pdf_text
from postvak.models import Attachment, AttachmentText, SearchAgain

log = logging.getLogger("postvak.search")

CLAIM = timedelta(minutes=5)
ATTEMPTS = 3
LARGEST_TEXT = 1024 * 1024
NO_WORDS = {"text/calendar-data", "text/rtf", "text/css"}
TEXTS = {"application/json", "application/xml"}


def is_readable(file: Attachment) -> bool:
    if kind_of(file) == "pdf":
        return file.size <= MOST_BYTES
    return kind_of(file) == "text" and file.size <= LARGEST_TEXT


def kind_of(file: Attachment) -> str:
    """By type; programs that don't know it send octets with a name."""
    content_type, name = file.content_type.lower(), file.name.lower()
    if content_type == "application/pdf" or name.endswith(".pdf"):
        return "pdf"
    if content_type in TEXTS or (content_type.startswith("text/") and content_type not in NO_WORDS):
        return "text"
    return "text" if name.endswith((".txt", ".csv", ".md", ".log")) else ""


def read_files_due() -> int:
    """Read one file that waits; returns 1, or 0 when none does."""
    row = claim()
    if row is None:
        return 0
    try:
        text = text_of(row.attachment)
    except store.VaultUnreachable:  # that says nothing of the file: again when the claim is over
        AttachmentText.objects.filter(pk=row.pk).update(attempts=F("attempts") - 1)
        return 1
    with transaction.atomic():
        mine = AttachmentText.objects.filter(pk=row.pk, claimed_until=row.claimed_until)
        state = AttachmentText.State.READ if text else AttachmentText.State.NONE
        if mine.update(state=state, text=text, claimed_until=None) and text:
            SearchAgain.objects.create(message_id=row.attachment.message_id)
    return 1


def claim() -> AttachmentText | None:
    """A row that is ours for CLAIM. One that was claimed too often isn't tried any more: it ends its readers."""
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    waiting = AttachmentText.objects.filter(free, state=AttachmentText.State.WAITING)
    row = waiting.select_related("attachment__message").order_by("-pk").first()
    if row is None:
        return None
    mine = AttachmentText.objects.filter(free, pk=row.pk, state=AttachmentText.State.WAITING, attempts=row.attempts)
    if row.attempts >= ATTEMPTS:
        mine.update(state=AttachmentText.State.NONE)
        return None
    row.claimed_until = now + CLAIM
    return row if mine.update(claimed_until=row.claimed_until, attempts=F("attempts") + 1) else None


def text_of(file: Attachment) -> str:
    """Empty when there is none to be had. Raises VaultUnreachable."""
    try:
        _info, content = attachment_content(readable(file.message), file.part)
        text = pdf_text(content) if kind_of(file) == "pdf" else plain_text(file, content)
    except (NoText, CantRead, LookupError) as error:
        log.info("attachment %s has no text: %s", file.pk, error)
        return ""
    return storable(text)[:MOST_LETTERS].strip()


def plain_text(file: Attachment, content: bytes) -> str:
    text, _defect = decode(content[:LARGEST_TEXT])
    return to_text(text) if file.content_type.lower() == "text/html" else text
