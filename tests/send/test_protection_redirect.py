"""A redirected mail goes out as it came, so it must be by itself what mails from here must be."""

import pytest

from postvak.models import Agent, Channel, Encrypt, Mailbox, Queue, Sign
from postvak.send.protect import CannotBeProtected
from postvak.tickets.redirect import Redirect, redirect
from tests.keys.people import House, with_header
from tests.send.answering import AMY, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def may(
    house_of_keys: House, mailbox: Mailbox, support: Queue, bob: Agent, no_automatic_mail: None, smtp: Channel
) -> object:
    """may(raw, sign=…, encrypt=…): is the mail redirected?"""
    house_of_keys.own_key()

    def ask(entity: bytes, **policy: str) -> bool:
        Queue.objects.update(**{"sign": Sign.NO, "encrypt": Encrypt.NEVER, **policy})
        ticket = receive(mailbox, with_header(entity, message_id=f"<{hash((entity, *policy))}@x.example>")).ticket
        assert ticket is not None
        ticket.refresh_from_db()
        try:
            redirect(ticket, Redirect(about=ticket.messages.order_by("-pk")[0], to=[AMY]), by=bob)
        except CannotBeProtected:
            return False
        return True

    return ask


def test_a_mail_that_is_encrypted_in_part_is_not_encrypted(may: object, house_of_keys: House) -> None:
    assert callable(may)
    whole = house_of_keys.encrypted()
    parts = b"".join(b"--b9\r\n" + part + b"\r\n" for part in (b"Content-Type: text/plain\r\n\r\nIn clear\r\n", whole))
    mixed = b"Content-Type: multipart/mixed; boundary=b9\r\n\r\n" + parts + b"--b9--\r\n"
    assert may(whole, encrypt=Encrypt.ALWAYS)
    assert not may(mixed, encrypt=Encrypt.ALWAYS)
    assert may(mixed)


def test_where_mails_are_always_signed_none_is_redirected(may: object, house_of_keys: House) -> None:
    assert callable(may)
    assert not may(house_of_keys.encrypted(), sign=Sign.ALWAYS)
