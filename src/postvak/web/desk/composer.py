"""What the composer starts with: recipients, the stored draft or empty fields, files, senders, hints. Reads only."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from postvak.keys.authors import may_be_anothers
from postvak.log.status_codes import explanation
from postvak.mail.outgoing_html import for_editor
from postvak.models import Address, Agent, Attachment, Channel, Message, Queue, Status, Ticket
from postvak.models.draft import Draft, DraftFile
from postvak.notify.words import Setting, Words, salutation, setting_before, setting_of
from postvak.send.letter import forwards, is_aside, newest_besides
from postvak.send.sender import CannotAnswer, Sender, name_of, sender_for, sender_of
from postvak.send.suppress import suppressed
from postvak.tickets import drafts
from postvak.tickets.access import may_on, queues_to
from postvak.tickets.recipients import Recipients, answered, begun
from postvak.tickets.sealed_drafts import words
from postvak.tickets.second_look import Seen, newest_customer_mail
from postvak.web.desk.protecting import first_guards
from postvak.web.desk.writing import key_in, presets
from postvak.web.formats import size

Kind = Draft.Kind
OPENED = (Kind.REPLY, Kind.REPLY_ALL, Kind.FORWARD, Kind.REDIRECT, Kind.NOTE)
Context = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opening:
    """Which composer is open on a ticket's page."""

    ticket: Ticket
    agent: Agent
    kind: str
    about: Message | None
    saved: Draft | None = None


def opening(ticket: Ticket, agent: Agent, *, kind: str = "", about: str = "") -> Opening:
    """What the address of the page asks for, with the agent's own draft of that kind; without a wish, the draft that he
    changed last, else an answer."""
    mine = list(Draft.objects.filter(ticket=ticket, agent=agent).select_related("about").order_by("-changed_at"))
    if kind not in OPENED:
        kind = mine[0].kind if mine else Kind.REPLY
    saved = next((draft for draft in mine if draft.kind == kind), None)
    key = key_in(about)
    wanted = ticket.messages.exclude(kind=Message.Kind.NOTE).filter(pk=key).first() if key else None
    return Opening(ticket, agent, kind, wanted or about_in(saved, ticket) or newest_from_outside(ticket), saved)


def about_in(saved: Draft | None, ticket: Ticket) -> Message | None:
    """The mail that the draft is about, unless it was moved to another ticket, which the agent may not see."""
    about = saved.about if saved else None
    return about if about and about.ticket_id == ticket.pk else None


def newest_from_outside(ticket: Ticket) -> Message | None:
    """The newest mail that came in, else the newest one of ours: what a reply answers. Not what a third party wrote about
    a forward: that is answered from its own menu."""
    mails = ticket.messages.exclude(kind=Message.Kind.NOTE).filter(taken_back_at=None, is_internal=False)
    mails = mails.order_by("-created_at", "-pk")
    inner = forwards(ticket)
    return newest_besides(mails.filter(kind=Message.Kind.INCOMING), inner) or newest_besides(mails, inner)


def composer(open_one: Opening) -> Context:
    """All names that desk/_composer.html reads."""
    ticket, agent, saved = open_one.ticket, open_one.agent, open_one.saved
    about = about_in(saved, ticket) or open_one.about
    sender, obstacle = sender_or_obstacle(ticket, agent)
    setting = setting_of(ticket, sender, agent) if sender else None
    start = answered(about, open_one.kind) if about else begun(ticket, open_one.kind)
    draft = loaded(saved) if saved else fresh(open_one, start, setting)
    draft["address"] = draft["address"] or (sender.address.pk if sender else "")
    return {
        "compose": open_one.kind,
        "about": about,
        "draft": draft,
        "saved": saved,
        "sender": sender,
        "senders": senders(agent, sender),
        "obstacle": obstacle,
        "problem": None,
        "reply_to": ", ".join(start.to),
        "known": newest_customer_mail(ticket),
        "seen": Seen.of(ticket),
        "hints": start_hints(start, about),
        "writing": [one.agent.name for one in drafts.writing(ticket, agent)],
        "language_of_mail": setting.language if setting else "",
        "comes_back": suppressed(start.everybody) if start.everybody else [],
        "statuses": statuses(can_close=may_on(ticket, agent).close),
        "explained": explanation,
        "asks_to_quote": about is not None and may_be_anothers(about),
        "guards": first_guards(ticket.queue, sender, draft, about, saved, agent),
        **files_of(saved, sender.channel if sender else None),
        **forwarded_of(open_one.kind, about),
        **nothing_stopped(),
    }


def statuses(*, can_close: bool = True) -> list[tuple[str, str, str]]:
    """(key, name, type) of those that a ticket may get by an answer."""
    no_closing = [] if can_close else [Status.Type.CLOSED]
    rows = Status.objects.filter(is_valid=True).exclude(type__in=[Status.Type.NEW, Status.Type.REMOVED, *no_closing])
    return [(row.key, str(row), row.type) for row in rows]


def nothing_stopped() -> Context:
    """`once`: names this form, so that a second click on Send is no second mail."""
    return {
        "once": secrets.token_hex(6),
        "send_times": presets(),
        "despite": [],
        "kept_files": [],
        "wrote_meanwhile": [],
        "lost_files": False,
        "new_domains": [],
        "unfilled": [],
    }


def sender_or_obstacle(ticket: Ticket, agent: Agent) -> tuple[Sender | None, str]:
    try:
        return sender_for(ticket, agent=agent), ""
    except CannotAnswer as problem:
        return None, problem.text


