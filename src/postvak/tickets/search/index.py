"""Keeps the index: index_due() reads what is new, changed or left over. Any number of workers may call it; one works.

Taking in a mail costs no statement for this: new messages are those without an entry above SearchState.mark. All that is
read is written in one transaction with the mark of it, so a crash leaves nothing out and nothing twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.utils import timezone

from postvak.mail.lexemes import Lexemes
from postvak.mail.words import ANALYSER
from postvak.models import (
    Attachment,
    AttachmentText,
    Lease,
    Message,
    SearchAgain,
    SearchEntry,
    SearchState,
    SearchText,
)
from postvak.tickets.search.content import Content, gather, lexemes_of
from postvak.tickets.search.files import is_readable
from postvak.tickets.search.keys import keys_for
from postvak.tickets.tally import Counted

LEASE = "search"
BATCH = 50
COUNTED = 5000
Understood = tuple[Content, Lexemes]
LONGEST_TRANSACTION = timedelta(minutes=15)


def index_due(worker: str, batch: int = BATCH) -> int:
    """Read some messages: changed ones, new ones, then older ones; returns how many. 0: nothing to do, or not by us."""
    state = SearchState.objects.get()
    if not is_due(state) or not Lease.objects.take(LEASE, worker):
        return 0
    try:
        return read_changed(worker, batch) or read_new(worker, batch) or read_backlog(worker, batch)
    finally:
        Lease.objects.give_back(LEASE, worker)


def is_due(state: SearchState) -> bool:
    now = timezone.now()
    if state.analyser != ANALYSER:
        start_anew()
        return True
    move_mark(state, now)
    return bool(state.backlog) or unread(state).exists() or SearchAgain.objects.exists()


def unread(state: SearchState) -> QuerySet[Message]:
    """New messages without an entry. A message may appear below one that was read, when its transaction took longer."""
    entries = SearchEntry.objects.filter(message=OuterRef("pk"))
    return Message.objects.filter(~Exists(entries), pk__gt=state.mark)


def move_mark(state: SearchState, now: datetime) -> None:
    """Now and then: all below the checkpoint of some time ago is there by now; if it has been read, never look again."""
    if state.checkpoint_at and now - state.checkpoint_at < LONGEST_TRANSACTION:
        return
    if unread(state).filter(pk__lte=state.checkpoint).exists():
        return
    newest = Message.objects.aggregate(Max("pk"))["pk__max"] or 0
    SearchState.objects.filter(pk=state.pk, checkpoint=state.checkpoint).update(
        mark=max(state.mark, state.checkpoint), checkpoint=max(newest, state.checkpoint), checkpoint_at=now
    )


def read_changed(worker: str, batch: int) -> int:
    """Rows that come while we read stay for the next time."""
    rows = list(SearchAgain.objects.order_by("pk").values_list("pk", "message_id")[:batch])
    if rows:
        found = understand([message for _pk, message in rows])
        with transaction.atomic():
            write(found, worker)
            SearchAgain.objects.filter(pk__in=[pk for pk, _message in rows]).delete()
    return len(rows)


def read_new(worker: str, batch: int) -> int:
    keys = list(unread(SearchState.objects.get()).order_by("pk").values_list("pk", flat=True)[:batch])
    if keys:
        found = understand(keys)
        with transaction.atomic():
            write(found, worker)
    return len(keys)


def read_backlog(worker: str, batch: int) -> int:
    """What was there before the index, or is to be read anew: newest first, each below the last."""
    below = SearchState.objects.get().backlog
    if not below:
        return 0
    older = Message.objects.filter(pk__lt=below).order_by("-pk")
    keys = list(older.values_list("pk", flat=True)[:batch])
    found = understand(keys)
    with transaction.atomic():
        write(found, worker)
        rest = keys[-1] if len(keys) == batch else 0
        SearchState.objects.filter(backlog=below).update(backlog=rest)
    return max(len(keys), 1)


class LeaseLost(Exception):
    """Another worker reads by now; nothing was written."""


def understand(keys: Sequence[int]) -> list[Understood]:
    """The slow part, before the transaction: the database's write lock is held briefly."""
    return [(content, lexemes_of(content)) for content in gather(keys)]


def write(found: Sequence[Understood], worker: str) -> None:
    """Entries and words of these messages, new or instead of the old ones; call in a transaction. Raises LeaseLost."""
    if not Lease.objects.renew(LEASE, worker):
        raise LeaseLost
    wanted = [content.message.pk for content, _lexemes in found]
    here = set(Message.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    found = [each for each in found if each[0].message.pk in here]
    messages = [content.message for content, _lexemes in found]
    keys = keys_for(messages)
    SearchEntry.objects.bulk_create(
        [SearchEntry(pk=keys[message.pk], message=message) for message in messages], ignore_conflicts=True
    )
    texts = [SearchText(entry_id=keys[content.message.pk], words=lexemes) for content, lexemes in found]
    SearchText.objects.bulk_create(
        sorted(texts, key=lambda text: text.pk),  # FTS5 starts a new segment whenever a key is smaller than the last
        update_conflicts=True,
        unique_fields=["entry"],
        update_fields=["words"],
    )
    ask_for_texts([file for content, _lexemes in found for file in content.files])


def ask_for_texts(files: Sequence[Attachment]) -> None:
    """What can be read is read apart from this (files.py); then the message is read again."""
    AttachmentText.objects.bulk_create(
        [AttachmentText(attachment=file) for file in files if is_readable(file)], ignore_conflicts=True
    )


def read_again(messages: Iterable[int]) -> None:
    """What is searched of these messages changed, for example their ticket's subject: call in the same transaction."""
    SearchAgain.objects.bulk_create([SearchAgain(message_id=key) for key in messages])


def start_anew() -> None:
    """Read all messages once more, newest first. Until one's turn comes, it is found by its old words."""
    newest = Message.objects.aggregate(Max("pk"))["pk__max"] or 0
    SearchState.objects.update(backlog=newest + 1, analyser=ANALYSER)


def left_parts() -> dict[str, Combinable]:
    """For annotate() of any one row: what left_in() adds up. A large backlog isn't counted, as that takes a third of a second with
    a million: the keys of messages have few gaps."""
    state = SearchState.objects.order_by().values("backlog")[:1]
    mark = SearchState.objects.order_by().values("mark")[:1]
    entries = SearchEntry.objects.filter(message=OuterRef("pk"))
    return {
        "left_backlog": Subquery(state),
        "left_older": Counted(Message.objects.filter(pk__lt=Subquery(state)).order_by().values("pk")[:COUNTED]),
        "left_again": Counted(SearchAgain.objects.order_by().values("pk")),
        "left_new": Counted(Message.objects.filter(~Exists(entries), pk__gt=Subquery(mark)).order_by().values("pk")),
    }


def left_in(found: Mapping[str, int]) -> int:
    """How many messages the search doesn't know yet, or is to read anew."""
    older = found["left_older"]
    return (found["left_backlog"] - 1 if older == COUNTED else older) + found["left_again"] + found["left_new"]


def left_to_read() -> int:
    return left_in(SearchState.objects.annotate(**left_parts()).values(*left_parts()).get())
