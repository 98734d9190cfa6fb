"""Automatic mail about encrypted mails: encrypted, without what the customer wrote, or not sent, and the ticket says why."""

from typing import Any

import pytest
from django.utils import timezone

from postvak.blobs import store
from postvak.crypto.key_files import read_keys
from postvak.keys.reading import readable
from postvak.keys.store import add
from postvak.mail.parse import parse
from postvak.models import (
    Address,
    Agent,
    AutomaticMail,
    Mailbox,
    MailSecurity,
    Message,
    Options,
    OutgoingMail,
    Queue,
    Rule,
    RuleText,
)
from postvak.notify.automatic import write_due
from postvak.notify.letters import Letter, Original, write_letter
from postvak.notify.quoting import quotation_of
from postvak.send.outbox import raw_mail
from postvak.send.sealed import opened
from tests.keys.people import House, with_header
from tests.mails import mail
from tests.send.answering import receive

pytestmark = pytest.mark.django_db
SECRET = "Pfauenauge"
BODY = f"Content-Type: text/plain\r\n\r\nI know {SECRET}.\r\n".encode()


@pytest.fixture(autouse=True)
def confirms(channel: object, support: Queue, house_of_keys: House) -> Rule:
    """One rule, which quotes what the customer wrote; our own key is here."""
    Rule.objects.update(is_on=False)
    rule = Rule.objects.get(key="confirmation")
    rule.texts.all().delete()
    RuleText.objects.create(rule=rule, subject="Got it", html="<p>Thank you.</p><p>You wrote: {{ message.quote }}</p>")
    Rule.objects.filter(pk=rule.pk).update(is_on=True)
    house_of_keys.own_key()
    return rule


def secret_mail(mailbox: Mailbox, house: House, *, is_signed: bool = False) -> None:
    content = house.signed(BODY) if is_signed else BODY
    receive(mailbox, with_header(house.encrypted(content), message_id="<secret@customer.example>"))
    while write_due("test:1:n"):
        pass


def plain_mail(mailbox: Mailbox) -> None:
    receive(mailbox, mail(sender="Ann <ann@customer.example>", text=f"I know {SECRET}."))
    while write_due("test:1:n"):
        pass


def ann_has_a_key(house: House) -> None:
    add(read_keys(house.ann.certificate.read_bytes()), source="uploaded", state="in_use")


def outcome() -> tuple[str, str]:
    row = AutomaticMail.objects.get()
    return row.state, row.reason


def test_about_an_encrypted_mail_nothing_goes_out_to_whom_has_no_key(mailbox: Mailbox, house_of_keys: House) -> None:
    secret_mail(mailbox, house_of_keys)
    assert outcome() == ("skipped", "refused_unencrypted")
    assert AutomaticMail.objects.get().ticket.history.filter(code="refused_unencrypted").exists()
    assert not OutgoingMail.objects.exists()


def test_or_it_goes_without_what_was_written_where_that_is_set(mailbox: Mailbox, house_of_keys: House) -> None:
    Options.objects.update(automatic_unprotected="bare")
    Queue.objects.update(keeps_decrypted=True)
    secret_mail(mailbox, house_of_keys)
    outgoing = OutgoingMail.objects.get()
    assert outgoing.protection is None
    assert SECRET.encode() not in raw_mail(outgoing)
    assert b"Thank you." in raw_mail(outgoing)


def test_it_goes_encrypted_to_whom_has_a_key(mailbox: Mailbox, house_of_keys: House) -> None:
    ann_has_a_key(house_of_keys)
    secret_mail(mailbox, house_of_keys)
    outgoing = OutgoingMail.objects.get()
    assert outgoing.protection is not None
    assert outgoing.protection["encrypt"]
    assert outgoing.message is not None
    assert outgoing.message.text == ""
    assert b"Thank you." not in store.get(outgoing.blob_id)
    assert b"Thank you." in opened(store.get(outgoing.blob_id))


def test_where_encryption_is_demanded_it_holds_for_plain_mails_too(mailbox: Mailbox) -> None:
    Address.objects.update(encrypt="always")
    plain_mail(mailbox)
    assert outcome() == ("skipped", "refused_unencrypted")


