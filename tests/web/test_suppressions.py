"""The page of suppressed addresses: what happened, the ticket for those who may read it, and releasing."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.models import Agent, Channel, Delivery, History, Mailbox, Queue, Suppression, Ticket
from postvak.send.suppress import suppress_returned
from postvak.tickets.answer import Answer, answer
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
ANN = "ann@customer.example"


@pytest.fixture
def desk(client: Client, bob: Agent) -> Client:
    """Bob's browser."""
    client.force_login(bob)
    return client


@pytest.fixture
def returned(mailbox: Mailbox, support: Queue, bob: Agent, channel: Channel) -> Ticket:
    """Bob's answer to Ann came back."""
    ticket = receive(mailbox, mail())
    answer(ticket, Answer(to=(ANN,), text="Hello"), by=bob)
    Delivery.objects.update(state="failed", code=550, said="550 5.1.1 no such user")
    suppress_returned(timezone.now())
    return ticket


def suppress(address: str, said: str = "550 5.1.1 unknown", reason: str = "bounced") -> Suppression:
    return Suppression.objects.create(address=address, reason=reason, since=timezone.now(), said=said)


def addresses(html: str) -> list[str]:
    return re.findall(r'aria-label="Choose ([^"]+)"', html)


def test_the_list_says_what_happened_in_words_and_leads_to_the_ticket(desk: Client, returned: Ticket) -> None:
    suppress("amy@x.example", said="", reason="complained")
    html = page(desk, "/suppressions/")
    assert addresses(html) == ["amy@x.example", ANN], "the newest first"
    assert "550 5.1.1 no such user" in html
    assert "This address doesn&#39;t exist at the other server" in html
    assert "told the provider that our mail was unwanted" in html
    assert f'href="/tickets/{returned.number}/"' in html
    assert 'href="/suppressions/"' in page(desk, "/outbox/")


def test_an_agent_of_another_queue_sees_the_address_but_not_the_ticket(
    desk: Client, returned: Ticket, cas: Agent
) -> None:
    desk.force_login(cas)
    html = page(desk, "/suppressions/")
    assert addresses(html) == [ANN]
    assert returned.number not in html
    assert returned.subject not in html


def test_releasing_one_writes_it_on_the_ticket_of_the_mail_that_came_back(
    desk: Client, returned: Ticket, bob: Agent
) -> None:
    key = Suppression.objects.get().pk
    response = desk.post("/suppressions/releases/", {"address": key, "q": "ann"})
    assert response.headers["Location"] == "/suppressions/?q=ann"
    assert not Suppression.objects.exists()
    line = History.objects.get(ticket=returned, code="suppression_released")
    assert (line.agent, line.parameters) == (bob, {"to": ANN})
    assert "ann@customer.example gets mail again." in page(desk, "/suppressions/")


def test_several_are_released_at_once_also_without_a_ticket(desk: Client, returned: Ticket) -> None:
    kept, gone = suppress("kept@x.example"), suppress("gone@x.example")
    keys = [gone.pk, Suppression.objects.get(address=ANN).pk, 99999, "x"]
    desk.post("/suppressions/releases/", {"address": keys})
    assert list(Suppression.objects.all()) == [kept]
    html = page(desk, "/suppressions/")
    assert "2 addresses get mail again." in html
    assert History.objects.filter(code="suppression_released").count() == 1


def test_nothing_chosen_and_already_released_are_told_apart(desk: Client) -> None:
    desk.post("/suppressions/releases/", {})
    assert "Choose addresses first." in page(desk, "/suppressions/")
    desk.post("/suppressions/releases/", {"address": "12345"})
    assert "A colleague released them already." in page(desk, "/suppressions/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("AMY", ["amy@x.example"]),
        ("x.example", ["joe@x.example", "amy@x.example"]),
        ("amy@X.example ", ["amy@x.example"]),
        ("bücher.example", ["info@xn--bcher-kva.example"]),
        ("mailbox full", ["joe@x.example"]),
        ("%", []),
    ],
)
def test_search_finds_parts_of_addresses_and_of_what_the_server_said(
    desk: Client, query: str, found: list[str]
) -> None:
    suppress("amy@x.example")
    suppress("info@xn--bcher-kva.example")
    suppress("joe@x.example", said="552 5.2.2 Mailbox full")
    assert addresses(page(desk, "/suppressions/?" + "q=" + query.replace("%", "%25").replace("\0", "%00"))) == found


def test_what_no_database_can_hold_is_not_searched_for(desk: Client) -> None:
    suppress("amy@x.example")
    assert addresses(page(desk, "/suppressions/?q=%00amy%00")) == ["amy@x.example"]
    assert desk.get("/suppressions/?before=x&q=%ED%A0%80").status_code == 200


def test_an_empty_list_says_so_and_a_search_without_hits_too(desk: Client) -> None:
    assert "No address is suppressed" in page(desk, "/suppressions/")
    assert "Nothing in this list has “joe” in it." in page(desk, "/suppressions/?q=joe")


def test_ten_thousand_addresses_are_pages_of_few_queries(desk: Client, returned: Ticket) -> None:
    delivery, now = Delivery.objects.get(), timezone.now()
    Suppression.objects.bulk_create(
        Suppression(address=f"a{number:05}@x.example", reason="bounced", since=now, said="550", delivery=delivery)
        for number in range(10_000)
    )
    page(desk, "/suppressions/")
    with CaptureQueriesContext(connection) as few:
        html = page(desk, "/suppressions/")
    assert addresses(html) == [f"a{number:05}@x.example" for number in range(9999, 9949, -1)]
    assert "10,001 addresses" in html
    assert len([one for one in few.captured_queries if "suppression" in one["sql"]]) <= 2
    seen = 50
    while older := re.search(r'rel="next" href="(\?[^"]+)"', html):
        html = page(desk, f"/suppressions/{older[1].replace('&amp;', '&')}")
        seen += len(addresses(html))
        if seen == 200:  # the last page at once
            html = page(desk, f"/suppressions/?before={Suppression.objects.order_by('pk')[60].pk}")
            seen += len(addresses(html))
    assert seen == 260
    assert ANN in html
