"""Words in a message are made unreadable for good: in its text, its subject, its raw mail, the names of its files, the
search, and, if wished, where later messages of the ticket quote them. Only how many places and why is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.crypto.sealing import seal_bytes
from postvak.keys.reading import readable_or_original
from postvak.keys.security import security_of
from postvak.log import audit
from postvak.mail.html import to_text
from postvak.mail.parse import parse
from postvak.mail.redact import Pattern, pattern_of, redact
from postvak.mail.tree import MAX_PARTS
from postvak.models import (
    AttachmentText,
    AutomaticMail,
    History,
    LedgerEntry,
    Message,
    OutgoingMail,
    Receipt,
    Redaction,
    Ticket,
    Trace,
)
from postvak.tickets.privacy.contents import StillGoing, exchange, forget_view
from postvak.tickets.privacy.lessons import forget_words
from postvak.tickets.sealed_drafts import rewrite
from postvak.tickets.search.index import read_again

AROUND = 40  # letters of a place that are shown before and after it
MOST_PLACES = 200


class CannotRedact(Exception):
    """Nothing was changed; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """`words`: one per line as typed; `files`: keys of attachments that go as a whole; `quotes`: in later messages, too."""

    words: tuple[str, ...] = ()
    iban: bool = False
    phone: bool = False
    quotes: bool = True
    files: tuple[int, ...] = field(default=())
    reason: str = ""

    @property
    def pattern(self) -> Pattern | None:
        return pattern_of(self.words, iban=self.iban, phone=self.phone)


@dataclass(frozen=True, slots=True)
class Place:
    """One place, with what stands around it. `where`: in words."""

    where: str
    before: str
    found: str
    after: str
    message: Message


def later_ones(message: Message) -> list[Message]:
    """Messages of the ticket that may quote it."""
    later = message.ticket.messages.exclude(pk=message.pk).filter(created_at__gte=message.created_at)
    return list(later.order_by("created_at", "pk"))


def places(message: Message, wish: Wish) -> list[Place]:
    """What would be made unreadable, as far as it can be shown."""
    pattern = wish.pattern
    if pattern is None:
        return []
    found = in_one(message, pattern)
    for other in later_ones(message) if wish.quotes else ():
        found += in_one(other, pattern)
    return found[:MOST_PLACES]


def in_one(message: Message, pattern: Pattern) -> list[Place]:
    found = in_text(_("subject"), message.subject, pattern, message) + in_text(
        _("text"), message.text, pattern, message
    )
    for file in message.attachments.all():
        found += in_text(_("name of a file"), file.name, pattern, message)
    if message.blob_id and (message.has_html or security_of(message) is not None):
        mail = parse(readable_or_original(message))
        shown = in_text(_("formatted text"), to_text(mail.html) if mail.html else mail.text, pattern, message)
        found += shown if len(shown) > len(in_text("", message.text, pattern, message)) else []
    return found


def in_text(where: str, text: str, pattern: Pattern, message: Message) -> list[Place]:
    found: list[Place] = []
    for match in pattern.text.finditer(text):
        if pattern.hide(match.group())[1]:
            start, end = match.span()
            before = " ".join(text[max(start - AROUND, 0) : start].split())
            after = " ".join(text[end : end + AROUND].split())
            found.append(Place(where, before, match.group(), after, message))
    return found


# -- doing it ----------------------------------------------------------------------------


def redact_message(message: Message, wish: Wish, *, by: audit.By) -> int:
    """Returns in how many places something was made unreadable, files counted. Raises CannotRedact, BlobMissing,
    VaultUnreachable."""
    pattern, now, total = wish.pattern, timezone.now(), 0
    if pattern is None and not wish.files:
        raise CannotRedact(_("Say what shall be made unreadable."))
    removed = frozenset(message.attachments.filter(pk__in=wish.files).values_list("part", flat=True))
    concerned = [(message, removed), *((one, frozenset[int]()) for one in (later_ones(message) if wish.quotes else ()))]
    for one, files in concerned:
        if one is message or pattern:
            with transaction.atomic():
                count = redact_one(one, pattern, files)
                if count:
                    write_down(one, count, wish.reason, by, now)
            total += count
    if total:
        with transaction.atomic():
            hide_around(message.ticket, pattern)
            forget_words(message.ticket_id)
            name = message.ticket.number
            changes: dict[str, list[object]] = {"places": ["", total], "reason": ["", wish.reason]}
            audit.record(by, audit.Action.REDACTED, kind="message", key=message.pk, name=name, changes=changes)
    return total


