"""Answer templates for the composer, as JSON: what "/" offers, and what putting one into a mail gives. Spec 06."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.mail.outgoing_html import for_editor
from postvak.models import Address, Agent, AnswerTemplate, Draft, Message, Queue, Ticket
from postvak.notify.setting import Setting, language_for, newest_of_customers, setting_before, setting_of
from postvak.notify.templates import count_use, fill_text, offered, text_of, usable
from postvak.notify.values import placeholder_values
from postvak.send.sender import CannotAnswer, Sender, sender_for, sender_of
from postvak.tickets import drafts
from postvak.tickets.access import visible_queues
from postvak.tickets.answer_templates import lend_files
from postvak.web.desk.composer import as_json
from postvak.web.desk.drafts import limit_of, totals
from postvak.web.desk.found import named
from postvak.web.desk.writing import Desk, key_in, own_draft
from postvak.web.formats import size
from postvak.web.session import agent_of


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent writes: on a ticket, or a new mail of a queue that he may have chosen already."""

    agent: Agent
    ticket: Ticket | None
    queue: Queue | None

    @classmethod
    def of(cls, agent: Agent, data: QueryDict) -> "Place":
        """The queue of a new mail is posted, or stands in its draft. 404 for a ticket or a queue that he may not see."""
        ticket = named(data.get("ticket", ""), agent)
        if ticket is not None:
            return cls(agent, ticket, ticket.queue)
        draft = own_draft(key_in(data.get("draft", "")), Desk(agent, None))
        key = key_in(data.get("queue", "")) or (draft.queue_id if draft else None)
        queues = visible_queues(agent).select_related("brand")
        return cls(agent, None, get_object_or_404(queues, pk=key) if key else None)

    @property
    def queues(self) -> list[int]:
        """Without a choice yet: all that he may write from."""
        return [self.queue.pk] if self.queue else list(visible_queues(self.agent).values_list("pk", flat=True))

    @property
    def language(self) -> str:
        if self.ticket:
            return language_for(self.ticket)
        return self.queue.brand.language.lower() if self.queue else ""


@require_GET
def show(request: HttpRequest) -> JsonResponse:
    """Those for the ticket's queue – or, for a new mail, `queue` – that have the words of `q`."""
    place = Place.of(agent_of(request), request.GET)
    found = offered(place.queues, place.language, request.GET.get("q", "").strip()[:200])
    rows = [
        {"id": one.template.pk, "name": one.template.name, "category": one.template.category, "beginning": one.beginning}
        for one in found
    ]  # fmt: skip
    return JsonResponse({"templates": rows})


@require_POST
def use(request: HttpRequest, pk: int) -> JsonResponse:
    """The filled text; the draft has the template's files from now on, and the use is counted."""
    place = Place.of(agent_of(request), request.POST)
    template = get_object_or_404(usable(place.queues).select_related("status"), pk=pk)
    draft = draft_for(place, template, request.POST)
    try:
        files = lend_files(template, draft, limit=limit_of(draft)) if draft else []
    except drafts.TooLarge as error:
        return refused(error, template)
    count_use(template, timezone.now())
    values = values_for(place, about(place, draft, request.POST))
    filled = fill_text(text_of(template, place.language), values)
    return JsonResponse(
        {
            "html": for_editor(filled.html, {}),
            "subject": filled.subject,
            "missing": list(filled.missing),
            "files": [{**as_json(one), **totals(one.draft, limit_of(one.draft))} for one in files],
            "status": template.status.key if template.status and template.status.is_valid else "",
            "tags": list(template.tags.values_list("name", flat=True)),
            "draft": draft.pk if draft else None,
            "revision": draft.revision if draft else 0,
        }
    )


def refused(error: drafts.TooLarge, template: AnswerTemplate) -> JsonResponse:
    text = _("The files of “%(name)s” don't fit: together they would be %(total)s, and %(limit)s can be sent.")
    values = {"name": template.name, "total": size(error.total), "limit": size(error.limit)}
    return JsonResponse({"text": text % values}, status=413)


# ---- the draft that gets the files ----------------------------------------------------------------


def draft_for(place: Place, template: AnswerTemplate, data: QueryDict) -> Draft | None:
    """The agent's own that is named; without one, a template with files makes one: an empty mail has none yet."""
    key = key_in(data.get("draft", ""))
    if key is not None:
        found = own_draft(key, Desk(place.agent, place.ticket))
        if found is None:
            raise Http404
        return found
    if not template.files.exists():
        return None
    kind = data.get("kind", "")
    kind = kind if kind in Draft.Kind.values else Draft.Kind.REPLY if place.ticket else Draft.Kind.NEW
    there = drafts.Place(place.agent, place.ticket, kind)
    return drafts.find(there) or drafts.make(there, {} if place.ticket else {"queue": place.queue})


# ---- values of the placeholders ----------------------------------------------------------------


def about(place: Place, draft: Draft | None, data: QueryDict) -> Message | None:
    """The mail that is answered: as the composer says, as the draft says, or the customer's newest one."""
    if place.ticket is None:
        return None
    key = key_in(data.get("about", "")) or (draft.about_id if draft else None)
    named = place.ticket.messages.filter(pk=key).first() if key else None
    return named or newest_of_customers(place.ticket)


def values_for(place: Place, message: Message | None) -> dict[str, str]:
    setting = setting_for(place)
    return placeholder_values(setting, message=message) if setting else {}


def setting_for(place: Place) -> Setting | None:
    """None: a new mail whose queue isn't chosen yet. Without a sending address only what concerns it stays empty."""
    if place.queue is None:
        return None
    sender = sender_at(place)
    if sender is None:
        customer = place.ticket.customer if place.ticket else None
        return Setting(place.queue.brand, Address(), place.agent, place.ticket, customer, place.language)
    if place.ticket:
        return setting_of(place.ticket, sender, place.agent)
    return setting_before(place.queue, sender, place.agent)


def sender_at(place: Place) -> Sender | None:
    """None: not known yet, or set-up lacks something, of which sending will tell."""
    if place.queue is None:
        return None
    try:
        return (
            sender_for(place.ticket, agent=place.agent) if place.ticket else sender_of(place.queue, agent=place.agent)
        )
    except CannotAnswer:
        return None