def fresh(open_one: Opening, start: Recipients, setting: Setting | None) -> Context:
    """An empty mail with its salutation. What isn't for the customer neither greets him nor says anything about
    the ticket's status."""
    is_answer = open_one.kind in {Kind.REPLY, Kind.REPLY_ALL} and not is_aside(open_one.about, open_one.ticket)
    return {
        "to": ", ".join(start.to),
        "cc": ", ".join(start.cc),
        "bcc": "",
        "subject": "",
        **start_words(salutation(setting) if setting and is_answer else Words("")),
        "quotes": True,
        "status": "customer" if is_answer else "",
        "address": "",
        "own_time": "",
        "original": "files",
    }


def start_words(words: Words) -> Context:
    return {"html": words.as_html if words else "", "text": f"{words.text}\n\n" if words else ""}


def loaded(saved: Draft) -> Context:
    return {
        "to": saved.to,
        "cc": saved.cc,
        "bcc": saved.bcc,
        "subject": words(saved, "subject"),
        "html": for_editor(words(saved, "html"), picture_urls(saved.files.all())),
        "text": words(saved, "text"),
        "quotes": saved.quotes,
        "status": saved.status_key,
        "address": saved.address_id or "",
        "queue": saved.queue_id or "",
        "own_time": "",
        "original": "files",
    }


def picture_urls(files: Iterable[DraftFile]) -> dict[str, str]:
    return {file.content_id: file_url(file) for file in files if file.content_id}


def file_url(file: DraftFile) -> str:
    return reverse("draft-file", args=[file.draft_id, file.pk])


def files_of(saved: Draft | None, channel: Channel | None) -> Context:
    """Pictures in the text are not listed, but count."""
    files = list(saved.files.all()) if saved else []
    listed = [as_json(file) for file in files if not file.content_id]
    return {"files": listed, "total": drafts.total_of(files), "limit": drafts.limit_of(channel)}


def as_json(file: DraftFile) -> Context:
    return {
        "id": file.pk,
        "name": file.name,
        "size": file.size,
        "size_text": size(file.size),
        "content_type": file.content_type,
        "content_id": file.content_id,
        "url": file_url(file),
    }


def forwarded_of(kind: str, about: Message | None) -> Context:
    """The files of the mail that is forwarded; those that its text shows go along anyway."""
    rows: list[Attachment] = list(about.attachments.all()) if about and kind == Kind.FORWARD else []
    offered = [row for row in rows if not row.is_inline]
    return {"forwarded": offered, "forwarded_chosen": {row.pk for row in offered}}


def senders(agent: Agent, usual: Sender | None) -> list[tuple[int, str]]:
    """Addresses that the agent may send from: those of his queues, and the usual one."""
    found = {row.pk: row for row in choosable(agent, usual)}
    return [(pk, f"{name_of(row, row.queue.brand, agent)} <{row.email}>") for pk, row in found.items()]


def choosable(agent: Agent, usual: Sender | None = None) -> Iterable[Address]:
    mine = Q(queue__in=queues_to(agent, "answer").filter(is_valid=True))
    also = Q(pk=usual.address.pk) if usual else Q(pk=None)
    return (
        Address.objects.filter(mine | also, is_valid=True).select_related("queue__brand", "channel").order_by("email")
    )


def start_hints(start: Recipients, about: Message | None) -> list[dict[str, str]]:
    hints = [hint_of_ours(address) for address in start.dropped]
    author = about.author_email if about and about.kind == Message.Kind.INCOMING else ""
    if author and start.to and author not in start.to:
        text = _("%(author)s asks for answers to this address.") % {"author": author}
        hints.append({"kind": "reply_to", "address": start.to[0], "text": text})
    return hints


def hint_of_ours(address: str) -> dict[str, str]:
    text = _("%(address)s is an address of ours: it gets no copy.") % {"address": address}
    return {"kind": "ours", "address": address, "text": text}


# -- a new mail ----------------------------------------------------------------------------


def new_mail(agent: Agent, queue: Queue | None, to: str, saved: Draft | None = None) -> Context:
    """All names that desk/new.html reads."""
    queues = list(queues_to(agent, "answer").filter(is_valid=True).select_related("brand", "address"))
    queue = (saved.queue if saved else None) or queue or next(iter(queues), None)
    sender, obstacle = first_sender(queue, agent)
    words = salutation(setting_before(queue, sender, agent)) if queue and sender else Words("")
    empty = {"to": to, "cc": "", "bcc": "", "subject": "", "status": "customer", "address": "", "own_time": ""}
    draft = loaded(saved) if saved else {**empty, **start_words(words), "queue": queue.pk if queue else ""}
    return {
        "queues": [(row.pk, row.name) for row in queues],
        "queue": queue,
        "draft": draft,
        "saved": saved,
        "sender": sender,
        "senders": senders(agent, sender),
        "obstacle": obstacle,
        "problem": None,
        "known": "",
        "hints": [],
        "compose": Kind.NEW,
        "language_of_mail": queue.brand.language if queue else "",
        "comes_back": [],
        "statuses": statuses(),
        "guards": first_guards(queue, sender, draft, None, saved, agent),
        **files_of(saved, sender.channel if sender else None),
        **nothing_stopped(),
    }


def first_sender(queue: Queue | None, agent: Agent) -> tuple[Sender | None, str]:
    if queue is None:
        return None, _("You are in no queue from which a mail could be sent.")
    try:
        return sender_of(queue, agent=agent), ""
    except CannotAnswer as problem:
        return None, problem.text
