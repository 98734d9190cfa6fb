"""Words of encrypted mails don't get into clear columns, traces and mails by a side door: subjects and captures of filters."""

from collections.abc import Iterable
from typing import Any

import pytest

from postvak.models import CustomField, Mailbox, MailSecurity, Message, Options, OutgoingMail, Queue, Rule
from postvak.notify.automatic import write_due
from postvak.process.reopen import try_one
from postvak.send.outbox import raw_mail
from tests.keys.people import House, with_header
from tests.mails import mail
from tests.process.arrivals import condition, make_filter, receive, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("support")]
SECRET = "Pfauenauge"
INNER = "Dagpauwoog"
BODY = f'Content-Type: text/plain; hp="cipher"\r\nSubject: {INNER}\r\n\r\nOrder {SECRET} please.\r\n'.encode()
WHEN = [condition("body", "matches", "Order (?P<word>\\w+)")]


@pytest.fixture
def house(house_of_keys: House) -> House:
    house_of_keys.own_key()
    return house_of_keys


def secret_mail(house: House) -> bytes:
    return with_header(house.encrypted(BODY), subject="...")


def in_clear(rows: Iterable[Any]) -> str:
    return " ".join(str(vars(row)) for row in rows)


@pytest.mark.usefixtures("no_automatic_mail")
@pytest.mark.parametrize("keeps", [False, True])
def test_an_encrypted_subject_becomes_the_subject_of_nothing_that_leaves(
    mailbox: Mailbox, house: House, keeps: bool
) -> None:
    Queue.objects.update(keeps_decrypted=keeps)
    (receipt,) = receive(mailbox, secret_mail(house))
    message = Message.objects.get(pk=receipt.message_id)
    assert MailSecurity.objects.get(message=message).sealed_subject
    assert (message.subject, message.ticket.subject) == ("...", "...")
    assert (SECRET in message.text) == keeps


@pytest.mark.usefixtures("no_automatic_mail")
def test_nor_when_the_key_comes_later(mailbox: Mailbox, house_of_keys: House) -> None:
    Queue.objects.update(keeps_decrypted=True)
    (receipt,) = receive(mailbox, secret_mail(house_of_keys))
    house_of_keys.own_key()
    assert try_one(Message.objects.get(pk=receipt.message_id))
    message = Message.objects.get(pk=receipt.message_id)
    assert (message.subject, SECRET in message.text) == ("...", True)


@pytest.mark.usefixtures("no_automatic_mail")
def test_what_a_filter_captures_inside_is_neither_stored_nor_told(mailbox: Mailbox, house: House) -> None:
    CustomField.objects.create(key="order", label="Order")
    actions = [("title", "Order {word}"), ("note", "It is {word}."), ("field:order", "{word}"), ("add_tags", "{word}")]
    make_filter("Order", *actions, when=WHEN)
    make_filter("Ann", ("note", "By {who}"), when=[condition("from", "matches", "(?P<who>ann@)")])
    secret, plain = receive(mailbox, secret_mail(house), mail(subject="In clear", text="Order Zebra please."))
    assert secret.ticket
    assert plain.ticket
    assert secret.ticket.subject == "Order …"
    assert SECRET not in said(secret) + in_clear([secret.ticket, *secret.ticket.messages.all()])
    assert SECRET not in " ".join(secret.ticket.tags.values_list("name", flat=True))
    assert {"It is ….", "By ann@"} <= set(secret.ticket.messages.values_list("text", flat=True))
    assert plain.ticket.subject == "Order Zebra"


@pytest.mark.usefixtures("no_automatic_mail")
def test_where_everything_is_kept_captures_are_too_but_not_what_customers_read(mailbox: Mailbox, house: House) -> None:
    Queue.objects.update(keeps_decrypted=True)
    make_filter("Order", ("title", "Order {word}"), ("note", "It is {word}."), when=WHEN)
    (receipt,) = receive(mailbox, secret_mail(house))
    assert receipt.ticket
    assert receipt.ticket.subject == "Order …"
    assert receipt.ticket.messages.filter(text=f"It is {SECRET}.").exists()


def test_a_rejection_in_clear_says_nothing_that_was_captured(mailbox: Mailbox, house: House, channel: object) -> None:
    Rule.objects.exclude(key="rejected").update(is_on=False)
    Rule.objects.filter(key="rejected").update(is_on=True)
    Options.objects.update(automatic_unprotected="bare")
    Queue.objects.update(keeps_decrypted=True)
    make_filter("No", ("reject", "We take no {word}."), when=WHEN)
    receive(mailbox, secret_mail(house))
    while write_due("test:1:n"):
        pass
    raw = raw_mail(OutgoingMail.objects.get())
    assert SECRET.encode() not in raw
    assert b"We take no" in raw
    assert INNER.encode() not in raw
