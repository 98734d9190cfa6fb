"""Beside the editor of a rule: the mail that comes out of what is typed, on a real ticket; and a test of it by mail."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from postvak.blobs import store
from postvak.models import Agent, Rule, RuleText, Ticket
from postvak.notify.body import Body
from postvak.notify.preview import preview, send_test
from postvak.notify.rule_words import TooLong
from postvak.notify.setting import language_for
from postvak.notify.shipped import is_for_agents, words_of
from postvak.send.sender import CannotAnswer
from postvak.tickets.access import visible_tickets
from postvak.tickets.texts import Text
from postvak.tickets.views import NOT_MERGED
from postvak.web.admin.access import admin_only
from postvak.web.admin.forms.answer_templates import LANGUAGES
from postvak.web.admin.forms.rules import RuleForm
from postvak.web.flash import say
from postvak.web.mail_preview import preview_page
from postvak.web.pages import render
from postvak.web.session import agent_of, is_htmx

NOT_NOW = Body("", "")


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: the rule as typed, on which ticket, in which language, with which words. `note`: what to know of it."""

    rule: Rule
    ticket: Ticket | None
    language: str
    text: Text
    reader: Agent | None
    note: str = ""


@require_POST
@admin_only
def show(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A page for the sandboxed frame; nothing is saved."""
    trial = trial_of(request, pk)
    view = request.POST.get("preview_view", "")
    if trial.ticket is None:
        return preview_page(request, NOT_NOW, view=view, note=trial.note)
    try:
        made = preview(trial.rule, trial.text.subject, trial.text.html, trial.ticket, trial.language, trial.reader)
    except (CannotAnswer, TooLong) as error:
        return preview_page(request, NOT_NOW, view=view, note=str(error))
    notes = [trial.note, _("Subject: %(subject)s") % {"subject": made.subject}]
    if made.missing:
        names = ", ".join(made.missing)
        notes.append(_("Left out, because this ticket has no value for it: %(names)s") % {"names": names})
    body = Body(made.text, made.html, made.files)
    return preview_page(request, body, view=view, note=" · ".join(note for note in notes if note))


@require_POST
@admin_only
def send(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A real mail to who presses the button. htmx gets a toast, the frame a sentence."""
    trial, agent = trial_of(request, pk), agent_of(request)
    if trial.ticket is None:
        return told(request, trial.note, tone="warn")
    try:
        send_test(trial.rule, trial.text.subject, trial.text.html, trial.ticket, trial.language, agent)
    except (CannotAnswer, TooLong, store.VaultUnreachable) as error:
        return told(request, str(error), tone="alert")
    return told(request, _("A test is on its way to %(address)s.") % {"address": agent.email})


def told(request: HttpRequest, text: str, *, tone: str = "") -> HttpResponse:
    if not is_htmx(request):
        return preview_page(request, NOT_NOW, view="", note=text)
    say(request, text, tone=tone)
    return render(request, "admin/toasts_alone.html", {})


def trial_of(request: HttpRequest, pk: int | None) -> Trial:
    agent, post = agent_of(request), request.POST
    form = RuleForm(post, instance=get_object_or_404(Rule, pk=pk) if pk else Rule())
    form.is_valid()  # what is wrong stays as it was
    rule: Rule = form.instance
    ticket, note = ticket_for(agent, post.get("preview_ticket", "").strip().lstrip("#"))
    reader = agent if is_for_agents(rule) else None
    language = post.get("preview_language", "")
    if language not in LANGUAGES:
        language = language_of(agent, ticket)
    return Trial(rule, ticket, language, text_in(form, rule, language), reader, note)


def ticket_for(agent: Agent, number: str) -> tuple[Ticket | None, str]:
    """The one with this number, else the newest."""
    tickets = visible_tickets(agent).select_related(
        "queue__brand", "queue__address", "customer__organisation", "reply_address"
    )
    found = tickets.filter(number=number).first() if number.isdecimal() else None
    if found is not None:
        return found, ""
    newest = tickets.filter(NOT_MERGED).order_by("-pk").first()
    if newest is None:
        return None, _("There is no ticket yet. As soon as there is one, the mail is shown here with its values.")
    values = {"number": number, "newest": newest.number}
    return newest, _("There is no ticket %(number)s; this is ticket %(newest)s.") % values if number else ""


def language_of(agent: Agent, ticket: Ticket | None) -> str:
    if ticket is None:
        return agent.language or "en"
    return language_for(ticket)


def text_in(form: RuleForm, rule: Rule, language: str) -> Text:
    """The typed words that somebody gets who reads this language; both "" for the shipped ones."""
    rows = [RuleText(language=one.language, subject=one.subject, html=one.html) for one in form.own_texts]
    words = words_of(rule, language, rows=rows)
    return Text(language, words.subject, words.html)
