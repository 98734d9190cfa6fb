"""@name in internal notes."""

import pytest

from postvak.log.sentences import history_line
from postvak.models import Agent, Mention, Queue, Ticket
from postvak.tickets import change
from postvak.tickets.mentions import find_mentions, propose_colleagues
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db


def colleague(name: str, queue: Queue | None) -> Agent:
    email = f"{'.'.join(name.lower().split())}@example.org"
    agent = Agent.objects.create_user(email, "correct horse battery", name=name)
    if queue:
        queue.members.add(agent)
    return agent


@pytest.fixture
def ticket(receive: Receive, support: Queue, sales: Queue) -> Ticket:
    """Readers: Bob, two called Dee, Zoë, Jürgen. Not: Sam, and the third Dee."""
    for name in ("Dee Dahl", "Dee Dunn", "Zoë Ångström", "Jürgen Groß-Weiß", "Lee"):
        colleague(name, support)
    colleague("Sam Stranger", sales)
    colleague("Dee Other", sales)
    return receive()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Dee Dahl please look", ["Dee Dahl"]),
        ("please @dee  DAHL.", ["Dee Dahl"]),
        ("(@Dee Dunn, @Dee Dahl)", ["Dee Dunn", "Dee Dahl"]),
        ("@Zoë and @zoë ångström", ["Zoë Ångström"]),
        ("@Zoe\u0308 in two letters", ["Zoë Ångström"]),
        ("@JÜRGEN, bitte", ["Jürgen Groß-Weiß"]),
        ("@Jürgen Groß-Weiß’ Idee", ["Jürgen Groß-Weiß"]),
        ("@Lee's turn", ["Lee"]),
        ("@Dee Dahl @Dee Dahl", ["Dee Dahl"]),
        ("line\n@Lee", ["Lee"]),
        ("@Dee\nDahl", []),  # two of the name, and the rest stands on another line
        ("@Leeds", []),
        ("@Lee_", []),
        ("mail lee@lee.example", []),
        ("write to info@Lee", []),
        ("@lee.example is their host", []),
        ("@Lee@mastodon.example", []),
        ("Lee", []),
        ("@ Lee", []),
        ("@Nobody", []),
        ("@Bob it is me", []),
        ("@", []),
    ],
)
def test_who_is_meant(ticket: Ticket, bob: Agent, text: str, expected: list[str]) -> None:
    found = find_mentions(text, ticket, by=bob)
    assert [one.name for one in found.agents] == expected


def test_a_first_name_that_several_have_is_not_guessed(ticket: Ticket, bob: Agent) -> None:
    found = find_mentions("@Dee and @Lee", ticket, by=bob)
    assert ([one.name for one in found.agents], found.unclear) == (["Lee"], ("Dee",))


def test_a_first_name_means_the_one_who_may_read_the_ticket(ticket: Ticket, bob: Agent) -> None:
    Agent.objects.filter(name="Dee Dunn").update(is_active=False)
    assert [one.name for one in find_mentions("@Dee", ticket, by=bob).agents] == ["Dee Dahl"]


def test_who_may_not_read_the_ticket_is_not_mentioned_but_named_to_the_author(ticket: Ticket, bob: Agent) -> None:
    found = find_mentions("@Sam Stranger and @Dee Other", ticket, by=bob)
    assert found.agents == ()
    assert [one.name for one in found.blind] == ["Sam Stranger", "Dee Other"]
    message = change.note(ticket, "@Sam Stranger", by=bob)
    assert not message.mentions.exists()


def test_on_a_private_ticket_only_those_who_see_it_are_mentioned(ticket: Ticket, bob: Agent) -> None:
    Ticket.objects.update(is_private=True, assignee=bob)
    private = Ticket.objects.get()
    assert [one.name for one in find_mentions("@Lee", private, by=bob).blind] == ["Lee"]
    ticket.queue.membership_set.filter(agent__name="Lee").update(is_lead=True)
    assert [one.name for one in find_mentions("@Lee", private, by=bob).agents] == ["Lee"]


def test_a_note_keeps_its_mentions_and_makes_them_followers(ticket: Ticket, bob: Agent) -> None:
    lee = Agent.objects.get(name="Lee")
    message = change.note(ticket, "@Lee and @Dee Dahl", by=bob)
    change.note(ticket, "@Lee again", by=bob)
    assert {row.agent.name for row in message.mentions.all()} == {"Lee", "Dee Dahl"}
    assert Mention.objects.filter(agent=lee).count() == 2
    assert {one.name for one in ticket.followers.all()} == {"Lee", "Dee Dahl"}
    said = [history_line(row.code, row.parameters) for row in ticket.history.filter(agent=bob)]
    assert said == [
        "Internal note written",
        "Lee follows the ticket",
        "Dee Dahl follows the ticket",
        "Internal note written",
    ]


def test_colleagues_are_proposed_by_the_beginning_of_any_of_their_names(ticket: Ticket, bob: Agent) -> None:
    def offered(typed: str) -> list[str]:
        return [one.name for one in propose_colleagues(typed, ticket, by=bob)]

    assert offered("") == ["Dee Dahl", "Dee Dunn", "Jürgen Groß-Weiß", "Lee", "Zoë Ångström"]
    assert offered("D") == ["Dee Dahl", "Dee Dunn"]
    assert offered("dee du") == ["Dee Dunn"]
    assert offered("ÅNG") == ["Zoë Ångström"]
    assert offered("weiß") == []
    assert offered("sam") == []
