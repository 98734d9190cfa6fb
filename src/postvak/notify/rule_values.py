"""What the placeholders of rules stand for besides those of all mails: what happened, who did it, and who reads it."""

import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.utils import timezone, translation

from postvak.log.sentences import history_line
from postvak.mail.quotes import reply_text
from postvak.models import Agent, AutomaticMail, History, Message, Rule, Ticket
from postvak.notify.setting import Setting
from postvak.notify.shipped import name_of, own_greeting
from postvak.notify.values import first_name, moment, placeholder_values
from postvak.notify.words import salutation

BEGINNING = 600  # letters
LINE = re.compile(r"([a-z_]+):(\d{1,18})")  # AutomaticMail.occasion of a line of history
GIVEN = ("assignee", "assigned_in_turn", "assigned_fewest")


def customer_values(row: AutomaticMail, setting: Setting) -> dict[str, str]:
    """For people outside: nothing of what is internal."""
    return {
        **placeholder_values(setting, message=row.trigger),
        **values_of_rule(row.rule, setting.language),
        "salutation": greeting(setting),
    }


def notice_values(row: AutomaticMail, setting: Setting, reader: Agent) -> dict[str, str]:
    """For an agent who may read the ticket, in his language and on his clock."""
    language, zone = setting.language, zone_of(reader)
    line = line_of(row)
    with translation.override(language):
        change = history_line(line.code, line.parameters) if line else ""
    return {
        **placeholder_values(setting, message=row.trigger),
        **values_of_rule(row.rule, language),
        "customer.name": asker(row.ticket),
        "reader.name": reader.name.strip(),
        "reader.first_name": first_name(reader.name.strip()),
        "ticket.due": moment(row.ticket.due_at, language, zone),
        "ticket.waiting_since": moment(row.ticket.waiting_since, language, zone),
        "message.beginning": beginning(row.trigger),
        "event.author": author_of(row.trigger, line),
        "event.change": change,
        "salutation": hello(reader, language),
    }


def values_of_rule(rule: Rule | None, language: str) -> Mapping[str, str]:
    with translation.override(language):
        return {"rule.name": name_of(rule) if rule else ""}


def greeting(setting: Setting) -> str:
    """The salutation of the address or brand; where there is none, or it names what isn't known, a plain one."""
    own = salutation(setting).text
    if own:
        return own
    name = setting.customer.name.strip() if setting.customer else ""
    with translation.override(setting.language):
        return own_greeting("" if "@" in name else name)


def hello(reader: Agent, language: str) -> str:
    with translation.override(language):
        return own_greeting(first_name(reader.name.strip()) or reader.name.strip())


def asker(ticket: Ticket) -> str:
    """An agent knows a customer without a name by his address."""
    if ticket.customer is None:
        return ""
    address = ticket.customer.addresses.order_by("pk").first()
    return ticket.customer.name.strip() or (address.email if address else "")


def beginning(message: Message | None) -> str:
    """The first words of the mail or note, without what it quotes."""
    if message is None:
        return ""
    own = (reply_text(message.text[: 20 * BEGINNING], "") or message.text[: 2 * BEGINNING]).strip()
    return own if len(own) <= BEGINNING else f"{own[:BEGINNING].rsplit(None, 1)[0]} …"


def author_of(message: Message | None, line: History | None) -> str:
    if message is not None:
        agent = message.agent.name if message.agent else ""
        return agent or message.author_name or message.author_email
    return line.agent.name if line and line.agent else ""


def line_of(row: AutomaticMail) -> History | None:
    """The line of history that the notice tells of, if it tells of one."""
    lines = History.objects.filter(ticket=row.ticket_id).select_related("agent")
    if row.rule is not None and row.rule.trigger == Rule.Trigger.ASSIGNED:
        return lines.filter(code__in=GIVEN).order_by("-pk").first()
    found = LINE.fullmatch(row.occasion)
    return lines.filter(pk=int(found[2]), code=found[1]).first() if found and found[1] != "message" else None


def zone_of(agent: Agent) -> ZoneInfo:
    """His own clock, else that of the installation."""
    try:
        return ZoneInfo(agent.time_zone or settings.TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(str(timezone.get_default_timezone()))