def test_bare_means_bare_for_plain_mails_too(mailbox: Mailbox) -> None:
    Options.objects.update(automatic_unprotected="bare")
    Address.objects.update(encrypt="always")
    plain_mail(mailbox)
    assert SECRET.encode() not in raw_mail(OutgoingMail.objects.get())


def test_the_rule_has_the_last_word(mailbox: Mailbox, confirms: Rule) -> None:
    Address.objects.update(encrypt="always")
    Rule.objects.filter(pk=confirms.pk).update(encrypt="never")
    plain_mail(mailbox)
    assert SECRET.encode() in raw_mail(OutgoingMail.objects.get())


def test_what_must_be_signed_and_cannot_be_is_not_sent(mailbox: Mailbox) -> None:
    Address.objects.update(sign="always", email="other@example.org")
    Options.objects.update(automatic_unprotected="bare")
    plain_mail(mailbox)
    assert outcome() == ("skipped", "refused_unsigned")


def test_only_a_letter_that_goes_out_encrypted_quotes_an_encrypted_mail(
    mailbox: Mailbox, house_of_keys: House, bob: Agent
) -> None:
    """Whatever came in between: what was decided counts, not the newest mail at the time of writing."""
    Rule.objects.update(is_on=False)
    house_of_keys.trusted()
    secret_mail(mailbox, house_of_keys, is_signed=True)
    first = Message.objects.get(kind="incoming")
    raw = mail(sender="Bob <bob@example.org>", text="Yes.")
    receive(mailbox, raw)
    trigger = Message.objects.latest("pk")
    row = AutomaticMail(ticket=first.ticket, kind="relay", agent=bob, trigger=trigger, created_at=timezone.now())

    def letter(**more: bool) -> str:
        return write_letter(row, ["ann@customer.example"], Original(raw, parse(raw)), timezone.now(), **more).draft.text

    assert SECRET in letter(opens=True)
    assert SECRET not in letter(opens=False) + letter()
    MailSecurity.objects.update(verdict="")  # who wrote it isn't sure
    assert SECRET not in letter(opens=True)


def test_what_was_decided_about_a_letter_reaches_its_writer(
    mailbox: Mailbox, house_of_keys: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def noting(*arguments: Any, opens: bool) -> Letter:
        asked.append(opens)
        return write_letter(*arguments, opens=opens)

    monkeypatch.setattr("postvak.notify.automatic.write_letter", noting)
    plain_mail(mailbox)
    ann_has_a_key(house_of_keys)
    secret_mail(mailbox, house_of_keys)
    assert asked == [False, True]


def test_of_a_mail_that_is_encrypted_only_in_part_nothing_decrypted_is_quoted(
    mailbox: Mailbox, house_of_keys: House
) -> None:
    """Or whoever caught somebody else's mail would get it back, readable, with the answer to his own."""
    Rule.objects.update(is_on=False)
    parts = (house_of_keys.encrypted(BODY), b"Content-Type: text/plain\r\n\r\nPlease confirm 4711.\r\n")
    body = b"".join(b"--m\r\n" + part + b"\r\n" for part in parts) + b"--m--\r\n"
    entity = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + body
    receive(mailbox, with_header(entity, message_id="<part@customer.example>"))
    message = Message.objects.get(kind="incoming")
    assert SECRET in parse(readable(message)).text
    quoted = quotation_of(message, "en", domain="example.org", opens=True)
    assert (SECRET in quoted.text + quoted.html, "4711" in quoted.text) == (False, True)


@pytest.mark.parametrize("is_signed", [False, True])
def test_whoever_may_have_caught_the_mail_of_another_gets_nothing_of_it_back(
    mailbox: Mailbox, house_of_keys: House, is_signed: bool
) -> None:
    Queue.objects.update(keeps_decrypted=True)
    house_of_keys.trusted()
    ann_has_a_key(house_of_keys)
    secret_mail(mailbox, house_of_keys, is_signed=is_signed)
    outgoing = OutgoingMail.objects.get()
    assert outgoing.protection is not None
    assert outgoing.protection["encrypt"]
    text = parse(opened(store.get(outgoing.blob_id))).text
    assert ("Thank you." in text, SECRET in text) == (True, is_signed)
