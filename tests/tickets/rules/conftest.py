"""Rules that a test switches on, and a worker that follows what happened; every shipped rule is off until then."""

from collections.abc import Callable

import pytest

from postvak.models import Agent, AutomaticMail, Channel, Notification, Queue, Rule, RuleText, Ticket
from postvak.models.rule import RuleChoice
from postvak.tickets import change
from postvak.tickets.aftermath import follow_changes
from tests.tickets.conftest import Receive

WORKER = "test:1:x"
On = Callable[..., Rule]


@pytest.fixture
def on(no_automatic_mail: None) -> On:
    """`on("closed", minutes=5)`: the shipped rule of that key; on(trigger="closed", name=…): one of our own."""

    def switch(key: str = "", **columns: object) -> Rule:
        rule = Rule.objects.get(key=key) if key else Rule(name="Own rule")
        for name, value in {"is_on": True, **columns}.items():
            setattr(rule, name, value)
        rule.save()
        if not key:
            RuleText.objects.create(rule=rule, subject="Hear", html="<p>Something happened.</p>")
        return rule

    return switch


@pytest.fixture
def dee(support: Queue) -> Agent:
    agent = Agent.objects.create_user("dee@example.org", "correct horse battery", name="Dee Dahl")
    support.members.add(agent)
    return agent


@pytest.fixture
def ticket(receive: Receive, on: On, bob: Agent, channel: Channel) -> Ticket:
    """Ann's, given to Bob; nobody was told anything yet."""
    ticket = receive()
    change.assign(ticket, bob, by=bob)
    follow()
    return fresh(ticket)


def fresh(ticket: Ticket) -> Ticket:
    return Ticket.objects.select_related("status", "queue", "assignee", "priority").get(pk=ticket.pk)


def follow() -> None:
    while follow_changes(WORKER):
        pass


def bells() -> list[tuple[str, str]]:
    """(first name, kind) of all notices in Postvak, after the worker came by."""
    follow()
    return sorted((row.agent.name.split()[0], row.kind) for row in Notification.objects.select_related("agent"))


def mails(*states: str) -> list[tuple[str, str]]:
    """(address, state) of the mails that rules want, after the worker came by."""
    follow()
    rows = AutomaticMail.objects.exclude(rule=None).order_by("address", "pk")
    return [(row.address, row.state) for row in rows if not states or row.state in states]


def choose(agent: Agent, rule: Rule, delivery: str) -> None:
    RuleChoice.objects.update_or_create(agent=agent, rule=rule, defaults={"delivery": delivery})
