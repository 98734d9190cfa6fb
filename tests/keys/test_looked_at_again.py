"""Mails that are read or looked at again after keys have gone or come back: nothing that was known is lost by it."""

import os
from base64 import b64encode

import pytest
from django.conf import settings

from postvak.blobs import store as blobs
from postvak.crypto.sealing import seal, seal_bytes
from postvak.keys.reading import CantRead, readable
from postvak.keys.security import protected_subject
from postvak.mail.parse import parse
from postvak.models import Blob, CryptoKey, Mailbox, MailSecurity, Message, Receipt
from postvak.process.reopen import try_one
from tests.keys.people import SECRET, House, with_header
from tests.process.arrivals import receive

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail", "support")]


@pytest.fixture
def message(mailbox: Mailbox, house_of_keys: House) -> Message:
    """Signed by Ann and encrypted to us; our key and the authority are here."""
    house_of_keys.trusted()
    house_of_keys.own_key()
    receipt: Receipt = receive(mailbox, with_header(house_of_keys.encrypted(house_of_keys.signed())))[0]
    return Message.objects.get(pk=receipt.message_id)


def spoil_the_view(message: Message) -> Blob:
    """What was kept of it is sealed with a key that is lost."""
    assert SECRET in parse(readable(message)).text
    made = blobs.prepare([seal_bytes(readable(message), (b64encode(os.urandom(32)),))])
    blobs.save(made)
    MailSecurity.objects.update(view=made[0])
    return made[0]


def fresh(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def test_what_was_kept_and_cant_be_unsealed_is_decrypted_once_more_and_kept_anew(message: Message) -> None:
    spoilt = spoil_the_view(message)
    assert SECRET in parse(readable(fresh(message))).text
    assert MailSecurity.objects.get().view_id not in (None, spoilt.pk)
    CryptoKey.objects.all().delete()
    assert SECRET in parse(readable(fresh(message))).text


def test_without_the_key_what_was_kept_stays_as_its_sealing_key_may_come_back(
    message: Message, house_of_keys: House
) -> None:
    spoilt = spoil_the_view(message)
    CryptoKey.objects.exclude(sealed_private="").delete()
    with pytest.raises(CantRead, match="sealed"):
        readable(fresh(message))
    assert MailSecurity.objects.get().view_id == spoilt.pk
    house_of_keys.own_key()
    assert SECRET in parse(readable(fresh(message))).text


def test_trying_again_without_the_key_takes_nothing_from_a_mail_that_was_opened(message: Message) -> None:
    readable(message)
    sealed = seal("The plan", settings.CONFIGURATION.sealing_keys)
    MailSecurity.objects.update(sealed_subject=sealed)
    before = MailSecurity.objects.values().get()
    CryptoKey.objects.exclude(sealed_private="").delete()
    assert try_one(fresh(message))
    assert MailSecurity.objects.values().get() == before
    assert SECRET in parse(readable(fresh(message))).text


def test_trying_again_with_the_key_keeps_the_protected_subject(message: Message) -> None:
    MailSecurity.objects.update(sealed_subject=seal("The plan", settings.CONFIGURATION.sealing_keys), verdict="")
    assert try_one(fresh(message))
    found = MailSecurity.objects.get()
    assert (found.verdict, protected_subject(found)) == ("good", "The plan")


def test_what_protects_a_mail_of_ours_is_not_judged_again(message: Message) -> None:
    Message.objects.update(kind="outgoing")
    MailSecurity.objects.update(signed="smime", verdict="", encrypted="", state="plain")
    before = MailSecurity.objects.values().get()
    assert try_one(fresh(message))
    assert MailSecurity.objects.values().get() == before
