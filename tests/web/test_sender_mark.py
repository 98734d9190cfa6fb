"""The mark beside the name of whoever wrote a mail: quiet where nothing is known, loud where something is wrong."""

import pytest
from django.test import Client

from postvak.models import Agent, Mailbox, MailSecurity, Message, Ticket
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(client: Client, bob: Agent, mailbox: Mailbox, channel: object) -> Ticket:
    client.force_login(bob)
    return receive(mailbox, mail())


def shown(client: Client, ticket: Ticket) -> str:
    return page(client, f"/tickets/{ticket.number}/")


def test_an_unverified_sender_is_told_without_words_in_the_way(client: Client, ticket: Ticket) -> None:
    html = shown(client, ticket)
    assert 'data-level="unverified"' in html
    assert '<span class="sr">Sender not verified</span>' in html
    assert "<p>Nothing proves who sent it, and nothing speaks against it.</p>" in html
    assert 'class="doubt"' not in html


@pytest.mark.parametrize(
    ("trust", "words", "reason"),
    [
        (
            {"level": "spoofed", "why": [["own_domain_spoofed", {"domain": "example.org"}]]},
            "Our own domain is forged",
            "It bears our own domain example.org, but nothing proves that it comes from us.",
        ),
        (
            {"level": "suspicious", "why": [["name_of_agent", {"name": "<b>Bob</b> 100%"}], ["no_such_code", {}]]},
            "Suspicious sender",
            "The name “&lt;b&gt;Bob&lt;/b&gt; 100%” is that of a colleague",
        ),
    ],
)
def test_what_is_wrong_stands_there_in_words(
    client: Client, ticket: Ticket, trust: object, words: str, reason: str
) -> None:
    Message.objects.update(trust=trust)
    html = shown(client, ticket)
    assert f"<span>{words}</span>" in html
    assert reason in html[html.index('class="doubt"') :]


def test_a_signature_that_is_good_by_now_counts(client: Client, ticket: Ticket) -> None:
    message = Message.objects.get()
    MailSecurity.objects.create(
        message=message, signed="smime", verdict="good", signer="ann@customer.example", looked_at=message.created_at
    )
    html = shown(client, ticket)
    assert 'data-level="signed"' in html
    assert "ann@customer.example signed it, and the signature is good." in html


def test_a_mail_that_nobody_looked_at_bears_no_mark(client: Client, ticket: Ticket) -> None:
    Message.objects.update(trust=None)
    assert 'popovertarget="sender-' not in shown(client, ticket)