def redact_one(message: Message, pattern: Pattern | None, files: frozenset[int] = frozenset()) -> int:
    """Its columns and its bytes; call in a transaction. Files inside a part (winmail.dat) go with the whole part."""
    places = hide_columns(message, pattern)
    if message.blob_id:
        parts = frozenset(number % MAX_PARTS for number in files)
        note = _("This file was removed.")
        done = redact(readable_or_original(message), pattern, remove=parts, note=note)
        if done.places or done.removed:
            try:
                message.blob_id = exchange(str(message.blob_id), stored_again(message, done.raw))
            except StillGoing as error:
                raise CannotRedact(
                    _("A mail with these words is still to go out. Wait, or take it back first.")
                ) from error
            describe_files(message, done.raw)
            places = (places or done.places) + done.removed  # those that people see, as they were shown before
    if places:
        message.save(update_fields=["text", "subject", "author_name", "to", "cc", "blob"])
        AttachmentText.objects.filter(attachment__message=message).delete()
        read_again([message.pk])
    return places


def stored_again(message: Message, raw: bytes) -> bytes:
    """What was encrypted stays sealed: the mail as it came can't be changed, so that its readable form takes its place."""
    security = security_of(message)
    if security is None:
        return raw
    seal_again = bool(security.encrypted)
    forget_view(security)
    return seal_bytes(raw, settings.CONFIGURATION.sealing_keys) if seal_again else raw


def hide_columns(message: Message, pattern: Pattern | None) -> int:
    if pattern is None:
        return 0
    total = 0
    for column in ("text", "subject", "author_name"):
        changed, count = pattern.hide(getattr(message, column))
        setattr(message, column, changed)
        total += count
    message.to, message.cc = hidden(message.to, pattern), hidden(message.cc, pattern)
    return total


def hidden(value: object, pattern: Pattern) -> object:
    """The same in everything that JSON can hold, names of fields left alone."""
    if isinstance(value, str):
        return pattern.hide(value)[0]
    if isinstance(value, list):
        return [hidden(one, pattern) for one in value]
    if isinstance(value, dict):
        return {key: hidden(one, pattern) for key, one in value.items()}
    return value


def describe_files(message: Message, raw: bytes) -> None:
    """Names, types and sizes as they are now."""
    now = {file.index: file for file in parse(raw).attachments}
    for row in message.attachments.all():
        file = now.get(row.part)
        if file is None:
            row.delete()
            continue
        row.name, row.content_type, row.size, row.is_inline = (
            file.name,
            file.content_type[:255],
            file.size,
            file.is_inline,
        )
        row.save(update_fields=["name", "content_type", "size", "is_inline"])


def write_down(message: Message, count: int, reason: str, by: audit.By, now: datetime) -> None:
    Redaction.objects.create(message=message, at=now, by=by.agent, reason=reason[:200], places=count)
    History.objects.create(
        ticket_id=message.ticket_id,
        at=now,
        agent=by.agent,
        code="redacted",
        parameters={"places": count, "reason": reason},
    )
    receipts = list(Receipt.objects.filter(message=message).values_list("pk", flat=True))
    for trace in Trace.objects.filter(pk__in=receipts):
        trace.entries = [*trace.entries, ["privacy", "redacted", {"places": count}]]
        trace.save(update_fields=["entries"])


def hide_around(ticket: Ticket, pattern: Pattern | None) -> None:
    """What repeats the words elsewhere: the ticket, receipts, the ledger, automatic mails, traces, drafts and history."""
    if pattern is None:
        return
    rows: Sequence[tuple[QuerySet[Any], tuple[str, ...]]] = (
        (Ticket.objects.filter(pk=ticket.pk), ("subject", "preview", "fields")),
        (Receipt.objects.filter(ticket=ticket), ("subject",)),
        (Trace.objects.filter(receipt__ticket=ticket), ("entries",)),
        (LedgerEntry.objects.filter(ticket=ticket), ("subject",)),
        (AutomaticMail.objects.filter(ticket=ticket), ("text", "parameters")),
        (OutgoingMail.objects.filter(Q(ticket=ticket) | Q(message__ticket=ticket)), ("subject", "before")),
        (ticket.history.all(), ("parameters",)),
        (ticket.side_conversations.all(), ("subject",)),
    )
    for query, columns in rows:
        hide_in_rows(query, columns, pattern)
    for draft in ticket.drafts.all():
        rewrite(draft, lambda text: pattern.hide(text)[0])


def hide_in_rows(query: QuerySet[Any], columns: tuple[str, ...], pattern: Pattern) -> None:
    for row in query.iterator():
        changed = {
            name: value for name in columns if (value := hidden(getattr(row, name), pattern)) != getattr(row, name)
        }
        if changed:
            type(row)._default_manager.filter(pk=row.pk).update(**changed)
