"""Drafts: kept while an agent writes, with their files, seen by his team; gone when the mail is. Spec 04.

The revision guards against two pages (or people) writing one draft: who saves an older one gets Newer, and nothing is
changed. Files lie in blobs; their bytes are prepared before the transaction begins.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.crypto.sealing import CannotOpen
from postvak.mail.charsets import storable
from postvak.mail.compose import File
from postvak.mail.outgoing_html import cids_in, clean, text_of
from postvak.mail.parse import attachment_content, understand
from postvak.models import Address, Agent, Channel, Message, Queue, Ticket
from postvak.models.draft import Draft, DraftFile
from postvak.send.concealed import unseal_words
from postvak.send.protection import is_encrypted
from postvak.send.sealed import opened
from postvak.send.sender import CannotAnswer
from postvak.tickets import sealed_drafts
from postvak.tickets.access import demand
from postvak.tickets.second_look import Overtaken, overtaken_by

USUAL_LIMIT = 25 * 1024 * 1024  # bytes of a whole mail, where neither administrator nor server says
BASE64 = 1.37  # RFC 2045: four letters for three bytes, and a line end every 76
RESERVED = 64 * 1024  # header and text
EMPTY_FOR = timedelta(days=1)
WRITING = timedelta(minutes=2)
COLUMNS = (
    "to", "cc", "bcc", "subject", "html", "text", "quotes", "status_key", "known", "address", "about", "queue", "sign", "encrypt",
)  # fmt: skip
Kind = Draft.Kind


class Newer(Exception):
    """Somebody saved the draft since; `draft`: as it is now, null when it is gone (sent, or removed)."""

    def __init__(self, draft: Draft | None) -> None:
        super().__init__()
        self.draft = draft


class TooLarge(Exception):
    """The files would not fit into one mail of this channel. Bytes, as they would travel."""

    def __init__(self, total: int, limit: int) -> None:
        super().__init__(f"{total} of {limit} bytes")
        self.total, self.limit = total, limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the composer; `html` as the editor gives it."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    quotes: bool = True
    status_key: str = ""
    known: int | None = None
    address: Address | None = None
    about: Message | None = None
    queue: Queue | None = None
    sign: bool | None = None
    encrypt: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a draft belongs: to a ticket, or (null) to a new mail."""

    agent: Agent
    ticket: Ticket | None
    kind: str


def stored(typed: Typed) -> Typed:
    """Clean and storable; the text that goes with the HTML."""
    html = clean(typed.html)
    return replace(
        typed,
        html=html,
        text=text_of(html) if html else storable(typed.text),
        to=storable(typed.to),
        cc=storable(typed.cc),
        bcc=storable(typed.bcc),
        subject=storable(typed.subject),
    )


def is_empty(typed: Typed, kind: str, *, start: str = "") -> bool:
    """Nothing that anybody would miss. `start`: the salutation, which nobody typed."""
    if cids_in(typed.html) or (typed.text.strip() and typed.text.split() != start.split()):
        return False
    return kind not in {Kind.NEW, Kind.FORWARD, Kind.REDIRECT} or not (typed.to.strip() or typed.subject.strip())


def save(place: Place, typed: Typed, *, draft: int | None, revision: int) -> Draft:
    """Write what was typed into the agent's draft; `draft` null: into a new one. Raises Newer."""
    demand_place(place.agent, place.ticket, typed.queue)
    now = timezone.now()
    columns = columns_of(stored(typed))
    secret = sealed_drafts.is_secret(place.ticket, place.kind, columns)
    if draft is None:
        return make(place, columns)
    with transaction.atomic():
        mine = Draft.objects.select_for_update().filter(pk=draft, agent=place.agent)
        row = mine.first()
        if row is None or row.revision != revision:
            raise Newer(row)
        was_secret = sealed_drafts.is_secret_draft(row)
        for name, value in sealed_drafts.concealed(columns, secret=secret).items():
            setattr(row, name, value)
        row.revision, row.changed_at = revision + 1, now
        row.save(update_fields=[*columns, "revision", "changed_at"])
    if secret and not was_secret:
        sealed_drafts.seal_files(row)
    return row


def demand_place(agent: Agent, ticket: Ticket | None, queue: Queue | None) -> None:
    """Who may not answer there writes no draft; a new mail whose queue isn't chosen yet is his own matter."""
    place = ticket.queue_id if ticket else queue.pk if queue else None
    if place is not None:
        demand(agent, "answer", place)


