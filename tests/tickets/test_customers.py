"""Who a ticket is for, who takes part, and customers who are one person."""

import pytest
from django.apps import apps

from postvak.models import (
    Agent,
    Customer,
    CustomerAddress,
    Membership,
    Message,
    Organisation,
    Participant,
    Queue,
    SearchAgain,
    Ticket,
)
from postvak.tickets.customers import (
    CannotChange,
    add_address,
    merge_customers,
    remove_address,
    set_customer,
)
from postvak.tickets.first_mail import customer_of
from postvak.tickets.organisations import merge_organisations, set_domains, take_in
from postvak.tickets.participants import (
    CannotTakePart,
    add_participant,
    person_of,
    remove_participant,
    set_follower,
)
from postvak.tickets.search.find import find
from postvak.tickets.search.index import index_due
from tests.tickets.conftest import Receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(receive: Receive) -> Ticket:
    return receive()


@pytest.fixture
def ann(ticket: Ticket) -> Customer:
    assert ticket.customer is not None
    return ticket.customer


@pytest.fixture
def dora(db: None) -> Customer:
    return customer_of("dora@other.example", "Dora Dunn")


def last_line(ticket: Ticket) -> tuple[str, dict[str, object]]:
    line = ticket.history.order_by("pk").last()
    assert line is not None
    return line.code, line.parameters


def takes_part(ticket: Ticket) -> set[str]:
    return {row.customer.name for row in ticket.participants.select_related("customer")}


# -- the customer of a ticket ----------------------------------------------------------------------------


def test_another_customer_leaves_messages_with_their_authors_and_the_old_one_as_participant(
    ticket: Ticket, ann: Customer, dora: Customer, bob: Agent
) -> None:
    set_customer(ticket, dora, by=bob)
    ticket.refresh_from_db()
    assert ticket.customer == dora
    assert ticket.messages.get().customer == ann
    assert takes_part(ticket) == {"Ann Archer"}
    assert last_line(ticket) == ("customer", {"old": "Ann Archer", "new": "Dora Dunn"})


def test_a_participant_who_becomes_the_customer_takes_part_only_once(
    ticket: Ticket, ann: Customer, dora: Customer, bob: Agent
) -> None:
    add_participant(ticket, dora, by=bob)
    set_customer(ticket, dora, by=bob)
    assert takes_part(ticket) == {"Ann Archer"}
    ticket.refresh_from_db()
    set_customer(ticket, ann, by=bob, old_stays=False)
    assert takes_part(ticket) == set()


def test_the_ticket_belongs_to_the_new_customers_organisation(ticket: Ticket, dora: Customer, bob: Agent) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(organisation=Organisation.objects.create(name="Acme"))
    set_customer(ticket, dora, by=bob)
    ticket.refresh_from_db()
    assert ticket.organisation is None


def test_the_search_finds_the_ticket_by_its_new_customer(ticket: Ticket, dora: Customer, bob: Agent) -> None:
    index_due("test:1:x")
    assert not find("Dunn", by=None).hits
    set_customer(ticket, dora, by=bob)
    index_due("test:1:x")
    assert [hit.ticket for hit in find("Dunn", by=None).hits] == [ticket]


def test_the_same_customer_again_writes_nothing(ticket: Ticket, ann: Customer, bob: Agent) -> None:
    before = ticket.history.count()
    set_customer(ticket, ann, by=bob)
    assert ticket.history.count() == before


# -- participants and followers ----------------------------------------------------------------------------


def test_a_participant_comes_and_goes_with_a_line_of_history(ticket: Ticket, dora: Customer, bob: Agent) -> None:
    add_participant(ticket, dora, by=bob)
    assert last_line(ticket) == ("participant_added", {"name": "Dora Dunn"})
    with pytest.raises(CannotTakePart, match="already"):
        add_participant(ticket, dora, by=bob)
    assert remove_participant(ticket, dora, by=bob)
    assert last_line(ticket) == ("participant_removed", {"name": "Dora Dunn"})
    assert not remove_participant(ticket, dora, by=bob)


