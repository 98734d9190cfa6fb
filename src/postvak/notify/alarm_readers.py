"""Who is told of a trouble by mail: of mailboxes, channels and accounts, and of certificates, as their rules of the message centre
say; of everything else all administrators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from postvak.mail.addresses import is_valid_recipient, normalise
from postvak.models import Agent, Rule
from postvak.models.rule import RuleChoice
from postvak.notify.health.finding import Finding

Trigger, Delivery = Rule.Trigger, Rule.Delivery
AGENT, ADDRESS = "agent:", "address:"
CODES = {
    "mailbox_silent": Trigger.ACCOUNT,
    "mailbox_failing": Trigger.ACCOUNT,
    "channel_broken": Trigger.ACCOUNT,
    "channel_failing": Trigger.ACCOUNT,
    "grant_broken": Trigger.ACCOUNT,
    "certificate_ends": Trigger.CERTIFICATE,
    "certificate_unreadable": Trigger.CERTIFICATE,
    "key_ends": Trigger.CERTIFICATE,
    "key_ended": Trigger.CERTIFICATE,
    "authority_ends": Trigger.CERTIFICATE,
}
BY_MAIL = {Delivery.MAIL.value, Delivery.DIGEST.value}  # an alarm doesn't wait for the digest


@dataclass(frozen=True, slots=True)
class Reader:
    """`name` and `language` "" where it is only an address."""

    email: str
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Readers:
    """`by_trigger`: whom the rules that are on name, nobody where all are off; `admins`: for what has no rule."""

    admins: Sequence[Reader]
    by_trigger: dict[str, list[Reader]]

    def of(self, trouble: Finding) -> Sequence[Reader]:
        trigger = CODES.get(trouble.code)
        return self.admins if trigger is None else self.by_trigger.get(trigger, [])


def load_readers() -> Readers:
    """Three queries. A rule that is on but names nobody who is still there tells the administrators: somebody has to know."""
    agents = {one.pk: one for one in Agent.objects.filter(is_active=True).order_by("pk")}
    admins = [reader_of(one) for one in agents.values() if one.is_admin]
    rules = list(Rule.objects.filter(trigger__in=[Trigger.ACCOUNT, Trigger.CERTIFICATE], is_on=True))
    rows = RuleChoice.objects.filter(rule__in=rules).values_list("rule_id", "agent_id", "delivery")
    choices = {(rule, agent): delivery for rule, agent, delivery in rows}
    found: dict[str, dict[str, Reader]] = {}
    for rule in rules:
        named = list(named_by(rule, agents.values()))
        wanting = [key for key in named if choices.get((rule.pk, key), rule.delivery) in BY_MAIL]
        readers = [reader_of(agents[key]) for key in wanting] + [Reader(email) for email in addresses_in(rule)]
        if not named and not readers:
            readers = admins
        found.setdefault(rule.trigger, {}).update((normalise(one.email), one) for one in readers)
    return Readers(admins, {trigger: list(readers.values()) for trigger, readers in found.items()})


def named_by(rule: Rule, agents: Iterable[Agent]) -> dict[int, None]:
    """Keys of valid agents; the words that need a ticket name nobody here."""
    words = set(map(str, rule.recipients))
    everybody = "agents" in words
    return {
        one.pk: None
        for one in agents
        if everybody or (one.is_admin and "admins" in words) or f"{AGENT}{one.pk}" in words
    }


def addresses_in(rule: Rule) -> list[str]:
    emails = (str(word).removeprefix(ADDRESS) for word in rule.recipients if str(word).startswith(ADDRESS))
    return [email for email in emails if is_valid_recipient(email)]


def reader_of(agent: Agent) -> Reader:
    return Reader(agent.email, agent.name, agent.language)
