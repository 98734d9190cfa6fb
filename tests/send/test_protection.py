"""Mails that must be signed or encrypted: what arrives is read by openssl, and nothing of it leaves, or lies here, in clear."""

import subprocess
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from postvak.blobs import store
from postvak.crypto.key_files import read_keys
from postvak.keys.reading import readable
from postvak.keys.store import add
from postvak.models import (
    Address,
    Blob,
    Channel,
    CommunicationEntry,
    CryptoKey,
    Delivery,
    MailSecurity,
    Message,
    OutgoingMail,
    Queue,
    Ticket,
)
from postvak.send import sealed
from postvak.send.by_hand import CannotCorrect, correct_recipient, retry_now
from postvak.send.protect import CannotBeProtected, policy_of
from postvak.send.protection import Protection
from postvak.tickets import drafts
from postvak.tickets.posting import Sending
from postvak.tickets.redirect import Redirect, redirect
from postvak.tickets.repeat import repeat
from postvak.tickets.sealed_drafts import words
from postvak.tickets.take_back import take_back
from tests.keys.people import House, Person
from tests.send.answering import AMY, ANN, Write, send_everything, states
from tests.servers.smtpd import SmtpServer

pytestmark = pytest.mark.django_db
SECRET = "Pfauenauge"
EVE = "eve@elsewhere.example"
SMIME = {"sign": "always", "encrypt": "always"}


@pytest.fixture(autouse=True)
def quiet(no_automatic_mail: None, smtp: Channel) -> None:
    """Nothing but the answers, to the scripted server."""


@pytest.fixture
def keys(house_of_keys: House) -> House:
    """Ann's and Eve's certificates are here, and Support's with its key."""
    add(read_keys(house_of_keys.ann.certificate.read_bytes()), source="uploaded", state="in_use")
    add(read_keys(house_of_keys.eve.certificate.read_bytes()), source="uploaded", state="in_use")
    house_of_keys.own_key()
    (house_of_keys.folder / "root.pem").write_bytes(house_of_keys.anchor)
    return house_of_keys


def demand(sign: str = "always", encrypt: str = "always") -> None:
    Address.objects.filter(email="support@example.org").update(sign=sign, encrypt=encrypt)


def opened(house: House, raw: bytes, by: Person) -> bytes:
    """As openssl decrypts and verifies it."""
    inner = house.openssl(raw, "-decrypt", "-recip", by.certificate, "-inkey", by.key)
    return house.openssl(inner, "-verify", "-CAfile", house.folder / "root.pem", "-purpose", "any")


def secrets_here() -> list[str]:
    """Where the secret word lies in the database."""
    blobs = [store.get(row.pk) for row in Blob.objects.all()]
    found = ["blob" for raw in blobs if SECRET.encode() in raw]
    found += ["message" for row in Message.objects.all() if SECRET in row.text or SECRET in row.subject]
    found += ["outgoing" for row in OutgoingMail.objects.all() if SECRET in str(row.before)]
    found += ["ticket" for row in Ticket.objects.all() if SECRET in row.preview]
    found += ["log" for row in CommunicationEntry.objects.all() if SECRET in str(row.__dict__)]
    return found


def test_openssl_decrypts_and_verifies_what_arrives(keys: House, write: Write, smtp_server: SmtpServer) -> None:
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.")
    send_everything()
    (arrived,) = smtp_server.mails
    assert states(outgoing) == {ANN: "accepted"}
    assert SECRET.encode() not in arrived.raw
    assert SECRET.encode() in opened(keys, arrived.raw, keys.ann)
    assert secrets_here() == []


def test_the_conversation_keeps_it_readable_and_says_how_it_went(keys: House, write: Write) -> None:
    demand()
    message = write(ANN, text=f"The word is {SECRET}.").message
    assert message is not None
    row = MailSecurity.objects.get(message=message)
    assert (row.state, row.encrypted, row.signed) == ("sealed", "smime", "smime")
    assert SECRET.encode() in readable(message)


