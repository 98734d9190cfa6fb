"""The composer's form: what the agent typed, when it shall go out, and what he gets back when it can't be sent as it is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.addresses import read_addresses
from postvak.mail.charsets import storable
from postvak.mail.compose import File
from postvak.mail.parse import attachment_content
from postvak.models import Address, Agent, Attachment, Message, Queue, Ticket
from postvak.models.draft import Draft
from postvak.send.sender import CannotAnswer
from postvak.tickets import drafts
from postvak.tickets.access import queues_to
from postvak.tickets.answer import Answer
from postvak.tickets.drafts import Typed
from postvak.tickets.second_look import Seen
from postvak.tickets.tags import words as tag_words

MORNING = time(8)
MONDAY = 0
PIECE = re.compile(r'(?:"[^"]*"|<[^<>]*>|[^,;\n"<]|["<])+')  # between commas, but not within quotes or brackets
Kind = Draft.Kind
SENT = (Kind.REPLY, Kind.REPLY_ALL, Kind.FORWARD)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who writes, and on which ticket; null: a new mail."""

    agent: Agent
    ticket: Ticket | None


def written(request: HttpRequest, desk: Desk) -> Answer:
    """Raises CannotAnswer when the time to send is no time, a file can't be read at the moment, or the mail to forward is
    on another ticket by now: the newest one here is not what the agent saw."""
    data, kind = request.POST, kind_of(request.POST, desk)
    if kind == Kind.FORWARD and data.get("about") and about_of(data, desk) is None:
        raise CannotAnswer("about", _("Choose the mail that shall be forwarded."))
    return Answer(
        to=addresses(data.get("to", "")),
        cc=addresses(data.get("cc", "")),
        bcc=addresses(data.get("bcc", "")),
        text=data.get("text", "").replace("\r\n", "\n"),
        html=data.get("html", ""),
        files=all_files(request, desk),
        status_key=status_in(data, "" if kind == Kind.FORWARD else "customer"),
        quotes="quotes" in data or "kind" not in data,
        subject=" ".join(data.get("subject", "").split()),
        kind=kind,
        about=about_of(data, desk),
        address=address_of(data, desk.agent),
        original=data.get("original", "files"),
        forwarded=tuple(chosen_files(data, desk)),
        send_at=time_to_send(data.get("later", ""), data.get("own_time", "")),
        undo=timedelta(seconds=desk.agent.undo_seconds),
        known=key_in(data.get("known", "")),
        seen=Seen.read(data.get("seen", "")),
        despite=frozenset(data.getlist("despite")),
        draft=key_in(data.get("draft", "")),
        revision=key_in(data.get("revision", "")),
        once=data.get("once", ""),
        tags=tuple(dict.fromkeys(tag for typed in data.getlist("tags") for tag in tag_words(typed))),
        sign=choice_in(data, "sign"),
        encrypt=choice_in(data, "encrypt"),
    )


def typed_in(data: QueryDict, desk: Desk) -> Typed:
    """The same for a draft: nothing is judged."""
    return Typed(
        to=data.get("to", ""),
        cc=data.get("cc", ""),
        bcc=data.get("bcc", ""),
        subject=" ".join(data.get("subject", "").split()),
        html=data.get("html", ""),
        text=data.get("text", "").replace("\r\n", "\n"),
        quotes="quotes" in data,
        status_key=status_in(data)[:40],
        known=key_in(data.get("known", "")),
        address=address_of(data, desk.agent),
        about=about_of(data, desk),
        queue=queue_of(data, desk.agent) if desk.ticket is None else None,
        sign=choice_in(data, "sign"),
        encrypt=choice_in(data, "encrypt"),
    )


def choice_in(data: QueryDict, name: str) -> bool | None:
    """A switch that stands otherwise than usual is the agent's choice; null: he left it, or there is none."""
    if f"{name}_usual" not in data:
        return None
    is_on = name in data
    return None if is_on == (data[f"{name}_usual"] == "1") else is_on


