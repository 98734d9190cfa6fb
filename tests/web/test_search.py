"""The search page and its suggestions."""

import pytest
from django.test import Client

from postvak.models import Agent, Mailbox, Tag, Ticket
from postvak.tickets.search.index import index_due
from postvak.tickets.search.suggest import known
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_known() -> None:
    """People are remembered for a minute, and the queues of the next test have the same keys."""
    known.clear()


@pytest.fixture
def ticket(client: Client, bob: Agent, mailbox: Mailbox) -> Ticket:
    client.force_login(bob)
    found = receive(mailbox, mail(subject="<b>Lamps</b> flicker", text="They <script>flicker</script> & stink."))
    while index_due("test:1:x"):
        pass
    return found


def test_a_word_finds_its_ticket_and_is_marked(client: Client, ticket: Ticket) -> None:
    html = page(client, "/search/?q=flickering")
    assert f"/tickets/{ticket.number}/#message-" in html
    assert "<mark>flicker</mark>" in html
    assert "1 ticket<" in html


def test_what_customers_write_is_escaped(client: Client, ticket: Ticket) -> None:
    html = page(client, "/search/?q=lamp")
    assert "<script>flicker" not in html
    assert "&lt;b&gt;<mark>Lamps</mark>" in html
    assert "<img" not in page(client, "/search/?q=%3Cimg%20src%3Dx%3E")


def test_nothing_found_and_nothing_asked_are_pages_too(client: Client, ticket: Ticket) -> None:
    assert "Nothing was found" in page(client, "/search/?q=xyzzy")
    assert "Nothing was found" not in page(client, "/search/")
    assert "is no date" in page(client, "/search/?q=before:soon")


def test_every_page_has_the_box(client: Client, ticket: Ticket) -> None:
    assert 'action="/search/"' in page(client, "/")


def test_the_help_speaks_the_language_of_the_reader(client: Client, ticket: Ticket, bob: Agent) -> None:
    bob.language = "de"
    bob.save()
    assert "warteschlange:support" in page(client, "/search/")


def test_suggestions_are_people_tags_and_operators(client: Client, ticket: Ticket) -> None:
    Tag.objects.create(name="Annual contract")
    html = page(client, "/search/suggestions/?q=lamp+ann")
    assert 'data-text="lamp from:ann@customer.example "' in html
    assert 'data-text="lamp tag:&#34;Annual contract&#34; "' in html
    assert 'data-text="lamp assignee:"' in page(client, "/search/suggestions/?q=lamp+assi")


@pytest.mark.parametrize("typed", ["archer", "Acrher", "arhcer", "archr"])
def test_a_slip_of_the_finger_is_forgiven(client: Client, ticket: Ticket, typed: str) -> None:
    assert "Ann Archer" in page(client, f"/search/suggestions/?q={typed}")


def test_values_of_operators_are_offered(client: Client, ticket: Ticket) -> None:
    assert "from:" not in page(client, "/search/suggestions/?q=queue:sup")
    assert 'data-text="queue:Support "' in page(client, "/search/suggestions/?q=queue:sup")
    assert 'data-text="is:unanswered "' in page(client, "/search/suggestions/?q=is:unan")


def test_older_hits_come_as_a_fragment(client: Client, ticket: Ticket) -> None:
    answer = client.get("/search/?q=lamp", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in answer
    assert "<mark>Lamps</mark>" in answer
