"""Drafts: saved while an agent writes, their files, and the page that lists them. Verbs are in tickets.drafts."""

import secrets
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.models import Agent
from postvak.models.draft import Draft, DraftFile
from postvak.notify.words import salutation, setting_before, setting_of
from postvak.send.sender import CannotAnswer, sender_for, sender_of
from postvak.tickets import drafts
from postvak.tickets.access import visible_drafts
from postvak.tickets.sealed_drafts import readable_file, words
from postvak.web.desk.composer import as_json, loaded
from postvak.web.desk.downloads import SHOWN_TYPES, download
from postvak.web.desk.found import named
from postvak.web.desk.writing import Desk, as_file, draft_kind, key_in, own_draft, queue_of, typed_in
from postvak.web.flash import say
from postvak.web.formats import size, when
from postvak.web.pages import render
from postvak.web.session import agent_of

PAGE = 60
BEGINNING = 160


def drafts_page(request: HttpRequest) -> HttpResponse:
    """GET: the list; POST: save what stands in the composer."""
    return save(request) if request.method == "POST" else show(request)


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    """Own drafts and the team's, newest first; `own=1`: own only."""
    agent = agent_of(request)
    drafts.sweep(agent)
    rows = visible_drafts(agent).select_related("ticket__queue", "agent", "queue").prefetch_related("files")
    own = request.GET.get("own") == "1"
    page = Paginator(rows.filter(agent=agent) if own else rows, PAGE).get_page(request.GET.get("page"))
    context = {"drafts": page, "rows": [row_of(draft, agent) for draft in page], "own": own}
    return render(request, "desk/drafts.html", context)


def row_of(draft: Draft, agent: Agent) -> dict[str, Any]:
    is_mine = draft.agent_id == agent.pk
    return {
        "draft": draft,
        "url": url_of(draft) if is_mine else reverse("draft-copies", args=[draft.pk]),
        "beginning": " ".join(words(draft, "text").split())[:BEGINNING],
        "subject": words(draft, "subject"),
        "is_mine": is_mine,
    }


def url_of(draft: Draft) -> str:
    """Where its agent goes on writing."""
    if draft.ticket is None:
        return f"{reverse('new-mail')}?draft={draft.pk}"
    return f"{reverse('ticket', args=[draft.ticket.number])}?compose={draft.kind}#composer"


@require_POST
def save(request: HttpRequest) -> JsonResponse:
    agent, data = agent_of(request), request.POST
    desk = Desk(agent, named(request.POST.get("ticket", ""), agent))
    kind, typed = draft_kind(data, desk), typed_in(data, desk)
    there = own_draft(key_in(data.get("draft", "")), desk)
    wants_empty = "keep" in data or (there is not None and there.files.exists())
    if not wants_empty and drafts.is_empty(drafts.stored(typed), kind, start=start_of(request, desk)):
        if there is not None:
            drafts.remove(there)
        return JsonResponse({"draft": None})
    try:
        draft = drafts.save(
            drafts.Place(agent, desk.ticket, kind),
            typed,
            draft=key_in(data.get("draft", "")),
            revision=key_in(data.get("revision", "")) or 0,
        )
    except drafts.Newer as newer:
        return conflict(newer.draft)
    return JsonResponse({"draft": draft.pk, "revision": draft.revision, "saved": when(draft.changed_at, "time")})


def start_of(request: HttpRequest, desk: Desk) -> str:
    """The salutation that stood there before anybody typed."""
    try:
        if desk.ticket is not None:
            return salutation(setting_of(desk.ticket, sender_for(desk.ticket, agent=desk.agent), desk.agent)).text
        queue = queue_of(request.POST, desk.agent)
        return salutation(setting_before(queue, sender_of(queue, agent=desk.agent), desk.agent)).text if queue else ""
    except CannotAnswer:
        return ""


def conflict(draft: Draft | None) -> JsonResponse:
    if draft is None:
        text = _("This draft was sent or discarded in another window. What you write here is not saved.")
        return JsonResponse({"text": text, "revision": None, "html": "", "by": "", "saved": ""}, status=409)
    saved = when(draft.changed_at, "time")
    text = _("A newer version of this draft was saved at %(time)s in another window.") % {"time": saved}
    found = loaded(draft)
    answer = {"text": text, "draft": draft.pk, "revision": draft.revision, "html": found["html"] or found["text"]}
    answer |= {name: found[name] for name in ("to", "cc", "bcc", "subject")}
    return JsonResponse({**answer, "by": draft.agent.name, "saved": saved}, status=409)


