"""What the daily digest says: how an agent's tickets stand, and his news ticket by ticket, with links. Spec 06."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from postvak.mail.compose import Draft
from postvak.mail.outgoing_html import clean
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, AutomaticMail, Brand, Rule, Ticket
from postvak.notify.letter_parts import machine_headers, own_message_id
from postvak.notify.rule_letters import plain_body
from postvak.notify.rule_values import author_of, hello, line_of, zone_of
from postvak.notify.rule_words import Filled, fill_rule
from postvak.notify.setting import Setting
from postvak.notify.shipped import name_of, spoken, words_of
from postvak.notify.values import day, first_name, moment, ticket_link
from postvak.notify.words import Words
from postvak.send.sender import Sender

MOST_TICKETS = 50
MOST_LINES = 10  # of one ticket


@dataclass(frozen=True, slots=True)
class Standing:
    """Of the open tickets that are his."""

    open: int
    longest: Ticket | None
    late: int

    @property
    def is_quiet(self) -> bool:
        return not (self.open or self.late)


@dataclass(frozen=True, slots=True)
class News:
    """What was collected of one ticket, oldest first."""

    ticket: Ticket
    rows: Sequence[AutomaticMail]


@dataclass(frozen=True, slots=True)
class Digested:
    reader: Agent
    rule: Rule
    standing: Standing
    news: Sequence[News]


def digest_letter(digested: Digested, sender: Sender, now: datetime) -> Draft:
    """In the agent's language and on his clock."""
    reader = digested.reader
    language = spoken(reader.language or settings.LANGUAGE_CODE)
    setting = Setting(brand_of(digested, sender), sender.address, None, None, None, language)
    with translation.override(language), timezone.override(zone_of(reader)):
        head = opening(digested, language, now)
        text = "\n\n".join(filter(None, [head.words.text, *paragraphs(digested)]))
        html = clean("\n".join([head.words.as_html, *blocks(digested)]))
    body = plain_body(Words(text, html), setting)
    return Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=(MailAddress(reader.name, reader.email),),
        subject=head.subject or name_of(digested.rule),
        text=body.text,
        html=body.html,
        attachments=body.files,
        message_id=own_message_id(None, sender),
        date=now,
        headers=machine_headers(sender.address.email, "auto-generated"),
    )


def brand_of(digested: Digested, sender: Sender) -> Brand:
    queue = digested.news[0].ticket.queue if digested.news else sender.address.queue
    return queue.brand if queue else Brand.objects.order_by("pk").first() or Brand(name=sender.name)


def opening(digested: Digested, language: str, now: datetime) -> Filled:
    reader = digested.reader
    values = {
        "reader.name": reader.name.strip(),
        "reader.first_name": first_name(reader.name.strip()),
        "salutation": hello(reader, language),
        "rule.name": name_of(digested.rule),
        "today": day(timezone.localdate(now), language),
    }
    words = words_of(digested.rule, language)
    return fill_rule(words.subject, words.html, values)


# ---- how his tickets stand ---------------------------------------------------------------


def standing_lines(standing: Standing) -> Iterator[tuple[str, str]]:
    """(sentence, link or "")"""
    yield (
        ngettext("You have %(num)s open ticket.", "You have %(num)s open tickets.", standing.open)
        % {"num": standing.open},
        "",
    )
    if standing.longest is not None:
        since = moment(standing.longest.waiting_since, language_now(), timezone.get_current_timezone())
        words = _("A customer has been waiting longest since %(time)s: %(subject)s") % {
            "time": since, "subject": subject_of(standing.longest),
        }  # fmt: skip
        yield words, ticket_link(standing.longest)
    if standing.late:
        yield (
            ngettext("%(num)s of them is late.", "%(num)s of them are late.", standing.late) % {"num": standing.late},
            "",
        )


def language_now() -> str:
    return translation.get_language() or "en"


def subject_of(ticket: Ticket) -> str:
    return " ".join(ticket.subject.split()) or _("(no subject)")


# ---- both forms --------------------------------------------------------------------------


def told(row: AutomaticMail) -> str:
    """One line: when, what, who."""
    at = timezone.localtime(row.created_at).strftime("%H:%M")
    what = name_of(row.rule) if row.rule else ""
    who = author_of(row.trigger, None if row.trigger else line_of(row))
    values = {"time": at, "what": what, "who": who}
    return _("%(time)s %(what)s: %(who)s") % values if who else _("%(time)s %(what)s") % values


def lines_of(news: News) -> Iterator[str]:
    yield from (told(row) for row in news.rows[:MOST_LINES])
    left = len(news.rows) - MOST_LINES
    if left > 0:
        yield ngettext("and %(num)s more", "and %(num)s more", left) % {"num": left}


def paragraphs(digested: Digested) -> Iterator[str]:
    yield "\n".join(f"{words} {link}".strip() for words, link in standing_lines(digested.standing))
    for news in digested.news[:MOST_TICKETS]:
        head = f"{subject_of(news.ticket)} [{news.ticket.number}]"
        yield "\n".join([head, *(f"- {line}" for line in lines_of(news)), *filter(None, [ticket_link(news.ticket)])])
    if left := rest(digested):
        yield left


def blocks(digested: Digested) -> Iterator[str]:
    lines = (f"<li>{linked(words, link)}</li>" for words, link in standing_lines(digested.standing))
    yield f"<ul>{''.join(lines)}</ul>"
    for news in digested.news[:MOST_TICKETS]:
        head = f"{linked(subject_of(news.ticket), ticket_link(news.ticket))} {escape(news.ticket.number)}"
        items = "".join(f"<li>{escape(line)}</li>" for line in lines_of(news))
        yield f"<p><strong>{head}</strong></p><ul>{items}</ul>"
    if left := rest(digested):
        yield f"<p>{escape(left)}</p>"


def rest(digested: Digested) -> str:
    left = len(digested.news) - MOST_TICKETS
    return ngettext("and %(num)s ticket more", "and %(num)s tickets more", left) % {"num": left} if left > 0 else ""


def linked(words: str, link: str) -> str:
    return f'<a href="{escape(link)}">{escape(words)}</a>' if link else escape(words)
