"""How an agent wants the mails of the message centre that are for agents: as each rule says, or otherwise. Spec 06."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from postvak.models import Agent, Rule, RuleChoice
from postvak.notify.shipped import is_for_agents, name_of

Delivery, Trigger = Rule.Delivery, Rule.Trigger
NOBODYS_CHOICE = frozenset({Trigger.ACCOUNT, Trigger.CERTIFICATE})  # administrators are told of these in any case
SHORT: Mapping[str, str | Promise] = {
    Delivery.MAIL: gettext_lazy("Mail"),
    Delivery.DIGEST: gettext_lazy("Daily digest"),
    Delivery.APP: gettext_lazy("Postvak only"),
    Delivery.NONE: gettext_lazy("Not at all"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One rule; `options`: (value, label), "" for what the rule says."""

    rule: Rule
    name: str
    chosen: str
    options: list[tuple[str, str]]

    @property
    def field(self) -> str:
        return f"rule-{self.rule.pk}"


def choice_lines(agent: Agent) -> list[Line]:
    """Of the rules that are on and write to agents."""
    chosen = dict(RuleChoice.objects.filter(agent=agent).values_list("rule", "delivery"))
    return [
        Line(rule, name_of(rule), chosen.get(rule.pk, ""), options_of(rule))
        for rule in Rule.objects.filter(is_on=True).exclude(trigger__in=NOBODYS_CHOICE)
        if writes_to_agents(rule)
    ]


def writes_to_agents(rule: Rule) -> bool:
    outside = ("requester", "sender", "participants")
    words = [str(word) for word in rule.recipients]
    return is_for_agents(rule) or any(word not in outside and not word.startswith("address:") for word in words)


def options_of(rule: Rule) -> list[tuple[str, str]]:
    """The digest itself is a mail or nothing."""
    wanted = (Delivery.MAIL, Delivery.NONE) if rule.trigger == Trigger.DIGEST else tuple(SHORT)
    usual = _("As the rule says: %(delivery)s") % {"delivery": Delivery(rule.delivery).label}
    return [("", usual), *((str(one), str(SHORT[one])) for one in wanted)]


def save_choices(agent: Agent, data: Mapping[str, str]) -> None:
    """What a page doesn't send stays as it is, and so does what it can't know."""
    with transaction.atomic():
        for line in choice_lines(agent):
            wanted = data.get(line.field)
            if wanted is None or wanted == line.chosen or wanted not in dict(line.options):
                continue
            if wanted:
                RuleChoice.objects.update_or_create(rule=line.rule, agent=agent, defaults={"delivery": wanted})
            else:
                RuleChoice.objects.filter(rule=line.rule, agent=agent).delete()