@require_POST
def removal(request: HttpRequest, pk: int) -> HttpResponse:
    """Only its agent discards a draft."""
    draft = get_object_or_404(Draft.objects.select_related("ticket"), pk=pk, agent=agent_of(request))
    ticket = draft.ticket
    drafts.remove(draft)
    say(request, _("The draft was discarded."))
    return redirect("ticket", ticket.number) if ticket else redirect("drafts")


@require_POST
def copies(request: HttpRequest, pk: int) -> HttpResponse:
    """A colleague goes on with a copy."""
    draft = get_object_or_404(visible_drafts(agent_of(request)), pk=pk)
    try:
        mine = drafts.take_over(draft, by=agent_of(request))
    except drafts.Newer as newer:
        say(request, _("You have a draft of your own there. Send or discard it first."), tone="warn")
        return redirect(url_of(newer.draft) if newer.draft else reverse("drafts"))
    say(request, _("This is a copy of %(name)s's draft.") % {"name": draft.agent.name})
    return redirect(url_of(mine))


# -- files ----------------------------------------------------------------------------


@require_POST
def add_file(request: HttpRequest, pk: int) -> JsonResponse:
    agent = agent_of(request)
    draft = get_object_or_404(Draft.objects.select_related("ticket__queue__brand", "queue"), pk=pk, agent=agent)
    uploaded = request.FILES.get("file")
    if uploaded is None:
        return JsonResponse({"text": _("No file came along. Choose it again.")}, status=400)
    limit, file = limit_of(draft), as_file(uploaded)
    if request.POST.get("inline") == "1":
        if file.content_type not in SHOWN_TYPES:
            return JsonResponse({"text": _("Only pictures (PNG, JPEG, GIF, WebP) can stand in the text.")}, status=415)
        file = File(file.name, file.content_type, file.content, f"{secrets.token_hex(10)}@postvak")
    try:
        row = drafts.add_file(draft, file, limit=limit)
    except drafts.TooLarge as error:
        return too_large(file, error)
    except drafts.Newer:
        return conflict(None)
    except store.VaultUnreachable:
        return JsonResponse({"text": _("The file can't be stored at the moment. Try again in a minute.")}, status=503)
    return JsonResponse({**as_json(row), **totals(draft, limit)}, status=201)


def limit_of(draft: Draft) -> int:
    try:
        if draft.ticket is not None:
            return drafts.limit_of(sender_for(draft.ticket, agent=draft.agent, choice=draft.address).channel)
        return drafts.limit_of(sender_of(draft.queue, agent=draft.agent).channel if draft.queue else None)
    except CannotAnswer:
        return drafts.USUAL_LIMIT


def totals(draft: Draft, limit: int) -> dict[str, int]:
    return {"total": drafts.total_of(draft.files.all()), "limit": limit}


def too_large(file: File, error: drafts.TooLarge) -> JsonResponse:
    text = _("“%(name)s” doesn't fit: with it the mail would have %(total)s, and %(limit)s can be sent.")
    values = {"name": file.name, "total": size(error.total), "limit": size(error.limit)}
    return JsonResponse({"text": text % values}, status=413)


@require_GET
def file(request: HttpRequest, pk: int, file_pk: int) -> HttpResponse:
    row = get_object_or_404(DraftFile, pk=file_pk, draft__in=visible_drafts(agent_of(request)).filter(pk=pk))
    return download(readable_file(store.get(str(row.blob_id))), row.name, row.content_type)


@require_POST
def file_removal(request: HttpRequest, pk: int, file_pk: int) -> JsonResponse:
    mine = Draft.objects.filter(pk=pk, agent=agent_of(request))
    row = get_object_or_404(DraftFile.objects.select_related("draft"), pk=file_pk, draft__in=mine)
    drafts.remove_file(row)
    Draft.objects.filter(pk=pk).update(changed_at=timezone.now())
    return JsonResponse(totals(row.draft, limit_of(row.draft)))