def make(place: Place, columns: Mapping[str, object]) -> Draft:
    """Raises Newer when there is one already."""
    secret = sealed_drafts.is_secret(place.ticket, place.kind, columns)
    try:
        with transaction.atomic():
            return Draft.objects.create(
                agent=place.agent,
                ticket=place.ticket,
                kind=place.kind,
                revision=1,
                changed_at=timezone.now(),
                **sealed_drafts.concealed(columns, secret=secret),
            )
    except IntegrityError as error:
        there = find(place)
        if there is None:
            raise
        raise Newer(there) from error


def find(place: Place) -> Draft | None:
    """The agent's own draft there; one for each ticket and kind."""
    if place.ticket is None:
        return None
    return Draft.objects.filter(agent=place.agent, ticket=place.ticket, kind=place.kind).first()


def columns_of(typed: Typed) -> dict[str, Any]:
    return {name: getattr(typed, name) for name in COLUMNS}


def remove(draft: Draft) -> None:
    """Draft and files; their bytes when nobody else needs them."""
    with transaction.atomic():
        digests = list(draft.files.values_list("blob_id", flat=True))
        draft.delete()
        store.condemn(map(str, digests), timezone.now())


def spend(key: int, *, by: Agent, revision: int | None = None, despite: Collection[str] = ()) -> None:
    """The draft is sent: it goes, in the transaction that sends it. Raises CannotAnswer when it is gone already: then
    another page sent it, and nobody gets a mail twice. Raises Overtaken when it isn't that `revision` any more."""
    draft = Draft.objects.select_for_update().filter(pk=key, agent=by).first()
    if draft is None:
        raise CannotAnswer("", _("This draft was sent or removed in another window. Nothing was sent now."))
    if revision is not None and draft.revision != revision and overtaken_by(draft) not in despite:
        raise Overtaken(draft)
    remove(draft)


def sweep(agent: Agent) -> None:
    """Drafts that stayed empty for a day vanish."""
    old = Draft.objects.filter(agent=agent, changed_at__lt=timezone.now() - EMPTY_FOR, files=None)
    for draft in old.filter(html="", text="", to="", subject=""):
        remove(draft)


def writing(ticket: Ticket, agent: Agent) -> list[Draft]:
    """Colleagues who are writing on the ticket at this moment."""
    fresh = Draft.objects.filter(ticket=ticket, changed_at__gte=timezone.now() - WRITING).exclude(agent=agent)
    return list(fresh.select_related("agent").order_by("created_at"))


def from_taken_back(message: Message, *, by: Agent) -> Draft | None:
    """The agent goes on with a mail that was taken back: its words, recipients and files as a draft. Null: a draft of his
    is there already, begun before. Raises VaultUnreachable, BlobMissing."""
    if not has_own_words(message):
        return None
    written = unseal_words(message.outgoing.before.get("written", {}))
    place = Place(by, message.ticket, str(written.get("kind") or Kind.REPLY))
    there = find(place)
    if there is not None:
        return there if message.taken_back_at and there.created_at >= message.taken_back_at else None
    files = own_files(message, written)
    columns = columns_of(stored(typed_again(message, written)))
    secret = is_encrypted(message) or sealed_drafts.is_secret(place.ticket, place.kind, columns)
    blobs = store.prepare([sealed_drafts.stored_file(file.content, secret=secret) for file in files])
    with transaction.atomic():
        try:
            draft = make(place, sealed_drafts.concealed(columns, secret=secret))
        except Newer as newer:  # two pages at once
            return newer.draft
        store.save(blobs)
        DraftFile.objects.bulk_create(
            DraftFile(
                draft=draft, name=file.name, content_type=file.content_type[:255], size=len(file.content),
                content_id=file.content_id, blob_id=blob.pk,
            )
            for file, blob in zip(files, blobs, strict=True)
        )  # fmt: skip
    return draft


def has_own_words(message: Message) -> bool:
    """Not a redirected mail, which is its author's, nor one sent again: the first one has the words."""
    return message.purpose not in {Message.Purpose.REDIRECT, Message.Purpose.AGAIN}


def typed_again(message: Message, written: Mapping[str, Any]) -> Typed:
    to, cc = ([email for _name, email in pairs] for pairs in (message.to, message.cc))
    everybody = message.outgoing.deliveries.values_list("recipient", flat=True)
    return Typed(
        to=", ".join(to),
        cc=", ".join(cc),
        bcc=", ".join(one for one in everybody if one not in {*to, *cc}),
        subject=str(written.get("subject", "")),
        html=str(written.get("html", "")),
        text=str(written.get("text", message.text)),
        quotes=bool(written.get("quotes", True)),
        status_key=str(message.outgoing.before.get("then") or written.get("status", "")),
        known=newest_known(message),
        address=Address.objects.filter(pk=written.get("address") or 0).first(),
        about=message.ticket.messages.filter(pk=written.get("about") or 0).first(),
        sign=written.get("sign"),
        encrypt=written.get("encrypt"),
    )