def status_in(data: QueryDict, usual: str = "") -> str:
    """What the ticket becomes: `then` is the button that was pressed, `status` what stands in the form."""
    return storable(data.get("then", data.get("status", usual)))


def kind_of(data: QueryDict, desk: Desk) -> str:
    if desk.ticket is None:
        return Kind.NEW
    return data.get("kind", "") if data.get("kind", "") in SENT else Kind.REPLY


def draft_kind(data: QueryDict, desk: Desk) -> str:
    """Redirects and notes are kept while they are written, too."""
    asked = data.get("kind", "")
    return asked if desk.ticket and asked in set(Kind.values) - {Kind.NEW} else kind_of(data, desk)


def key_in(typed: str) -> int | None:
    """A key in a form; null for anything else."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None


def about_of(data: QueryDict, desk: Desk) -> Message | None:
    """A mail of this ticket."""
    key = key_in(data.get("about", ""))
    if key is None or desk.ticket is None:
        return None
    return desk.ticket.messages.exclude(kind=Message.Kind.NOTE).filter(pk=key).first()


def address_of(data: QueryDict, agent: Agent) -> Address | None:
    """An address of a queue that the agent answers in; the usual one needs no choice."""
    key = key_in(data.get("address", ""))
    rows = Address.objects.filter(queue__in=queues_to(agent, "answer")).select_related("queue__brand", "channel")
    return rows.filter(pk=key).first() if key is not None else None


def queue_of(data: QueryDict, agent: Agent) -> Queue | None:
    key = key_in(data.get("queue", ""))
    queues = queues_to(agent, "answer").filter(is_valid=True).select_related("brand", "address")
    return queues.filter(pk=key).first() if key is not None else None


def addresses(typed: str) -> tuple[str, ...]:
    """What people type between commas, semicolons, blanks or line breaks; with names when there are angle brackets."""
    typed = typed.replace("\x00", " ")
    if "<" in typed:
        return tuple(read_named(typed))
    return tuple(typed.replace(",", " ").replace(";", " ").split())


def read_named(typed: str) -> Iterator[str]:
    """What is no address is given back as it was typed, so that it is refused: nobody is left out silently. Only words
    in front of an <address> are a name with a comma in it."""
    words: list[str] = []
    for piece in PIECE.findall(typed):
        found = [one.email for one in read_addresses(piece)]
        if not found and "@" not in piece:
            words += [piece.strip()] if piece.strip() else []
            continue
        yield from () if "<" in piece else words
        yield from found or [piece.strip()]
        words = []
    yield from words


# -- files ----------------------------------------------------------------------------


def all_files(request: HttpRequest, desk: Desk) -> tuple[File, ...]:
    """Of the draft, of a mail that was taken back, and those that came with the form."""
    draft = own_draft(key_in(request.POST.get("draft", "")), desk)
    try:
        stored = drafts.contents(list(draft.files.all())) if draft else ()
        kept = kept_contents(desk.ticket, request.POST.getlist("kept")) if desk.ticket else ()
    except (store.BlobMissing, store.VaultUnreachable) as error:
        raise CannotAnswer("files", _("A file can't be read at the moment: %(said)s") % {"said": error}) from error
    return (*stored, *kept, *(as_file(one) for one in request.FILES.getlist("files")))


def as_file(uploaded: "UploadedFile[Any]") -> File:
    uploaded.seek(0)
    name = " ".join((uploaded.name or "").split())  # no line break gets into a header
    return File(name, uploaded.content_type or "application/octet-stream", uploaded.read())


def own_draft(key: int | None, desk: Desk) -> Draft | None:
    """The agent's own draft there; one on a ticket that became part of this one belongs to it."""
    if key is None:
        return None
    rows = Draft.objects.filter(pk=key, agent=desk.agent)
    if desk.ticket is None:
        return rows.filter(ticket=None).first()
    return rows.filter(Q(ticket=desk.ticket) | Q(ticket__merged_into=desk.ticket)).first()


