"""How a mail of a rule looks on a ticket, and a test of it to an agent. Nothing of it belongs to the ticket. Spec 06."""

from dataclasses import dataclass, replace

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from postvak.blobs import store
from postvak.mail.compose import Draft, File, compose
from postvak.mail.outgoing_html import clean
from postvak.mail.values import Address as MailAddress
from postvak.models import Agent, AutomaticMail, Message, OutgoingMail, Rule, Ticket
from postvak.notify.body import Body, body_of
from postvak.notify.letter_parts import machine_headers, own_message_id
from postvak.notify.rule_letters import files_of, filled_notice, plain_body, reader_setting, with_number
from postvak.notify.rule_values import customer_values
from postvak.notify.rule_words import Filled, fill_rule
from postvak.notify.setting import Setting, setting_of
from postvak.notify.shipped import RuleWords, is_for_agents, words_of
from postvak.send.letter import newest_mail, subject_of
from postvak.send.outbox import freeze_notice
from postvak.send.protection import is_encrypted
from postvak.send.sender import sender_for


@dataclass(frozen=True, slots=True)
class Preview:
    """`html` is the whole mail, its pictures (`files`) as cid:. `missing`: placeholders of which this ticket knows nothing;
    their lines are left out."""

    subject: str
    html: str
    text: str
    missing: tuple[str, ...]
    files: tuple[File, ...] = ()


def preview(rule: Rule, subject: str, html: str, ticket: Ticket, language: str, reader: Agent | None = None) -> Preview:
    """With what is typed; "" for both: what the rule says. `reader`: as an agent gets it. Raises CannotAnswer, TooLong."""
    filled, body, written = written_mail(rule, typed(rule, subject, html, language), ticket, language, reader)
    return Preview(written, body.html, body.text, filled.missing, body.files)


def send_test(rule: Rule, subject: str, html: str, ticket: Ticket, language: str, to: Agent) -> OutgoingMail:
    """Put it into the outbox for `to`, as those get it for whom the rule is. Raises CannotAnswer, TooLong, VaultUnreachable."""
    reader = to if is_for_agents(rule) else None
    _filled, body, written = written_mail(rule, typed(rule, subject, html, language), ticket, language, reader)
    sender = sender_for(ticket)
    draft = Draft(
        author=MailAddress(sender.name, sender.address.email),
        to=(MailAddress(to.name, to.email),),
        subject=_("[test] %(subject)s") % {"subject": written},
        text=body.text,
        html=body.html,
        attachments=(*files_of(rule), *body.files),
        message_id=own_message_id(ticket, sender),
        date=timezone.now(),
        headers=machine_headers(sender.address.email, "auto-generated"),
    )
    (blob,) = store.prepare([compose(draft)])
    with transaction.atomic():
        store.save([blob])
        return freeze_notice(draft, ticket, blob, channel=sender.channel)


def typed(rule: Rule, subject: str, html: str, language: str) -> RuleWords:
    if subject.strip() or html.strip():
        return RuleWords(subject, clean(html), is_own=True)
    return words_of(rule, language) if rule.pk else words_of(rule, language, rows=())


def written_mail(
    rule: Rule, words: RuleWords, ticket: Ticket, language: str, reader: Agent | None
) -> tuple[Filled, Body, str]:
    """What is filled in, the mail's bodies, and its subject."""
    sender, row = sender_for(ticket), row_for(rule, ticket, is_notice=reader is not None)
    if reader is not None:
        setting = replace(reader_setting(ticket, sender, reader), language=language)
        filled = filled_notice(row, words, setting, reader)
        subject = filled.subject or " ".join(ticket.subject.split())
        return filled, plain_body(filled.words, setting), with_number(subject, ticket)
    setting = replace(setting_of(ticket, sender, None), language=language)
    filled = for_customer(row, words, setting)
    return filled, body_of(filled.words, setting), with_number(filled.subject, ticket) or subject_of(ticket)


def for_customer(row: AutomaticMail, words: RuleWords, setting: Setting) -> Filled:
    with translation.override(setting.language):
        return fill_rule(words.subject, words.html, customer_values(row, setting))


def row_for(rule: Rule, ticket: Ticket, *, is_notice: bool) -> AutomaticMail:
    """As if it had just been decided on, because of the newest mail; it is never stored."""
    line = ticket.history.order_by("-pk").filter(code__in=["status", "queue", "priority"]).first()
    about = newest_message(ticket) if is_notice and rule.trigger not in CHANGES else newest_mail(ticket)
    is_change = is_notice and rule.trigger in CHANGES
    if about is not None and is_encrypted(about):
        about.text = ""  # no test mail says what was encrypted
    return AutomaticMail(
        ticket=ticket,
        rule=rule,
        kind=AutomaticMail.Kind.NOTICE if is_notice else AutomaticMail.Kind.RULE,
        trigger=None if is_change else about,
        occasion=f"{line.code}:{line.pk}" if line and is_change else "",
    )


CHANGES = frozenset({Rule.Trigger.STATUS, Rule.Trigger.QUEUE, Rule.Trigger.PRIORITY})


def newest_message(ticket: Ticket) -> Message | None:
    return ticket.messages.exclude(author_kind=Message.AuthorKind.SYSTEM).order_by("-created_at", "-pk").first()
