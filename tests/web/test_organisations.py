"""The pages of organisations."""

import pytest
from django.test import Client

from postvak.models import Agent, Customer, Mailbox, Organisation, Queue
from postvak.tickets.first_mail import customer_of
from postvak.tickets.organisations import set_domains
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def acme(db: None) -> Organisation:
    organisation = Organisation.objects.create(name="Acme GmbH", number="K-7")
    set_domains(organisation, ["acme.example"])
    return organisation


@pytest.mark.parametrize("query", ["acm", "k-7", "acme.ex", "gmbh acme"])
def test_organisations_are_found_by_name_number_and_domain(desk: Client, acme: Organisation, query: str) -> None:
    Organisation.objects.create(name="Other")
    html = page(desk, f"/organisations/?q={query}")
    assert "Acme GmbH" in html
    assert ">Other<" not in html


def test_a_new_organisation_takes_in_the_customers_of_its_domains(desk: Client) -> None:
    dora = customer_of("dora@dunn.example", "Dora")
    values = {"name": "Dunn & Co", "number": "9", "domain_list": "Dunn.example\n@dunn.test", "takes_in": "on"}
    assert desk.post("/organisations/new/", values).status_code == 302
    dunn = Organisation.objects.get()
    assert set(dunn.domains.values_list("domain", flat=True)) == {"dunn.example", "dunn.test"}
    dora.refresh_from_db()
    assert dora.organisation == dunn
    html = page(desk, f"/organisations/{dunn.pk}/")
    assert "1 customer belongs here now" in html
    assert "dora@dunn.example" in html


def test_a_domain_of_another_organisation_is_refused_and_nothing_is_saved(desk: Client, acme: Organisation) -> None:
    response = desk.post("/organisations/new/", {"name": "Copy", "domain_list": "acme.example"})
    assert response.status_code == 422
    assert "acme.example belongs to Acme GmbH already" in response.text
    assert list(Organisation.objects.all()) == [acme]
    response = desk.post(f"/organisations/{acme.pk}/", {"name": "Acme", "domain_list": "no domain"})
    assert "is no domain" in response.text


def test_tickets_of_the_organisation_are_those_that_one_may_read(
    desk: Client, mailbox: Mailbox, acme: Organisation, sales: Queue
) -> None:
    seen = receive(mailbox, mail(sender="Ann <ann@acme.example>", subject="Visible"))
    receive(
        mailbox,
        mail(sender="Ann <ann@acme.example>", to="sales@example.org", subject="Secret", message_id="s@x.y", text="s"),
    )
    assert seen.customer is not None
    assert seen.customer.organisation == acme
    html = page(desk, f"/organisations/{acme.pk}/")
    assert "Visible" in html
    assert "Secret" not in html
    assert "Tickets <small>1</small>" in html


def test_organisations_merge_by_name(desk: Client, acme: Organisation) -> None:
    other = Organisation.objects.create(name="Acme AG")
    Customer.objects.create(name="Dora", organisation=acme)
    desk.post(f"/organisations/{acme.pk}/merge/", {"into": "Nobody"})
    assert "no other organisation “Nobody”" in page(desk, f"/organisations/{acme.pk}/")
    response = desk.post(f"/organisations/{acme.pk}/merge/", {"into": "acme ag"})
    assert response.headers["Location"] == f"/organisations/{other.pk}/"
    assert list(Organisation.objects.all()) == [other]
    assert other.customers.count() == 1


def test_names_are_offered_while_one_types(desk: Client, acme: Organisation) -> None:
    assert desk.get("/organisations/suggestions/?q=acm").json() == {
        "people": [{"email": "Acme GmbH", "name": "K-7", "why": ""}]
    }
    assert desk.get("/organisations/suggestions/?q=").json() == {"people": []}


def test_customers_of_one_organisation_are_listed(desk: Client, acme: Organisation) -> None:
    Customer.objects.create(name="Dora", organisation=acme)
    Customer.objects.create(name="Zoe")
    html = page(desk, f"/customers/?organisation={acme.pk}")
    assert "Dora" in html
    assert "Zoe" not in html
