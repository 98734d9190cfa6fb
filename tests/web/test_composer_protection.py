"""The composer's switches: what is usual, what is demanded, whose key is missing; and that the form says what is done."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from postvak.blobs import store
from postvak.crypto.key_files import read_keys
from postvak.keys.store import add
from postvak.mail.parse import parse
from postvak.models import Address, Agent, Channel, Draft, Mailbox, Message, OutgoingMail, Queue, Ticket
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.send.sealed import opened
from tests.keys.people import House, with_header
from tests.mails import mail
from tests.web.test_desk import page, receive

pytestmark = pytest.mark.django_db
ANN, AMY = "ann@customer.example", "amy@customer.example"


@pytest.fixture
def desk(client: Client, bob: Agent, mailbox: Mailbox, channel: Channel, no_automatic_mail: None) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def ticket(desk: Client, mailbox: Mailbox) -> Ticket:
    return receive(mailbox, mail())


@pytest.fixture
def keys(house_of_keys: House) -> None:
    add(read_keys(house_of_keys.ann.certificate.read_bytes()), source="uploaded", state="in_use")
    house_of_keys.own_key()


def switches(html: str) -> dict[str, str]:
    """Name -> on, off, always."""
    found = re.findall(r'<input class="switch"[^>]*name="(sign|encrypt)"([^>]*)data-guard>', html)
    return {name: "always" if "disabled" in more else "on" if "checked" in more else "off" for name, more in found}


def guards(desk: Client, ticket: Ticket, **typed: str) -> str:
    usual = {"sign_usual": "0", "encrypt_usual": "0"}
    answer = desk.post(
        "/recipients/protection/", {"ticket": ticket.number, "kind": "reply", "to": ANN, **usual, **typed}
    )
    return str(answer.content.decode())


def test_nobody_who_has_no_keys_sees_a_switch(desk: Client, ticket: Ticket) -> None:
    assert switches(page(desk, f"/tickets/{ticket.number}/?compose=reply")) == {}


def test_they_are_off_where_nothing_is_set_up(desk: Client, ticket: Ticket, keys: None) -> None:
    assert switches(page(desk, f"/tickets/{ticket.number}/?compose=reply")) == {"sign": "off", "encrypt": "off"}


def test_when_possible_they_follow_the_recipients(desk: Client, ticket: Ticket, keys: None) -> None:
    Queue.objects.update(sign="possible", encrypt="possible")
    assert switches(guards(desk, ticket)) == {"sign": "on", "encrypt": "on"}
    assert switches(guards(desk, ticket, to=f"{ANN}, {AMY}")) == {"sign": "on", "encrypt": "off"}


def test_what_is_demanded_is_locked_and_says_whose_key_is_missing(desk: Client, ticket: Ticket, keys: None) -> None:
    Address.objects.update(encrypt="always")
    shown = guards(desk, ticket, to=f"{ANN}, {AMY}")
    assert switches(shown)["encrypt"] == "always"
    assert f"There is no certificate or key of {AMY}." in shown
    assert f"{ANN} can read it (S/MIME)." in shown


def test_an_agent_is_not_sent_to_a_page_that_he_may_not_see(
    desk: Client, ticket: Ticket, keys: None, admin: Agent
) -> None:
    chosen = {"to": AMY, "encrypt": "1"}
    assert "/admin/keys/" not in guards(desk, ticket, **chosen)
    desk.force_login(admin)
    assert "/admin/keys/" in guards(desk, ticket, **chosen)


def test_a_refused_mail_comes_back_with_the_choice(desk: Client, ticket: Ticket, keys: None) -> None:
    form = {"to": AMY, "kind": "reply", "text": "Hello.", "encrypt": "1", "encrypt_usual": "0", "sign_usual": "0"}
    answer = desk.post(f"/tickets/{ticket.number}/answers/?in=open", form)
    assert answer.status_code == 422
    assert not OutgoingMail.objects.exists()
    html = answer.content.decode()
    assert f"There is no certificate or key of {AMY}." in html
    assert switches(html) == {"sign": "off", "encrypt": "on"}
    assert Draft.objects.get().encrypt is True


def test_what_is_switched_on_is_done(desk: Client, ticket: Ticket, keys: None) -> None:
    form = {"to": ANN, "kind": "reply", "text": "Hello.", "encrypt": "1", "encrypt_usual": "0", "sign_usual": "0"}
    assert desk.post(f"/tickets/{ticket.number}/answers/?in=open", form).status_code == 302
    protection = OutgoingMail.objects.get().protection
    assert protection is not None
    assert protection["encrypt"]
    assert protection["sign"] is None
    assert Message.objects.get(kind="outgoing").text == ""


@pytest.mark.parametrize("typed", ["\x00", "ann@\udcffx", "a@b.c\x00"])
def test_what_nobody_types_does_no_harm(desk: Client, ticket: Ticket, keys: None, typed: str) -> None:
    answer = desk.post(
        "/recipients/protection/",
        data=f"ticket={ticket.number}&to=%00%ff{typed!a}&encrypt=1&encrypt_usual=%00&address=%00",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200


def test_a_mail_that_may_be_anothers_is_quoted_only_by_who_ticks_it(
    desk: Client, mailbox: Mailbox, keys: None, house_of_keys: House
) -> None:
    """It is encrypted and nobody signed it: whoever caught it could send it again under his own name."""
    text = b"Content-Type: text/plain\r\n\r\nThe word is Lampion.\r\n"
    ticket = receive(mailbox, with_header(house_of_keys.encrypted(text)))
    url = f"/tickets/{ticket.number}/"
    html = page(desk, f"{url}?compose=reply")
    assert "Quote it all the same" in html
    assert "an answer doesn’t quote it by itself" in html
    assert 'value="quote_unproven" checked' not in html
    form = {"to": ANN, "kind": "reply", "quotes": "1", "encrypt": "1", "encrypt_usual": "1", "sign_usual": "0"}
    again = desk.post(f"{url}answers/?in=open", {**form, "despite": "quote_unproven", "text": ""}).content.decode()
    assert again.count('value="quote_unproven"') == 1  # the tick, and nothing hidden beside it
    assert 'value="quote_unproven" checked' in again
    for despite, is_quoted in (("", False), ("quote_unproven", True)):
        about = ticket.messages.order_by("pk")[0].pk
        desk.post(
            f"{url}answers/?in=open", {**form, "about": about, "despite": despite, "text": "Yes.", "once": despite}
        )
        raw = opened(store.get(str(OutgoingMail.objects.latest("pk").blob_id)))
        assert ("Lampion" in parse(raw).text) is is_quoted


def test_a_side_conversation_says_that_it_does_not_quote_such_a_mail_and_asks(
    desk: Client, mailbox: Mailbox, keys: None, house_of_keys: House
) -> None:
    """Ann is asked as a third party, and her answer is encrypted and nobody signed it."""
    ticket = receive(mailbox, mail(sender="Dee <dee@other.example>"))
    new = {"to": ANN, "subject": "A part", "text": "Have you got one?", "once": "a1"}
    desk.post(f"/tickets/{ticket.number}/side-conversations/new/", new)
    first = Message.objects.get(purpose="side")
    text = b"Content-Type: text/plain\r\n\r\nThe word is Lampion.\r\n"
    accept(
        mailbox, [Arrived("side/1", with_header(house_of_keys.encrypted(text), in_reply_to=f"<{first.message_id}>"))]
    )
    process_due("test:1:x")
    address = f"/tickets/{ticket.number}/side-conversations/{first.side_id}/"
    html = page(desk, address)
    assert "Quote it all the same" in html
    assert 'value="quote_unproven" checked' not in html
    form = {"to": ANN, "quotes": "1"}
    again = desk.post(address, {**form, "despite": "quote_unproven", "text": ""}).content.decode()
    assert again.count('value="quote_unproven"') == 1
    assert 'value="quote_unproven" checked' in again
    assert "Send all the same" not in again
    for despite, is_quoted in (("", False), ("quote_unproven", True)):
        desk.post(address, {**form, "despite": despite, "text": "Yes.", "once": f"b{despite}"})
        raw = opened(store.get(str(OutgoingMail.objects.latest("pk").blob_id)))
        assert ("Lampion" in parse(raw).text) is is_quoted
        OutgoingMail.objects.filter(pk=OutgoingMail.objects.latest("pk").pk).update(next_attempt_at=None)
        Message.objects.filter(purpose="side", kind="outgoing").exclude(pk=first.pk).update(
            taken_back_at=timezone.now()
        )