def test_the_customer_himself_is_no_participant(ticket: Ticket, ann: Customer, bob: Agent) -> None:
    with pytest.raises(CannotTakePart, match="already"):
        add_participant(ticket, ann, by=bob)


@pytest.mark.parametrize(("typed", "said"), [("nobody", "not an e-mail"), ("Support@example.org", "address of ours")])
def test_what_is_no_outside_address_takes_no_part(support: Queue, typed: str, said: str) -> None:
    with pytest.raises(CannotTakePart, match=said):
        person_of(typed)
    assert not Customer.objects.exists()


def test_an_unknown_address_makes_a_customer_of_its_organisation(db: None) -> None:
    acme = Organisation.objects.create(name="Acme")
    set_domains(acme, ["acme.example"])
    person = person_of(" Zoe@Acme.example ", "Zoe Zimmer")
    assert (person.name, person.organisation) == ("Zoe Zimmer", acme)
    assert person_of("zoe@acme.example") == person


def test_nobody_is_made_a_follower_of_what_he_may_not_read(ticket: Ticket, bob: Agent, cas: Agent) -> None:
    with pytest.raises(CannotTakePart, match="may not read"):
        set_follower(ticket, cas, True, by=bob)
    set_follower(ticket, bob, True, by=bob)
    assert list(ticket.followers.all()) == [bob]
    ticket.is_private = True
    eve = Agent.objects.create_user("eve@example.org", "correct horse battery", name="Eve")
    Membership.objects.create(queue=ticket.queue, agent=eve)
    with pytest.raises(CannotTakePart):
        set_follower(ticket, eve, True, by=bob)
    set_follower(ticket, bob, False, by=bob)  # who may not read it any more can still be let go
    assert not ticket.followers.exists()


# -- addresses ----------------------------------------------------------------------------


def test_an_address_belongs_to_one_customer(ann: Customer, dora: Customer) -> None:
    add_address(dora, "Dora@HOME.example")
    assert dora.addresses.filter(email="dora@home.example").exists()
    with pytest.raises(CannotChange, match="belongs to Ann") as refused:
        add_address(dora, "ann@customer.example")
    assert refused.value.owner == ann
    add_address(dora, "ann@customer.example", moves=True)
    assert CustomerAddress.objects.get(email="ann@customer.example").customer == dora


@pytest.mark.parametrize(
    ("typed", "said"),
    [("x", "not an e-mail"), ("support@example.org", "of ours"), ("dora@other.example", "there already")],
)
def test_what_cant_be_added_says_why(support: Queue, dora: Customer, typed: str, said: str) -> None:
    with pytest.raises(CannotChange, match=said):
        add_address(dora, typed)


def test_after_an_address_is_taken_off_its_writer_is_somebody_new(receive: Receive, ann: Customer) -> None:
    remove_address(ann.addresses.get())
    later = receive(subject="Another matter")
    assert later.customer != ann
    assert ann.tickets.count() == 1


# -- merging ----------------------------------------------------------------------------


def test_merged_customers_are_one_with_everything(receive: Receive, ticket: Ticket, ann: Customer, bob: Agent) -> None:
    other = receive(sender="Ann A. <ann@home.example>", subject="From home", message_id="home@x.example")
    home = other.customer
    assert home is not None
    Customer.objects.filter(pk=home.pk).update(language="nl", note="Rings on Mondays.")
    Customer.objects.filter(pk=ann.pk).update(note="Likes lamps.")
    assert merge_customers(home, ann, by=bob) == 1
    other.refresh_from_db()
    ann.refresh_from_db()
    assert other.customer == ann
    assert other.messages.get().customer == ann
    assert {one.email for one in ann.addresses.all()} == {"ann@customer.example", "ann@home.example"}
    assert (ann.name, ann.language, ann.note) == ("Ann Archer", "nl", "Likes lamps.\n\nRings on Mondays.")
    assert not Customer.objects.filter(pk=home.pk).exists()
    assert last_line(other) == ("customers_merged", {"old": "Ann A.", "new": "Ann Archer"})
    assert last_line(ticket)[0] == "new_ticket"
    assert SearchAgain.objects.filter(message__ticket=other).exists()