def newest_known(message: Message) -> int | None:
    """What the agent saw when he sent it."""
    seen = message.ticket.messages.filter(kind=Message.Kind.INCOMING, pk__lt=message.pk).order_by("-pk").first()
    return seen.pk if seen else 0


def own_files(message: Message, written: Mapping[str, Any]) -> list[File]:
    """Those that the agent added: the first ones, and the pictures in his words; not the quoted ones, not the logo."""
    shown, rows = cids_in(str(written.get("html", ""))), list(message.attachments.all())
    if is_encrypted(message):
        return own_sealed_files(message, written)
    attached = [row for row in rows if not row.is_inline]
    wanted = [row for row in rows if row.content_id in shown] + attached[: written.get("files", len(attached))]
    raw = store.get(str(message.blob_id)) if wanted else b""
    return [
        File(row.name, row.content_type, attachment_content(raw, row.part)[1], row.content_id if row.is_inline else "")
        for row in wanted
    ]


def own_sealed_files(message: Message, written: Mapping[str, Any]) -> list[File]:
    """The same for a mail that was to go out encrypted: no row tells of its files. None when the sealing keys are other ones now."""
    try:
        understood = understand(opened(store.get(str(message.blob_id))))
    except CannotOpen:
        return []
    shown = cids_in(str(written.get("html", "")))
    pairs = list(zip(understood.mail.attachments, understood.files, strict=True))
    inside = [
        File(i.name, i.content_type, f.content, i.content_id) for i, f in pairs if i.is_inline and i.content_id in shown
    ]
    attached = [File(i.name, i.content_type, f.content) for i, f in pairs if not i.is_inline]
    return inside + attached[: written.get("files", len(attached))]


def take_over(draft: Draft, *, by: Agent) -> Draft:
    """A copy for a colleague, with the files; the first one keeps his. Raises Newer when he has one of his own there."""
    demand_place(by, draft.ticket, draft.queue)
    typed = Typed(**{name: getattr(draft, name) for name in COLUMNS})
    with transaction.atomic():
        mine = make(Place(by, draft.ticket, draft.kind), columns_of(typed))
        DraftFile.objects.bulk_create(
            DraftFile(
                draft=mine, name=one.name, content_type=one.content_type, size=one.size, content_id=one.content_id,
                blob_id=one.blob_id,
            )
            for one in draft.files.all()
        )  # fmt: skip
    return mine


# -- files ----------------------------------------------------------------------------


def add_file(draft: Draft, file: File, *, limit: int) -> DraftFile:
    """Raises TooLarge, VaultUnreachable; Newer when the draft is gone."""
    demand_place(draft.agent, draft.ticket, draft.queue)
    check_room(draft, len(file.content), limit)
    secret = sealed_drafts.is_secret_draft(draft)
    blobs = store.prepare([sealed_drafts.stored_file(file.content, secret=secret)])
    with transaction.atomic():
        row = Draft.objects.select_for_update().filter(pk=draft.pk).first()
        if row is None:
            raise Newer(None)
        check_room(row, len(file.content), limit)
        store.save(blobs)
        made = DraftFile.objects.create(
            draft=row,
            name=storable(file.name)[:255] or "file",
            content_type=file.content_type[:255],
            size=len(file.content),
            content_id=file.content_id,
            blob_id=blobs[0].pk,
        )
        Draft.objects.filter(pk=row.pk).update(changed_at=timezone.now())
    return made


def check_room(draft: Draft, more: int, limit: int) -> None:
    total = total_of(draft.files.all()) + as_sent(more)
    if total > limit - RESERVED:
        raise TooLarge(total, limit)


def remove_file(file: DraftFile) -> None:
    with transaction.atomic():
        file.delete()
        store.condemn([str(file.blob_id)], timezone.now())


def contents(files: Sequence[DraftFile]) -> tuple[File, ...]:
    """With their bytes. Raises VaultUnreachable, BlobMissing."""
    raws = store.get_all([str(file.blob_id) for file in files])
    readable = sealed_drafts.readable_file
    return tuple(File(one.name, one.content_type, readable(raws[str(one.blob_id)]), one.content_id) for one in files)


def total_of(files: Iterable[DraftFile]) -> int:
    """Bytes that they take in a mail."""
    return sum(as_sent(file.size) for file in files)


def as_sent(size: int) -> int:
    return int(size * BASE64)


def limit_of(channel: Channel | None) -> int:
    """Bytes of a whole mail: what the administrator set, what the server announced, else a usual value."""
    return (channel and (channel.size_limit or channel.announced_size)) or USUAL_LIMIT
