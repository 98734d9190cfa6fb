"""A NUL in what a browser sends, which PostgreSQL can't store or compare, is never an error page."""

import pytest
from django.test import Client

from postvak.models import Agent, Channel, Mailbox, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from tests.mails import mail

pytestmark = pytest.mark.django_db
NUL = "\x00"


@pytest.fixture
def ticket(mailbox: Mailbox, channel: Channel) -> Ticket:
    accept(mailbox, [Arrived("1", mail())])
    process_due("test")
    return Ticket.objects.get()


@pytest.mark.parametrize(
    "path", ["/recipients/?q=a%00b", "/recipients/?q=a&ticket=%00", "/templates/?q=%00", "/search/?q=a%00b"]
)
def test_asking_with_a_nul_is_answered(client: Client, admin: Agent, path: str) -> None:
    client.force_login(admin)
    assert client.get(path).status_code in {200, 404}


@pytest.mark.parametrize("path", ["/recipients/hints/", "/drafts/", "/compose/preview/"])
@pytest.mark.parametrize(
    "field", ["ticket", "to", "subject", "text", "html", "known", "about", "address", "kind", "draft"]
)
def test_writing_with_a_nul_is_answered(client: Client, admin: Agent, ticket: Ticket, path: str, field: str) -> None:
    client.force_login(admin)
    data = {"ticket": str(ticket.number), "kind": "reply", "to": "ann@customer.example", "text": "x", field: f"a{NUL}b"}
    assert client.post(path, data).status_code < 500
