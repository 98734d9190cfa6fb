"""The search page and its suggestions."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from postvak.models import Agent, Mailbox, Message, Queue, Status, Tag, Ticket
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


def test_hits_are_ticked_and_changed_as_rows_of_a_list_and_the_search_stays(client: Client, ticket: Ticket) -> None:
    there = "/search/?q=flickering"
    html = page(client, there)
    assert f'name="ticket" value="{ticket.number}" form="bulk"' in html
    assert 'name="back" value="/search/?q=flickering"' in html
    assert 'data-bulk="list"' not in html, "there is no list of which all could be meant"
    assert 'name="all" value="1"' not in html
    answer = client.post("/bulk/", {"ticket": ticket.number, "do": "status:closed", "in": "open", "back": there})
    assert answer["Location"] == there
    ticket.refresh_from_db()
    assert ticket.status.key == "closed"


@pytest.mark.parametrize(("text", "verb"), [("flicker", "trash"), ("flicker is:trash", "restore")])
def test_hits_in_the_trash_can_be_taken_out_of_it(client: Client, ticket: Ticket, text: str, verb: str) -> None:
    if verb == "restore":
        Ticket.objects.update(status=Status.objects.get(key="trash"), is_open=False)
    bar = re.search(r'hx-get="(/bulk/bar/\?in=\w+)"', page(client, f"/search/?q={text}"))
    assert bar is not None
    assert f'name="do" value="{verb}"' in page(client, bar[1])


def test_a_ticket_that_is_part_of_another_one_is_not_ticked(client: Client, ticket: Ticket, mailbox: Mailbox) -> None:
    other = receive(mailbox, mail(subject="Other", text="Else", message_id="other@customer.example"))
    Ticket.objects.filter(pk=ticket.pk).update(merged_into=other)
    html = page(client, f"/search/?q={ticket.number}")
    assert f"/tickets/{ticket.number}/" in html
    assert f'value="{ticket.number}" form="bulk"' not in html


def test_where_the_newest_hits_are_not_ones_own_older_ones_are_offered(
    client: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch, sales: Queue, mailbox: Mailbox
) -> None:
    for number in range(5):
        foreign = receive(mailbox, mail(subject="Foreign", text="flicker", message_id=f"{number}@customer.example"))
        Ticket.objects.filter(pk=foreign.pk).update(queue=sales)
        Message.objects.filter(ticket=foreign).update(created_at=timezone.now() + timedelta(hours=1))
    while index_due("test:1:x"):
        pass
    monkeypatch.setattr("postvak.tickets.search.places.FEW_TICKETS", 0)
    monkeypatch.setattr("postvak.tickets.search.places.WINDOWS", (2, 2))
    html = page(client, "/search/?q=flicker")
    assert "Nothing was found" not in html
    older = re.search(r'href="(/search/\?q=flicker&amp;before=\d+)"', html)
    assert older is not None
    assert f"/tickets/{ticket.number}/#message-" in page(client, older[1].replace("&amp;", "&"))
