"""The right side of a ticket: what it shows, what is changed in it, what stays hidden, and what it costs."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from postvak.models import Agent, Channel, CustomField, Mailbox, Queue, Ticket, TicketLink
from postvak.tickets import change
from postvak.tickets.customers import set_customer
from postvak.tickets.first_mail import customer_of
from postvak.tickets.links import link, link_record
from postvak.tickets.merge import merge
from postvak.tickets.participants import add_participant
from postvak.tickets.search.index import index_due
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
MOST_QUERIES = 12
HTMX = {"HX-Request": "true"}


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def lamp(mailbox: Mailbox, bob: Agent) -> Ticket:
    return receive(mailbox, mail(subject="Lamp"))


def from_ann(mailbox: Mailbox, subject: str) -> Ticket:
    return receive(mailbox, mail(subject=subject, message_id=f"{subject.replace(' ', '')}@x.example", text=subject))


def from_cleo(mailbox: Mailbox, subject: str, to: str = "support@example.org") -> Ticket:
    sender, name = "Cleo <cleo@c.example>", subject.replace(" ", "")
    return receive(mailbox, mail(sender=sender, to=to, subject=subject, message_id=f"{name}@c.example", text=subject))


def side(desk: Client, ticket: Ticket) -> str:
    response = desk.get(f"/tickets/{ticket.number}/side/", headers=HTMX)
    assert response.status_code == 200
    assert "<html" not in response.text
    return response.text


def post(desk: Client, place: Ticket, what: str, **values: object) -> str:
    """As htmx does; returns the side as it is afterwards."""
    response = desk.post(f"/tickets/{place.number}/{what}/", values, headers=HTMX)
    assert response.status_code == 200, what
    return response.text


def undo(desk: Client, html: str) -> None:
    """Press the button of the toast."""
    address = re.search(r'<form method="post" action="([^"]+)">(?:(?!</form>).)*Undo</button>', html, re.S)
    assert address is not None
    assert desk.post(address[1].replace("&amp;", "&")).status_code == 302


# -- what it shows ----------------------------------------------------------------------------


def test_the_customer_with_his_other_tickets_open_ones_first(desk: Client, mailbox: Mailbox, lamp: Ticket) -> None:
    opened, closed = from_ann(mailbox, "Open matter"), from_ann(mailbox, "Closed matter")
    change.set_status(closed, change.Status.objects.get(key="closed"), by=Agent.objects.get())
    html = side(desk, lamp)
    assert "Ann Archer" in html
    assert "ann@customer.example" in html
    assert html.index(f"/tickets/{opened.number}/") < html.index(f"/tickets/{closed.number}/")
    assert re.search(r">3</a>, 2 of them open", html)


def test_tickets_that_one_may_not_read_are_neither_shown_nor_counted(
    desk: Client, mailbox: Mailbox, lamp: Ticket, bob: Agent, sales: Queue
) -> None:
    hidden = [from_ann(mailbox, f"Hidden {n}") for n in range(4)]
    Ticket.objects.filter(pk__in=[hidden[0].pk, hidden[2].pk]).update(queue=sales)
    Ticket.objects.filter(pk__in=[hidden[1].pk, hidden[3].pk]).update(is_private=True)
    link(lamp, hidden[0], TicketLink.Kind.RELATED, by=bob)
    link(lamp, hidden[1], TicketLink.Kind.PART, by=bob)
    Ticket.objects.filter(pk__in=[hidden[2].pk, hidden[3].pk]).update(merged_into=lamp)
    html = side(desk, lamp)
    assert "Hidden" not in html
    assert not any(ticket.number in html for ticket in hidden)
    assert re.search(r">1</a>, 1 of them open", html)
    assert "Nothing is linked." in html


def test_the_page_without_javascript_has_everything_and_comes_back_to_itself(
    desk: Client, lamp: Ticket, bob: Agent
) -> None:
    html = page(desk, f"/tickets/{lamp.number}/side/")
    assert "<html" in html
    assert "hx-post" not in html.split('class="side-page"')[1].split("</main>")[0]
    response = desk.post(f"/tickets/{lamp.number}/participants/?in=open&at=side", {"address": "dora@other.example"})
    assert response.headers["Location"] == f"/tickets/{lamp.number}/side/?in=open"


def test_a_merged_ticket_offers_no_changes(desk: Client, mailbox: Mailbox, lamp: Ticket, bob: Agent) -> None:
    other = from_ann(mailbox, "Other")
    merge(lamp, other, by=bob)
    assert "<form" not in side(desk, lamp)
    assert lamp.number in side(desk, other)


def test_more_of_everything_costs_no_more_queries(desk: Client, mailbox: Mailbox, lamp: Ticket, bob: Agent) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            side(desk, lamp)
        return len(queries)

    side(desk, lamp)
    few = cost()
    for n in range(6):
        other = from_ann(mailbox, f"Matter {n}")
        link(lamp, other, TicketLink.Kind.RELATED, by=bob)
        add_participant(lamp, customer_of(f"p{n}@other.example"), by=bob)
        link_record(lamp, f"https://erp.example/{n}", "", by=bob)
        CustomField.objects.create(key=f"f{n}", label=f"F {n}")
        Agent.objects.create_user(f"a{n}@example.org", "correct horse battery", name=f"A {n}", is_admin=True)
    assert few <= cost() <= MOST_QUERIES


# -- what is changed in it ----------------------------------------------------------------------------


def test_a_participant_is_added_by_address_and_taken_off_with_a_way_back(desk: Client, lamp: Ticket) -> None:
    html = post(desk, lamp, "participants", address="Dora@other.example")
    assert "dora@other.example" in html
    dora = lamp.participants.get().customer
    html = post(desk, lamp, "participants/removal", customer=dora.pk)
    assert not lamp.participants.exists()
    undo(desk, html)
    assert lamp.participants.get().customer == dora


def test_an_address_of_ours_takes_no_part(desk: Client, lamp: Ticket) -> None:
    assert "is an address of ours" in post(desk, lamp, "participants", address="support@example.org")
    assert not lamp.participants.exists()


def test_the_customer_is_changed_and_changed_back(desk: Client, lamp: Ticket) -> None:
    ann = lamp.customer
    response = desk.post(f"/tickets/{lamp.number}/customer/", {"address": "dora@other.example", "name": "Dora"})
    assert response.status_code == 302
    lamp.refresh_from_db()
    assert lamp.customer is not None
    assert lamp.customer.name == "Dora"
    undo(desk, page(desk, f"/tickets/{lamp.number}/side/"))
    lamp.refresh_from_db()
    assert (lamp.customer, lamp.participants.count()) == (ann, 0)


def test_colleagues_who_may_read_the_ticket_are_offered_as_followers(
    desk: Client, lamp: Ticket, bob: Agent, cas: Agent
) -> None:
    html = side(desk, lamp)
    assert "Bob Baker" in html
    assert "Cas de Vries" not in html
    post(desk, lamp, "followers/colleagues", agent=bob.pk, follow="1")
    assert list(lamp.followers.all()) == [bob]
    assert "may not read" in post(desk, lamp, "followers/colleagues", agent=cas.pk, follow="1")
    post(desk, lamp, "followers/colleagues", agent=bob.pk, follow="0")
    assert not lamp.followers.exists()


def test_a_ticket_is_linked_by_number_and_the_link_taken_off_with_a_way_back(
    desk: Client, mailbox: Mailbox, lamp: Ticket
) -> None:
    house = from_cleo(mailbox, "House")
    html = post(desk, lamp, "links", ticket=f"[#{house.number}]", kind="part")
    assert "Part of" in html
    assert "Parts of this ticket" in side(desk, house)
    html = post(desk, house, "links/removal", ticket=lamp.number)
    assert not TicketLink.objects.exists()
    undo(desk, html)
    there = TicketLink.objects.get()
    assert (there.ticket, there.origin, there.kind) == (lamp, house, "part")


def test_the_other_ticket_can_be_the_part(desk: Client, mailbox: Mailbox, lamp: Ticket) -> None:
    bulb = from_cleo(mailbox, "Bulb")
    post(desk, lamp, "links", ticket=bulb.number, kind="whole")
    there = TicketLink.objects.get()
    assert (there.ticket, there.origin) == (bulb, lamp)
    assert "linked already" in post(desk, bulb, "links", ticket=lamp.number, kind="whole")


def test_a_ticket_that_one_may_not_read_can_be_neither_linked_nor_unlinked(
    desk: Client, mailbox: Mailbox, lamp: Ticket, bob: Agent, sales: Queue
) -> None:
    hidden = from_cleo(mailbox, "Hidden", to="sales@example.org")
    assert "no ticket" in post(desk, lamp, "links", ticket=hidden.number, kind="related")
    assert not TicketLink.objects.exists()
    link(lamp, hidden, "related", by=bob)
    response = desk.post(f"/tickets/{lamp.number}/links/removal/", {"ticket": hidden.number})
    assert response.status_code == 404
    assert TicketLink.objects.exists()


def test_offers_find_tickets_by_number_and_words_but_no_hidden_ones(
    desk: Client, mailbox: Mailbox, lamp: Ticket, sales: Queue
) -> None:
    near, hidden = (
        from_cleo(mailbox, "Flickering chandelier"),
        from_cleo(mailbox, "Chandelier secret", "sales@example.org"),
    )
    while index_due("test:1:x"):
        pass
    for typed in ("chandelier", near.number[:8], near.number, "cleo"):
        html = desk.get(f"/tickets/{lamp.number}/links/offers/", {"ticket": typed}).text
        assert near.number in html, typed
        assert hidden.number not in html
        assert lamp.number not in html


def test_a_record_elsewhere_opens_in_a_new_tab_that_knows_nothing_of_ours(desk: Client, lamp: Ticket) -> None:
    html = post(desk, lamp, "records", url="https://erp.example/7?a=1&b=2", title="<b>Invoice</b>")
    assert re.search(r'<a href="https://erp.example/7\?a=1&amp;b=2" target="_blank" rel="noopener noreferrer"', html)
    assert "&lt;b&gt;Invoice&lt;/b&gt;" in html
    record = lamp.external_links.get()
    html = post(desk, lamp, "records/removal", record=record.pk)
    assert not lamp.external_links.exists()
    undo(desk, html)
    assert lamp.external_links.get().url == record.url


def test_a_wrong_record_is_explained(desk: Client, lamp: Ticket) -> None:
    assert "http:// or https://" in post(desk, lamp, "records", url="javascript:alert(1)")
    assert not lamp.external_links.exists()


def test_the_record_of_another_ticket_is_out_of_reach(desk: Client, mailbox: Mailbox, lamp: Ticket, bob: Agent) -> None:
    record = link_record(from_cleo(mailbox, "Other"), "https://erp.example/1", "", by=bob)
    assert desk.post(f"/tickets/{lamp.number}/records/removal/", {"record": record.pk}).status_code == 404


def test_a_field_that_does_not_fit_is_explained_in_its_place(desk: Client, lamp: Ticket) -> None:
    CustomField.objects.create(key="amount", label="Amount", kind="number")
    response = desk.post(f"/tickets/{lamp.number}/fields/", {"field-amount": "a lot"}, headers=HTMX)
    assert response.status_code == 422
    assert 'value="a lot"' in response.text
    assert "is no number" in response.text


# -- history and mails ----------------------------------------------------------------------------


def test_history_is_narrowed_by_who_and_what(desk: Client, lamp: Ticket, bob: Agent) -> None:
    change.set_priority(lamp, change.Priority.objects.get(level=4), by=bob)
    address = f"/tickets/{lamp.number}/history/"
    everything = desk.get(address, headers=HTMX).text
    assert "Priority changed" in everything
    assert "opened by a mail" in everything
    assert "Priority" not in desk.get(address, {"who": "0"}, headers=HTMX).text
    only = desk.get(address, {"who": bob.pk, "what": "property"}, headers=HTMX).text
    assert "Priority changed" in only
    assert "opened by a mail" not in only
    assert "Nothing of that kind" in desk.get(address, {"what": "link"}, headers=HTMX).text


def test_a_long_history_goes_on_where_the_page_ended(desk: Client, lamp: Ticket, bob: Agent) -> None:
    for n in range(60):
        change.write_history(lamp, "noted" if n else "spam", by=bob)
    address = f"/tickets/{lamp.number}/history/"
    first = desk.get(address, headers=HTMX).text
    assert "Marked as spam" not in first
    older = re.search(r'hx-get="([^"]+before=\d+)"', first)
    assert older is not None
    assert "Marked as spam" in desk.get(older[1].replace("&amp;", "&"), headers=HTMX).text


def test_the_facts_of_the_mails_name_mailbox_and_other_addresses(
    desk: Client, mailbox: Mailbox, bob: Agent, sales: Queue
) -> None:
    ticket = receive(mailbox, mail(to="support@example.org, sales@example.org"))
    html = desk.get(f"/tickets/{ticket.number}/mail/", headers=HTMX).text
    assert "1 mail" in html
    assert mailbox.name in html
    assert "sales@example.org" in html


def test_an_answer_to_a_changed_customer_still_names_who_wrote(lamp: Ticket, bob: Agent) -> None:
    set_customer(lamp, customer_of("dora@other.example"), by=bob)
    assert lamp.messages.get().author_email == "ann@customer.example"


def test_the_history_is_a_file_too_narrowed_like_the_page(desk: Client, lamp: Ticket, bob: Agent) -> None:
    change.set_priority(lamp, change.Priority.objects.get(level=4), by=bob)
    address = f"/tickets/{lamp.number}/history.csv"
    lines = b"".join(desk.get(address)).decode().splitlines()  # type: ignore[arg-type]
    assert lines[0].startswith("\ufeff") or lines[0].endswith("What")
    assert any("opened by a mail" in line for line in lines)
    only = b"".join(desk.get(address, {"who": bob.pk, "what": "property"})).decode()  # type: ignore[arg-type]
    assert "Bob Baker,Priority changed" in only
    assert "opened by a mail" not in only
