"""The pages of customers: every agent sees the cards of all, and of tickets only what he may read."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from postvak.models import Agent, Channel, Customer, CustomerAddress, Mailbox, Organisation, Queue, Ticket
from postvak.tickets.first_mail import customer_of
from postvak.tickets.search.find import find
from postvak.tickets.search.index import index_due
from postvak.web.desk.listing import page_after
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ann(mailbox: Mailbox, bob: Agent) -> Customer:
    customer = receive(mailbox, mail(subject="Lamp")).customer
    assert customer is not None
    return customer


def names(html: str) -> list[str]:
    return re.findall(r'<a href="/customers/\d+/">([^<]+)</a>', html)


def test_every_word_is_looked_for_in_name_address_and_organisation(desk: Client) -> None:
    acme = Organisation.objects.create(name="Acme GmbH")
    dora, zoe = customer_of("dora@other.example", "Dora Dunn"), customer_of("z@zimmer.example", "Éva Öz")
    Customer.objects.filter(pk=dora.pk).update(organisation=acme)
    for query in ("dun", "OTHER.ex", "acme", "dora acme", "gmbh dunn"):
        assert names(page(desk, f"/customers/?q={query}")).count("Dora Dunn") == 1, query
    assert "Éva Öz" in names(page(desk, "/customers/?q=öz"))
    assert "No customer has" in page(desk, "/customers/?q=dora+zimmer")
    assert zoe.addresses.count() == 1


def test_the_list_goes_on_by_names_without_repeating(db: None) -> None:
    Customer.objects.bulk_create(Customer(name=name) for name in ("b", "A", "a", "", "", "C", "c", "B"))
    seen: list[Customer] = []
    after = 0
    while True:
        rows, after = page_after(Customer.objects.all(), after, 3)
        seen += rows
        if not after:
            break
    assert [one.name.lower() for one in seen] == ["", "", "a", "a", "b", "b", "c", "c"]
    assert len({one.pk for one in seen}) == 8


def test_the_list_costs_the_same_for_many(desk: Client, mailbox: Mailbox, ann: Customer) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(desk, "/customers/")
        return len(queries)

    page(desk, "/customers/")
    few = cost()
    for n in range(30):
        customer_of(f"c{n}@other.example", f"Customer {n}")
    assert cost() == few <= 12


def test_who_wrote_to_another_team_is_seen_but_not_his_tickets(
    desk: Client, mailbox: Mailbox, ann: Customer, sales: Queue
) -> None:
    hidden = receive(mailbox, mail(subject="Price secret", to="sales@example.org", message_id="p@x.example", text="p"))
    private = receive(mailbox, mail(subject="Private secret", message_id="q@x.example", text="q"))
    Ticket.objects.filter(pk=private.pk).update(is_private=True)
    assert hidden.customer == ann
    html = page(desk, f"/customers/{ann.pk}/")
    assert "secret" not in html
    assert hidden.number not in html
    assert re.search(r"Tickets <small>1,\s+1 open</small>", html)
    assert re.search(r'class="n"[^>]*><span>1 ', page(desk, "/customers/?q=ann"))
    only = customer_of("only@sales.example", "Only Sales")
    Ticket.objects.filter(pk=hidden.pk).update(customer=only)
    html = page(desk, f"/customers/{only.pk}/")
    assert "No tickets that you may read" in html
    assert "secret" not in html
    assert "No tickets that you may read" in page(desk, f"/customers/{only.pk}/merge/?into={ann.pk}")


def test_the_card_is_changed_and_the_search_learns_the_new_name(desk: Client, ann: Customer) -> None:
    acme = Organisation.objects.create(name="Acme")
    values = {"name": "Ann Zebra", "company": "acme", "language": "de", "note": "Rings on Mondays."}
    assert desk.post(f"/customers/{ann.pk}/", values).status_code == 302
    ann.refresh_from_db()
    assert (ann.name, ann.organisation, ann.language, ann.note) == ("Ann Zebra", acme, "de", "Rings on Mondays.")
    while index_due("test:1:x"):
        pass
    assert len(find("zebra", by=None).hits) == 1


def test_an_unknown_organisation_is_not_made_by_a_slip_of_the_finger(desk: Client, ann: Customer) -> None:
    html = desk.post(f"/customers/{ann.pk}/", {"name": "Ann", "company": "Amce"}).text
    assert "no organisation “Amce”" in html
    ann.refresh_from_db()
    assert ann.name == "Ann Archer"


def test_addresses_are_added_taken_off_and_put_back(desk: Client, ann: Customer) -> None:
    desk.post(f"/customers/{ann.pk}/addresses/", {"address": "Ann@Home.example"})
    added = ann.addresses.get(email="ann@home.example")
    desk.post(f"/customers/{ann.pk}/addresses/removal/", {"address": added.pk})
    assert ann.addresses.count() == 1
    html = page(desk, f"/customers/{ann.pk}/")
    undo = re.search(r'action="(/customers/\d+/addresses/\?address=[^"]+)"', html)
    assert undo is not None
    desk.post(undo[1])
    assert ann.addresses.count() == 2
    desk.post(f"/customers/{ann.pk}/addresses/", {"address": "nobody"})
    assert "is not an e-mail address" in page(desk, f"/customers/{ann.pk}/")


def test_the_address_of_somebody_else_moves_only_after_a_question(desk: Client, ann: Customer) -> None:
    dora = customer_of("dora@other.example", "Dora")
    response = desk.post(f"/customers/{dora.pk}/addresses/", {"address": "ann@customer.example"})
    html = page(desk, response.headers["Location"])
    assert "ann@customer.example belongs to Ann Archer" in html
    assert ann.addresses.count() == 1
    desk.post(f"/customers/{dora.pk}/addresses/", {"address": "ann@customer.example", "moves": "1"})
    assert CustomerAddress.objects.get(email="ann@customer.example").customer == dora


def test_the_address_of_another_customer_cant_be_taken_off_here(desk: Client, ann: Customer) -> None:
    dora = customer_of("dora@other.example")
    address = ann.addresses.get()
    assert desk.post(f"/customers/{dora.pk}/addresses/removal/", {"address": address.pk}).status_code == 404
    assert ann.addresses.exists()


def test_a_new_customer_has_a_name_or_an_address(desk: Client, ann: Customer) -> None:
    assert "Give a name or an address" in desk.post("/customers/new/", {"name": " "}).text
    taken = desk.post("/customers/new/", {"name": "X", "address": "ann@customer.example"})
    assert taken.status_code == 422
    assert "belongs to Ann Archer" in taken.text
    assert not Customer.objects.filter(name="X").exists()
    response = desk.post("/customers/new/", {"name": "Dora", "address": "DORA@other.example"})
    dora = Customer.objects.get(name="Dora")
    assert response.headers["Location"] == f"/customers/{dora.pk}/"
    assert dora.addresses.get().email == "dora@other.example"


def test_a_merge_is_shown_with_numbers_before_it_happens_for_good(desk: Client, ann: Customer) -> None:
    dora = customer_of("dora@other.example", "Dora")
    html = page(desk, f"/customers/{ann.pk}/merge/?into=dora@other.example")
    assert "1 ticket that you may read" in html
    assert "This can't be undone" in html
    assert "also tickets in queues that you don't see" in html
    assert Customer.objects.count() == 2  # looking changes nothing
    response = desk.post(f"/customers/{ann.pk}/merge/", {"into": dora.pk})
    assert response.headers["Location"] == f"/customers/{dora.pk}/"
    assert list(Customer.objects.all()) == [dora]
    assert desk.get(f"/customers/{ann.pk}/").status_code == 404


@pytest.mark.parametrize(("into", "said"), [("x@y.example", "no customer “x@y.example”"), ("self", "with himself")])
def test_a_merge_into_nobody_or_himself_is_explained(desk: Client, ann: Customer, into: str, said: str) -> None:
    response = desk.post(f"/customers/{ann.pk}/merge/", {"into": str(ann.pk) if into == "self" else into})
    assert response.status_code == 422
    assert said in response.text
    assert Customer.objects.count() == 1


def test_the_page_of_a_customer_costs_the_same_for_many(desk: Client, mailbox: Mailbox, ann: Customer) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(desk, f"/customers/{ann.pk}/")
        return len(queries)

    page(desk, f"/customers/{ann.pk}/")
    few = cost()
    for n in range(8):
        receive(mailbox, mail(subject=f"Matter {n}", message_id=f"c{n}@x.example", text=str(n)))
    assert cost() <= few + 1 <= 18
