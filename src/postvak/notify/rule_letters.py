"""The mails of rules: to customers, in the look of the brand as any other mail, and short ones to agents. Spec 06."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.utils import translation

from postvak.blobs import store
from postvak.mail.compose import File
from postvak.mail.threading import numbered
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, AutomaticMail, Options, Rule, Ticket
from postvak.notify.body import Body, Dress, body_of, domain_of, put_together
from postvak.notify.letter_parts import Letter, NothingToSay, Original, automatic_draft
from postvak.notify.look import logo_of, look_of
from postvak.notify.rule_values import customer_values, notice_values
from postvak.notify.rule_words import Filled, fill_rule
from postvak.notify.setting import Setting, setting_of, usual_language
from postvak.notify.shipped import RuleWords, language_of, spoken, words_of
from postvak.notify.words import Words
from postvak.send.outbox import Envelope
from postvak.send.sender import Sender, sender_for

WRITTEN_BY_POSTVAK = "auto-generated"
ANSWERS = frozenset({Rule.Trigger.NEW_TICKET, Rule.Trigger.INSTEAD, Rule.Trigger.FOLLOW_UP, Rule.Trigger.REJECTED})


def rule_letter(row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime) -> Letter:
    """To a customer or another address outside. No return path: nobody's machine shall answer it (RFC 3834 section 3.3)."""
    rule = rule_of(row)
    sender = sender_for(row.ticket)
    setting = customer_setting(rule, row.ticket, sender)
    words = own_text(row) or words_of(rule, setting.language)
    files = files_of(rule)
    with translation.override(setting.language):
        filled = fill_rule(words.subject, words.html, customer_values(row, setting))
        if asks_without_link(filled) or not (filled.words or files):
            raise NothingToSay
        body = body_of(filled.words, setting)
    submitted = "auto-replied" if rule.trigger in ANSWERS else WRITTEN_BY_POSTVAK
    subject = with_number(filled.subject, row.ticket)
    draft = automatic_draft(row, to, sender, now, body, submitted=submitted, subject=subject, files=files)
    return Letter(draft, Envelope("", tuple(to)), sender, filled.words.text)


def notice(row: AutomaticMail, to: Sequence[str], original: Original | None, now: datetime) -> Letter:
    """To an agent: what happened, who did it, on which ticket. His answer lands there."""
    rule, reader = rule_of(row), row.reader
    if reader is None or not reader.is_active:
        raise NothingToSay
    sender = sender_for(row.ticket)
    setting = reader_setting(row.ticket, sender, reader)
    filled = filled_notice(row, words_of(rule, setting.language), setting, reader)
    subject = with_number(filled.subject or " ".join(row.ticket.subject.split()), row.ticket)
    draft = automatic_draft(
        row, to, sender, now, plain_body(filled.words, setting), submitted=WRITTEN_BY_POSTVAK, subject=subject
    )
    people = tuple(MailAddress(reader.name, email) for email in to)
    return Letter(replace(draft, to=people), Envelope("", tuple(to)), sender, filled.words.text)


def asks_without_link(filled: Filled) -> bool:
    """A question for a rating that nobody could give: the installation has no public address."""
    return any("ticket.rating_link" in one for one in filled.missing)


def rule_of(row: AutomaticMail) -> Rule:
    if row.rule is None:
        raise ValueError("a mail of a rule needs its rule")
    return row.rule


def own_text(row: AutomaticMail) -> RuleWords | None:
    """What whoever decided on the mail wants it to say, as a filter's words for a mail that is not taken up."""
    return RuleWords("", Words(row.text).as_html, is_own=True) if row.text.strip() else None


def customer_setting(rule: Rule, ticket: Ticket, sender: Sender) -> Setting:
    """In the customer's language, if the rule has words in it, else in the queue's, which is mostly the brand's."""
    setting = setting_of(ticket, sender, None)
    chosen = language_of(rule, setting.language, usual_language(ticket.queue), list(rule.texts.all()))
    return replace(setting, language=chosen)


def reader_setting(ticket: Ticket, sender: Sender, reader: Agent) -> Setting:
    language = spoken(reader.language or settings.LANGUAGE_CODE)
    return Setting(ticket.queue.brand, sender.address, None, ticket, ticket.customer, language)


def filled_notice(row: AutomaticMail, words: RuleWords, setting: Setting, reader: Agent) -> Filled:
    with translation.override(setting.language):
        return fill_rule(words.subject, words.html, notice_values(row, setting, reader))


def plain_body(words: Words, setting: Setting) -> Body:
    """In the brand's look, but without what it says to customers below a mail."""
    look = look_of(setting.brand)
    return put_together(words, setting, Dress(look, logo_of(look, domain_of(setting)), rows=()))


def with_number(subject: str, ticket: Ticket) -> str:
    """With hook and place as set up, unless it names the number itself; "" stays ""."""
    if not subject or ticket.number in subject:
        return subject
    options = Options.objects.first() or Options()
    return numbered(subject, ticket.number, hook=options.hook, place=options.subject_place)


def files_of(rule: Rule) -> tuple[File, ...]:
    """Attached ones, and pictures that the text shows."""
    rows = rule.files.all() if rule.pk else ()
    return tuple(File(one.name, one.content_type, store.get(one.blob_id), one.content_id) for one in rows)