def chosen_files(data: QueryDict, desk: Desk) -> list[Attachment]:
    """Those of the mail that is forwarded."""
    about, keys = about_of(data, desk), [key_in(one) for one in data.getlist("forwarded")]
    if about is None:
        return []
    return list(about.attachments.filter(pk__in=[key for key in keys if key is not None]))


def taken_back(ticket: Ticket) -> Any:
    return ticket.messages.filter(kind=Message.Kind.OUTGOING).exclude(taken_back_at=None)


def kept(ticket: Ticket, keys: Sequence[str]) -> list[Attachment]:
    """Files of mails of this ticket that were taken back: an agent sends them again without choosing them again."""
    wanted = [key for key in map(key_in, keys) if key is not None]
    return list(Attachment.objects.filter(pk__in=wanted, message__in=taken_back(ticket)).select_related("message"))


def kept_contents(ticket: Ticket, keys: Sequence[str]) -> tuple[File, ...]:
    return tuple(
        File(row.name, row.content_type, attachment_content(store.get(str(row.message.blob_id)), row.part)[1])
        for row in kept(ticket, keys)
    )


# -- send later ----------------------------------------------------------------------------


def presets() -> dict[str, datetime]:
    """Tomorrow and next Monday at eight, in the agent's time zone."""
    today = timezone.localdate()
    days = {"tomorrow": 1, "monday": (MONDAY - today.weekday() - 1) % 7 + 1}
    return {
        name: timezone.make_aware(datetime.combine(today + timedelta(days=ahead), MORNING))
        for name, ahead in days.items()
    }


def time_to_send(later: str, own_time: str) -> datetime | None:
    """The time behind a preset's name; "own": the time that was typed; "": at once."""
    if not later:
        return None
    if later in presets():
        return presets()[later]
    try:
        typed = parse_datetime(own_time)
    except ValueError:
        typed = None
    if typed is None:
        raise CannotAnswer("send_at", _("Choose day and time when the mail shall go out."))
    return timezone.make_aware(typed) if timezone.is_naive(typed) else typed


# -- what couldn't be sent ----------------------------------------------------------------------------


def keep(request: HttpRequest, desk: Desk) -> tuple[Draft | None, str]:
    """Everything that was typed becomes the agent's draft, with the files that came along: nothing is chosen twice. The
    text says which file is not in it; "" when all is."""
    data, kind, typed = request.POST, kind_of(request.POST, desk), typed_in(request.POST, desk)
    place = drafts.Place(desk.agent, desk.ticket, kind)
    there = own_draft(key_in(data.get("draft", "")), desk)
    seen = key_in(data.get("revision", ""))
    revision = seen if seen is not None or there is None else there.revision
    try:
        draft = drafts.save(place, typed, draft=there.pk if there else None, revision=revision or 0)
    except drafts.Newer as newer:  # of another window: its text stays stored, the files go there
        columns = drafts.columns_of(drafts.stored(typed))
        draft = shown_over(newer.draft, columns, seen) if newer.draft else drafts.make(place, columns)
    lost = [one.name or "" for one in request.FILES.getlist("files") if not add(draft, as_file(one))]
    return draft, _("Not kept, choose again: %(files)s.") % {"files": ", ".join(lost)} if lost else ""


def shown_over(newer: Draft, columns: Mapping[str, object], seen: int | None) -> Draft:
    """What was typed here, on top of the other window's version, which stays as it is stored. With the revision that was
    seen: the composer asks which one shall be kept before it saves."""
    for name, value in columns.items():
        setattr(newer, name, value)
    newer.revision = seen or 0
    return newer


def add(draft: Draft, file: File) -> bool:
    try:
        drafts.add_file(draft, file, limit=drafts.USUAL_LIMIT)
    except (drafts.TooLarge, drafts.Newer, store.VaultUnreachable):
        return False
    return True


def typed_again(data: QueryDict) -> dict[str, Any]:
    """Of the form what no draft keeps."""
    return {"own_time": data.get("own_time", ""), "original": data.get("original", "files")}
