"""Rules in words: when, to whom, how often; for the list of the message centre and for those who read of them elsewhere."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from postvak.conditions.condition import Malformed, condition_of
from postvak.models import Rule
from postvak.web.admin.condition_kit import in_words
from postvak.web.admin.rules_choices import ADDRESS, AGENT, RECIPIENTS, Lists, kit_of

Trigger = Rule.Trigger
HOUR, DAY = 60, 24 * 60  # in minutes

AFTER: Mapping[str, str | Promise] = {
    Trigger.DUE_NEAR: gettext_lazy("%(time)s before an answer is due"),
    Trigger.UNANSWERED: gettext_lazy("a customer has waited %(time)s for an answer"),
    Trigger.UNASSIGNED: gettext_lazy("a ticket has had no assignee for %(time)s"),
    Trigger.SILENT: gettext_lazy("a customer hasn't answered for %(time)s"),
    Trigger.CLOSED: gettext_lazy("%(time)s after a ticket is closed"),
    Trigger.REOPENED: gettext_lazy("%(time)s after a closed ticket is opened again"),
    Trigger.STATUS: gettext_lazy("%(time)s after the status changes"),
}


def trigger_in_words(rule: Rule) -> str:
    if rule.trigger == Trigger.DIGEST and rule.hour is not None:
        return _("each day at %(hour)s") % {"hour": f"{rule.hour:02}:00"}
    if rule.minutes and rule.trigger in AFTER:
        time = duration_in_words(rule.minutes)
        if rule.calendar_id:
            time = _("%(time)s of business hours") % {"time": time}
        return str(AFTER[rule.trigger]) % {"time": time}
    return str(Trigger(rule.trigger).label)


def duration_in_words(minutes: int) -> str:
    amount, unit = amount_and_unit(minutes)
    if unit == DAY:
        return ngettext("%(num)s day", "%(num)s days", amount) % {"num": amount}
    if unit == HOUR:
        return ngettext("%(num)s hour", "%(num)s hours", amount) % {"num": amount}
    return ngettext("%(num)s minute", "%(num)s minutes", amount) % {"num": amount}


def amount_and_unit(minutes: int) -> tuple[int, int]:
    """The largest unit without a rest: 1440 -> (1, DAY)."""
    unit = next((unit for unit in (DAY, HOUR) if minutes and minutes % unit == 0), 1)
    return minutes // unit, unit


def recipients_in_words(rule: Rule, lists: Lists) -> list[str]:
    return [recipient_in_words(str(word), lists.agents) for word in rule.recipients]


def recipient_in_words(word: str, agents: Mapping[int, str]) -> str:
    if word.startswith(ADDRESS):
        return word.removeprefix(ADDRESS)
    if word.startswith(AGENT):
        key = word.removeprefix(AGENT)
        return agents.get(int(key), word) if key.isdecimal() else word
    return str(RECIPIENTS.get(word, word))


def conditions_in_words(rule: Rule, lists: Lists) -> list[str]:
    kit = kit_of(lists)
    try:
        return [in_words(condition_of(one), kit) for one in rule.conditions]
    except Malformed:
        return [_("These conditions can't be read: the rule does nothing. Save them anew.")]


def limits_in_words(rule: Rule) -> list[str]:
    """Only what differs from the usual."""
    said = []
    if rule.once != Rule.Once.EACH:
        said.append(str(Rule.Once(rule.once).label))
    if rule.per_day:
        text = ngettext("%(num)s mail a day to one address", "%(num)s mails a day to one address", rule.per_day)
        said.append(text % {"num": rule.per_day})
    if rule.status:
        said.append(_("then “%(status)s”") % {"status": rule.status})
    return said