def test_who_was_merged_takes_part_once_and_never_in_what_he_asked(
    receive: Receive, ticket: Ticket, ann: Customer, dora: Customer, bob: Agent
) -> None:
    both = receive(sender="Cleo <cleo@c.example>", subject="Cleo's", message_id="c@c.example")
    add_participant(both, ann, by=bob)
    add_participant(both, dora, by=bob)
    add_participant(ticket, dora, by=bob)  # on Ann's own ticket
    hers = receive(sender="Emil <emil@e.example>", subject="Emil's", message_id="e@e.example")
    add_participant(hers, dora, by=bob)
    merge_customers(dora, ann, by=bob)
    there = set(Participant.objects.values_list("ticket", "customer"))
    assert there == {(both.pk, ann.pk), (hers.pk, ann.pk)}


def test_a_merged_customers_tickets_keep_the_organisation_that_they_belonged_to(
    ticket: Ticket, ann: Customer, dora: Customer, bob: Agent
) -> None:
    acme, other = Organisation.objects.create(name="Acme"), Organisation.objects.create(name="Other")
    Customer.objects.filter(pk=ann.pk).update(organisation=acme)
    Customer.objects.filter(pk=dora.pk).update(organisation=other)
    merge_customers(ann, dora, by=bob)
    ticket.refresh_from_db()
    assert (ticket.customer, ticket.organisation) == (dora, acme)


def test_nothing_that_points_to_a_customer_is_forgotten_by_the_merge() -> None:
    found = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model is Customer
    }
    assert found == {
        (Ticket, "customer"),
        (Message, "customer"),
        (Participant, "customer"),
        (CustomerAddress, "customer"),
    }


def test_a_customer_isnt_merged_with_himself(ann: Customer, bob: Agent) -> None:
    with pytest.raises(CannotChange, match="himself"):
        merge_customers(ann, ann, by=bob)


# -- organisations ----------------------------------------------------------------------------


def test_a_domain_belongs_to_one_organisation(db: None) -> None:
    acme, other = Organisation.objects.create(name="Acme"), Organisation.objects.create(name="Other")
    set_domains(acme, ["ACME.example", "@acme.example", "bücher.example"])
    assert set(acme.domains.values_list("domain", flat=True)) == {"acme.example", "xn--bcher-kva.example"}
    with pytest.raises(CannotChange, match="belongs to Acme"):
        set_domains(other, ["other.example", "acme.example"])
    assert not other.domains.exists()
    with pytest.raises(CannotChange, match="no domain"):
        set_domains(other, ["nothing"])
    set_domains(acme, [])
    assert not acme.domains.exists()


def test_customers_without_an_organisation_are_taken_in_by_their_domain(dora: Customer, ann: Customer) -> None:
    acme = Organisation.objects.create(name="Acme")
    Customer.objects.filter(pk=ann.pk).update(organisation=Organisation.objects.create(name="Hers"))
    set_domains(acme, ["other.example", "customer.example"])
    assert take_in(acme) == 1
    dora.refresh_from_db()
    assert dora.organisation == acme


def test_merged_organisations_are_one_with_customers_domains_and_tickets(
    ticket: Ticket, dora: Customer, bob: Agent
) -> None:
    acme, other = Organisation.objects.create(name="Acme", number="7"), Organisation.objects.create(name="Other")
    set_domains(acme, ["acme.example"])
    Customer.objects.filter(pk=dora.pk).update(organisation=acme)
    Ticket.objects.filter(pk=ticket.pk).update(organisation=acme)
    assert merge_organisations(acme, other) == 1
    other.refresh_from_db()
    ticket.refresh_from_db()
    assert (other.number, ticket.organisation, other.domains.get().domain) == ("7", other, "acme.example")
    assert list(Organisation.objects.all()) == [other]
