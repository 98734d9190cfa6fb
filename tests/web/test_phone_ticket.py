"""The page for a ticket by phone."""

import pytest
from django.test import Client

from postvak.mail.parse import parse
from postvak.models import Agent, Channel, Customer, OutgoingMail, Queue, Rule, Ticket
from postvak.notify.automatic import write_due
from postvak.send.outbox import raw_mail
from postvak.tickets.aftermath import follow_changes
from postvak.tickets.first_mail import customer_of
from tests.web.test_desk import page

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, bob: Agent, channel: Channel) -> Client:
    client.force_login(bob)
    return client


def form(support: Queue, **other: object) -> dict[str, object]:
    usual = {"subject": "Lamp", "text": "It flickers.", "status": "open", "agent": "", "words": "said"}
    return {"queue": support.pk, "address": "dora@other.example", "name": "Dora Dunn", **usual, **other}


def test_a_call_becomes_a_ticket_and_no_mail(desk: Client, support: Queue, bob: Agent) -> None:
    response = desk.post("/new/ticket/", form(support, agent=bob.pk))
    ticket = Ticket.objects.get()
    assert response.headers["Location"] == f"/tickets/{ticket.number}/"
    assert ticket.customer is not None
    assert (ticket.customer.name, ticket.assignee, ticket.queue) == ("Dora Dunn", bob, support)
    assert not OutgoingMail.objects.exists()


def test_a_known_caller_keeps_his_name(desk: Client, support: Queue) -> None:
    dora = customer_of("dora@other.example", "Dora Dunn")
    desk.post("/new/ticket/", form(support, address="DORA@other.example", name="Doris"))
    assert Ticket.objects.get().customer == dora
    assert list(Customer.objects.values_list("name", flat=True)) == ["Dora Dunn"]


def test_who_gives_no_address_has_a_name_at_least(desk: Client, support: Queue) -> None:
    refused = desk.post("/new/ticket/", form(support, address="", name=""))
    assert refused.status_code == 422
    assert "Say who rang" in refused.text
    desk.post("/new/ticket/", form(support, address="", name="Mr Anon"))
    customer = Ticket.objects.get().customer
    assert customer is not None
    assert (customer.name, customer.addresses.count()) == ("Mr Anon", 0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"subject": ""}, "Give the ticket a subject"),
        ({"text": " "}, "Write down what"),
        ({"address": "nobody"}, "is not an e-mail address"),
        ({"address": "support@example.org"}, "is an address of ours"),
        ({"status": "trash"}, "Choose a status"),
        ({"queue": "0"}, "Choose the queue"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    desk: Client, support: Queue, wrong: dict[str, str], said: str
) -> None:
    response = desk.post("/new/ticket/", form(support, **{"name": "Dora Dunn", **wrong}))
    assert response.status_code == 422
    assert said in response.text
    assert 'value="Dora Dunn"' in response.text
    assert not Ticket.objects.exists()
    assert not Customer.objects.exists()  # a customer is made only with his ticket


def test_no_call_goes_into_a_queue_that_the_agent_does_not_see(desk: Client, support: Queue, sales: Queue) -> None:
    response = desk.post("/new/ticket/", form(sales))
    assert response.status_code == 422
    assert not Ticket.objects.exists()
    assert "Sales" not in page(desk, "/new/ticket/")


def test_the_form_is_filled_in_for_the_customer_that_it_was_opened_from(desk: Client, support: Queue) -> None:
    dora = customer_of("dora@other.example", "Dora Dunn")
    html = page(desk, f"/new/ticket/?customer={dora.pk}")
    assert 'value="dora@other.example"' in html
    nameless = Customer.objects.create(name="Mr Anon")
    desk.post("/new/ticket/", form(support, customer=nameless.pk, address="", name="Mr Anon"))
    assert Ticket.objects.get().customer == nameless


def test_the_answer_to_a_call_begins_with_the_callers_address(desk: Client, support: Queue) -> None:
    desk.post("/new/ticket/", form(support))
    ticket = Ticket.objects.get()
    html = page(desk, f"/tickets/{ticket.number}/?compose=reply")
    assert 'name="to" value="dora@other.example"' in html


def test_the_words_of_the_caller_show_whose_they_are(desk: Client, support: Queue) -> None:
    desk.post("/new/ticket/", form(support))
    html = page(desk, f"/tickets/{Ticket.objects.get().number}/")
    assert "It flickers." in html
    assert "<b>Dora Dunn</b>" in html
    assert "By phone" in html


# ---- confirmed by mail ------------------------------------------------------------


def outbox() -> list[tuple[str, str]]:
    while write_due("test:1:x"):
        pass
    mails = [parse(raw_mail(one)) for one in OutgoingMail.objects.all()]
    return [(one.to[0].email, one.text) for one in mails]


def test_a_call_is_confirmed_by_mail_when_the_agent_ticks_it(desk: Client, support: Queue) -> None:
    assert "Confirm by mail" in page(desk, "/new/ticket/")
    desk.post("/new/ticket/", form(support, confirms="yes"))
    ticket = Ticket.objects.get()
    assert "is confirmed by mail" in page(desk, f"/tickets/{ticket.number}/")
    while follow_changes("test:1:x"):
        pass
    ((to, text),) = outbox()
    assert to == "dora@other.example"
    assert ticket.number in text
    assert "It flickers." not in text


def test_not_without_an_address_and_not_where_no_rule_confirms(desk: Client, support: Queue) -> None:
    refused = desk.post("/new/ticket/", form(support, address="", name="Mr Anon", confirms="yes"))
    assert (refused.status_code, Ticket.objects.count()) == (422, 0)
    assert "Without an address nothing can be confirmed" in refused.text
    Rule.objects.update(is_on=False)
    assert "Confirm by mail" not in page(desk, "/new/ticket/")
    desk.post("/new/ticket/", form(support, confirms="yes"))
    assert outbox() == []


def test_fixed_addresses_of_a_rule_hear_of_a_call_once_whether_it_is_confirmed_or_not(
    desk: Client, support: Queue
) -> None:
    Rule.objects.filter(key="confirmation").update(recipients=["requester", "address:boss@corp.example"])
    desk.post("/new/ticket/", form(support, confirms="yes"))
    while follow_changes("test:1:x"):
        pass
    assert sorted(to for to, _text in outbox()) == ["boss@corp.example", "dora@other.example"]