def test_a_hidden_recipient_gets_a_copy_that_only_he_can_read(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand()
    write(ANN, text=f"The word is {SECRET}.", bcc=(EVE,))
    send_everything()
    by = {one.recipients: one.raw for one in smtp_server.mails}
    assert set(by) == {(ANN,), (EVE,)}
    assert SECRET.encode() in opened(keys, by[(ANN,)], keys.ann)
    assert SECRET.encode() in opened(keys, by[(EVE,)], keys.eve)
    for recipients, stranger in (((ANN,), keys.eve), ((EVE,), keys.ann)):
        with pytest.raises(subprocess.CalledProcessError):
            opened(keys, by[recipients], stranger)


def test_what_is_only_signed_stays_readable_and_untouched(keys: House, write: Write, smtp_server: SmtpServer) -> None:
    demand(encrypt="never")
    message = write(ANN, text=f"The word is {SECRET}.").message
    send_everything()
    verified = keys.openssl(smtp_server.mails[0].raw, "-verify", "-CAfile", keys.folder / "root.pem", "-purpose", "any")
    assert SECRET.encode() in verified
    assert message is not None
    assert SECRET in message.text


@pytest.mark.parametrize("recipients", [(AMY,), (ANN, AMY)])
def test_nothing_is_posted_to_somebody_without_a_key(keys: House, write: Write, recipients: tuple[str, ...]) -> None:
    demand()
    with pytest.raises(CannotBeProtected, match=AMY) as refusal:
        write(*recipients, text=SECRET)
    assert (refusal.value.field, refusal.value.missing) == ("encrypt", (AMY,))
    assert not OutgoingMail.objects.exists()
    assert secrets_here() == []


def test_when_possible_means_as_it_is_for_those_without_a_key(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand("possible", "possible")
    write(ANN, AMY, text="Hello both.")
    write(ANN, text=f"The word is {SECRET}.")
    send_everything()
    assert b"multipart/signed" in smtp_server.mails[0].raw
    assert b"Hello both." in smtp_server.mails[0].raw
    assert SECRET.encode() in opened(keys, smtp_server.mails[1].raw, keys.ann)


def test_an_agent_cannot_switch_off_what_is_demanded(keys: House, write: Write) -> None:
    demand()
    protection = write(ANN, text="Hello.", sign=False, encrypt=False).protection
    assert protection is not None
    assert protection["encrypt"]
    assert protection["sign"]


def test_an_agent_switches_on_what_is_usually_off(keys: House, write: Write) -> None:
    assert write(ANN, text="Hello.").protection is None
    protection = write(ANN, text="Hello.", encrypt=True).protection
    assert protection is not None
    assert protection["encrypt"]
    assert protection["sign"] is None


# -- what goes wrong between posting and handing over --------------------------------------


def gone(*_: object) -> None:
    CryptoKey.objects.filter(sealed_private="").delete()


def expired(*_: object) -> None:
    CryptoKey.objects.filter(sealed_private="").update(valid_to=timezone.now() - timedelta(seconds=1))


def revoked(*_: object) -> None:
    CryptoKey.objects.filter(sealed_private="").update(revoked_at=timezone.now())


def no_signer(*_: object) -> None:
    CryptoKey.objects.exclude(sealed_private="").delete()


def other_sealing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from cryptography.fernet import Fernet

    other = replace(settings.CONFIGURATION, sealing_keys=(Fernet.generate_key(),))
    monkeypatch.setattr(settings, "CONFIGURATION", other)


def raising(error: Exception) -> Callable[[pytest.MonkeyPatch], None]:
    def fails(raw: bytes, how: object) -> bytes:
        raise error

    return lambda monkeypatch: monkeypatch.setattr(sealed, "protect", fails)


def no_protection_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library gives back what it got, and says nothing."""
    monkeypatch.setattr(sealed, "protect", lambda raw, how: raw)


FAULTS = {
    "the recipient's key was deleted": (gone, "failed"),
    "the recipient's key expired": (expired, "failed"),
    "the recipient's key was revoked": (revoked, "failed"),
    "our key was deleted": (no_signer, "failed"),
    "the sealing key is another one": (other_sealing_key, "deferred"),
    "the library raises": (raising(RuntimeError(f"cannot encrypt {SECRET}")), "deferred"),
    "there is no memory left": (raising(MemoryError()), "deferred"),
    "the library does nothing": (no_protection_at_all, "failed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_leaves_in_clear_whatever_fails(
    keys: House, write: Write, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch, fault: str,
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.", bcc=(EVE,))
    break_it, state = FAULTS[fault]
    break_it(monkeypatch)
    send_everything()
    assert smtp_server.mails == []
    assert set(states(outgoing).values()) == {state}
    assert all("Not sent" in one.said for one in Delivery.objects.all())
    assert secrets_here() == []
    said = "".join(capfd.readouterr()) + caplog.text
    assert SECRET not in said


def test_a_mail_that_failed_for_a_missing_key_goes_out_when_it_is_there(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.")
    revoked()
    send_everything()
    assert states(outgoing) == {ANN: "failed"}
    CryptoKey.objects.update(revoked_at=None)
    retry_now(outgoing)
    send_everything()
    assert SECRET.encode() in opened(keys, smtp_server.mails[0].raw, keys.ann)


def test_one_whose_key_expired_gets_nothing_and_the_other_his_copy(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand()
    outgoing = write(ANN, EVE, text=f"The word is {SECRET}.")
    CryptoKey.objects.filter(names__value=EVE).update(valid_to=timezone.now() - timedelta(seconds=1))
    send_everything()
    assert states(outgoing) == {ANN: "accepted", EVE: "failed"}
    assert [one.recipients for one in smtp_server.mails] == [(ANN,)]


def test_a_second_copy_that_breaks_off_leaves_the_first_one_delivered(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.", bcc=(EVE,))
    smtp_server.behaviour.recipients = {EVE: "451 4.2.1 later"}  # type: ignore[misc]
    send_everything()
    assert states(outgoing) == {ANN: "accepted", EVE: "deferred"}


# -- every way a mail can go once more -------------------------------------------------------


def test_sending_again_keeps_it_encrypted_though_nothing_demands_it_any_more(
    keys: House, write: Write, smtp_server: SmtpServer
) -> None:
    demand()
    message = write(ANN, text=f"The word is {SECRET}.").message
    demand("", "")
    assert message is not None
    assert message.agent is not None
    repeat(Message.objects.get(pk=message.pk), (), Sending(), by=message.agent)
    with pytest.raises(CannotBeProtected):
        repeat(Message.objects.get(pk=message.pk), (AMY,), Sending(), by=message.agent)
    send_everything()
    assert len(smtp_server.mails) == 2
    for one in smtp_server.mails:
        assert SECRET.encode() in opened(keys, one.raw, keys.ann)
    assert secrets_here() == []


def test_a_mail_that_is_taken_back_comes_into_the_composer_again(keys: House, write: Write) -> None:
    demand()
    message = write(ANN, text=f"The word is {SECRET}.", undo=timedelta(minutes=1)).message
    assert message is not None
    assert message.agent is not None
    take_back(message.outgoing, by=message.agent)
    draft = drafts.from_taken_back(Message.objects.get(pk=message.pk), by=message.agent)
    assert draft is not None
    assert words(draft, "text") == f"The word is {SECRET}."


def test_a_redirected_mail_is_refused_where_encryption_is_demanded(keys: House, ticket: Ticket, bob: object) -> None:
    demand()
    about = ticket.messages.get()
    with pytest.raises(CannotBeProtected):
        redirect(ticket, Redirect(about=about, to=(EVE,)), by=bob)  # type: ignore[arg-type]


def test_a_provider_that_builds_mails_anew_is_refused_when_it_is_posted(
    keys: House, write: Write, smtp: Channel
) -> None:
    demand()
    Channel.objects.filter(pk=smtp.pk).update(kind="provider", provider="postmark")
    with pytest.raises(CannotBeProtected, match="builds each mail anew"):
        write(ANN, text=SECRET)


# -- what is set up ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queue", "address", "rule", "expected"),
    [("", "", "", "never"), ("always", "", "", "always"), ("always", "never", "", "never"), ("", "always", "possible", "possible")],
)  # fmt: skip
def test_the_narrowest_that_says_something_counts(
    support: Queue, queue: str, address: str, rule: str, expected: str
) -> None:
    from postvak.models import Rule

    support.encrypt = queue
    policy = policy_of(support, Address(encrypt=address), Rule(encrypt=rule))
    assert policy.encrypt == expected


def test_a_protection_is_read_as_it_was_written() -> None:
    value = Protection("pgp", 7, encrypt=True, hides_subject=True)
    assert Protection.read(value.as_json()) == value


def test_a_recipient_is_only_replaced_by_one_who_can_read_it(keys: House, write: Write) -> None:
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.")
    with pytest.raises(CannotCorrect, match=AMY):
        correct_recipient(outgoing.deliveries.get(), AMY)
    assert correct_recipient(outgoing.deliveries.get(), EVE).recipient == EVE


def test_the_copy_in_the_folder_is_encrypted_to_us(keys: House, write: Write) -> None:
    demand()
    outgoing = write(ANN, text=f"The word is {SECRET}.", bcc=(EVE,))
    copy = sealed.copy_of(outgoing, store.get(outgoing.blob_id))
    assert SECRET.encode() not in copy
    assert SECRET.encode() in opened(keys, copy, keys.support)
    CryptoKey.objects.filter(names__value="support@example.org").update(can_encrypt=False)
    assert SECRET.encode() in opened(keys, sealed.copy_of(outgoing, store.get(outgoing.blob_id)), keys.ann)
