"""Signed and encrypted mail comes in: it is opened for those who may read it, and nothing of it lies about readable."""

import re
import shutil
import subprocess
from base64 import encodebytes
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from postvak.crypto.key_files import read_keys
from postvak.jobs.run import work_due
from postvak.keys import store
from postvak.keys.again import enqueue_again, waiting
from postvak.keys.reading import CantRead, readable
from postvak.mail.parse import parse
from postvak.models import Agent, CryptoKey, Mailbox, MailSecurity, Message, Options, Queue, Receipt
from postvak.process.reopen import try_again, try_one
from postvak.process.run import explain
from tests.keys.people import SECRET, TEXT, House, with_header
from tests.mails import mail
from tests.process.arrivals import codes, condition, make_filter, receive, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_automatic_mail", "support")]


def security(receipt: Receipt) -> MailSecurity:
    return MailSecurity.objects.get(message=receipt.message)


def message_of(receipt: Receipt) -> Message:
    return Message.objects.get(pk=receipt.message_id)


@pytest.fixture
def house(house_of_keys: House) -> House:
    return house_of_keys


@pytest.fixture
def home(house: House) -> House:
    """Our key and the authority are here."""
    house.trusted()
    house.own_key()
    return house


def test_an_encrypted_mail_is_read_but_nothing_of_it_is_stored(mailbox: Mailbox, home: House) -> None:
    (receipt,) = receive(mailbox, with_header(home.encrypted(home.signed())))
    message, found = message_of(receipt), security(receipt)
    assert (message.text, message.has_html, message.attachments.count(), message.ticket.preview) == ("", False, 0, "")
    assert (found.encrypted, found.state, found.verdict, found.signer) == (
        "smime",
        "open",
        "good",
        "ann@customer.example",
    )
    assert {"mail_opened", "signature_good"} <= set(codes(receipt))
    assert SECRET not in said(receipt)
    inside = parse(readable(message))
    assert SECRET in inside.text
    assert [one.name for one in inside.attachments] == ["plan.txt"]


def test_it_is_decrypted_once_and_then_kept_sealed(mailbox: Mailbox, home: House) -> None:
    (receipt,) = receive(mailbox, with_header(home.encrypted()))
    first = readable(message_of(receipt))
    CryptoKey.objects.all().delete()
    assert readable(message_of(receipt)) == first
    assert SECRET.encode() not in bytes(MailSecurity.objects.get().view.content)  # type: ignore[union-attr]


def test_without_the_key_the_mail_waits_on_its_ticket_and_can_be_tried_again(mailbox: Mailbox, house: House) -> None:
    house.trusted()
    (receipt,) = receive(mailbox, with_header(house.encrypted(house.signed())))
    assert (receipt.outcome, security(receipt).state) == ("new_ticket", "no_key")
    assert security(receipt).missing
    with pytest.raises(CantRead, match="no_key"):
        readable(message_of(receipt))
    assert not try_one(message_of(receipt))
    house.own_key()
    assert enqueue_again() is not None
    assert work_due("test:1:x", {"open_mails": try_again})
    assert (security(receipt).state, security(receipt).verdict) == ("open", "good")
    assert not waiting().exists()
    assert enqueue_again() is None
    assert SECRET in parse(readable(message_of(receipt))).text
    assert message_of(receipt).text == ""
    assert "mail_opened_later" in codes(Receipt.objects.get(pk=receipt.pk))


def test_a_queue_that_keeps_decrypted_mail_stores_what_it_says(mailbox: Mailbox, home: House, support: Queue) -> None:
    Queue.objects.filter(pk=support.pk).update(keeps_decrypted=True)
    (receipt,) = receive(mailbox, with_header(home.encrypted()))
    message = message_of(receipt)
    assert SECRET in message.text
    assert SECRET in message.ticket.preview
    assert [one.name for one in message.attachments.all()] == ["plan.txt"]


def test_a_key_that_comes_later_fills_in_what_such_a_queue_keeps(
    mailbox: Mailbox, house: House, support: Queue
) -> None:
    Queue.objects.filter(pk=support.pk).update(keeps_decrypted=True)
    (receipt,) = receive(mailbox, with_header(house.encrypted()))
    assert message_of(receipt).text == ""
    house.own_key()
    assert try_one(message_of(receipt))
    message = message_of(receipt)
    assert SECRET in message.text
    assert SECRET in message.ticket.preview
    assert message.ticket.attachment_count == 1


@pytest.mark.parametrize("opaque", [False, True])
def test_a_signed_mail_is_stored_and_found_as_any_other(mailbox: Mailbox, home: House, opaque: bool) -> None:
    (receipt,) = receive(mailbox, with_header(home.signed(TEXT, *(["-nodetach"] if opaque else []))))
    message = message_of(receipt)
    assert SECRET in message.text
    assert [one.name for one in message.attachments.all()] == ["plan.txt"]
    assert (security(receipt).state, security(receipt).verdict) == ("plain", "good")
    part = message.attachments.get().part
    assert [one.name for one in parse(readable(message)).attachments if one.index == part] == ["plan.txt"]


def test_the_verdict_tells_untrusted_somebody_else_and_changed_apart(mailbox: Mailbox, house: House) -> None:
    good = house.signed()
    eves = house.signed(by=house.eve)
    (nobody,) = receive(mailbox, with_header(good, message_id="<1@x.example>"))
    house.trusted()
    others = [
        with_header(eves, message_id="<2@x.example>"),
        with_header(good.replace(b"secret", b"public"), message_id="<3@x.example>"),
    ]
    other, changed = receive(mailbox, *others)
    assert [security(one).verdict for one in (nobody, other, changed)] == ["untrusted", "other_signer", "changed"]
    assert "signature_other_signer" in codes(other)
    assert "eve@elsewhere.example" in said(other)


def test_a_signed_mail_beside_words_of_somebody_else_proves_nothing(mailbox: Mailbox, home: House) -> None:
    words = b"Content-Type: text/plain\r\n\r\n#close\r\n"
    parts = b"".join(b"--b9\r\n" + part + b"\r\n" for part in (words, home.signed()))
    mixed = b"Content-Type: multipart/mixed; boundary=b9\r\n\r\n" + parts + b"--b9--\r\n"
    make_filter("10", ("add_tags", "signed"), when=[condition("signature", "one_of", "good")])
    alone, beside, unread = receive(
        mailbox,
        with_header(home.signed(), message_id="<1@x.example>"),
        with_header(mixed, message_id="<2@x.example>"),
        with_header(home.signed(home.encrypted()), message_id="<3@x.example>"),  # she signed what she can't read
    )
    assert [security(one).verdict for one in (alone, beside, unread)] == ["good", "partial", "partial"]
    assert [(message_of(one).trust or {})["level"] for one in (alone, beside, unread)] == [
        "signed", "unverified", "unverified",
    ]  # fmt: skip
    assert [message_of(one).ticket.tags.count() for one in (alone, beside, unread)] == [1, 0, 0]
    assert "signature_partial" in codes(beside)


def test_filters_see_the_verdict_and_what_is_inside(mailbox: Mailbox, home: House) -> None:
    make_filter("Secret", ("add_tags", "secret"), when=[condition("body", "contains", SECRET)])
    make_filter(
        "Good",
        ("add_tags", "good"),
        when=[condition("signature", "equals", "good"), condition("encrypted", "is", "yes")],
    )
    make_filter("Ann", ("add_tags", "ann"), when=[condition("signer", "equals", "ann@customer.example")])
    make_filter("Old", ("add_tags", "old"), when=[condition("header:X-OTOBO-BodyDecrypted", "contains", SECRET)])
    make_filter("Plain", ("add_tags", "plain"), when=[condition("signature", "equals", "none")])
    first, second = receive(mailbox, with_header(home.encrypted(home.signed())), mail(subject="Another"))
    tags = [sorted(one.ticket.tags.values_list("name", flat=True)) for one in (first, second) if one.ticket]
    assert tags == [["ann", "good", "old", "secret"], ["plain"]]


def test_a_dry_run_of_a_stored_mail_says_the_same(mailbox: Mailbox, home: House) -> None:
    raw = with_header(home.encrypted(home.signed()))
    (receipt,) = receive(mailbox, raw)
    before = MailSecurity.objects.count(), CryptoKey.objects.count()
    _facts, plan = explain(
        raw.replace(b"s1@", b"s2@"),
        Receipt(mailbox=mailbox, source="x", size=len(raw), received_at=receipt.received_at),
    )
    again = [one.code for one in plan.reasons if one.step == "protection"]
    assert again == [code for code in codes(receipt) if code in again]
    assert again
    assert (MailSecurity.objects.count(), CryptoKey.objects.count()) == before


def test_a_good_certificate_is_used_for_answers_and_others_are_only_offered(mailbox: Mailbox, house: House) -> None:
    receive(mailbox, with_header(house.signed(by=house.eve), message_id="<1@x.example>"))
    house.trusted()
    receive(mailbox, with_header(house.signed(), message_id="<2@x.example>"))
    rows = {row.names.get(kind="address").value: row for row in CryptoKey.objects.filter(role="person")}
    assert (rows["eve@elsewhere.example"].state, rows["ann@customer.example"].state) == ("offered", "in_use")
    assert {row.source for row in rows.values()} == {"signed_mail"}


def test_nothing_is_collected_where_that_is_switched_off_and_nothing_here_is_changed(
    mailbox: Mailbox, home: House
) -> None:
    Options.objects.update(collects_keys=False)
    receive(mailbox, with_header(home.signed(), message_id="<1@x.example>"))
    assert not CryptoKey.objects.filter(source="signed_mail").exists()
    Options.objects.update(collects_keys=True)
    receive(mailbox, with_header(home.signed(), message_id="<2@x.example>"))
    row = CryptoKey.objects.get(source="signed_mail")
    CryptoKey.objects.filter(pk=row.pk).update(state="offered", comment="mine", revoked_at=row.created_at)
    receive(mailbox, with_header(home.signed(), message_id="<3@x.example>"))
    row.refresh_from_db()
    assert (row.state, row.comment, row.revoked_at) == ("offered", "mine", row.created_at)


def test_whatever_breaks_in_opening_stops_no_mail(
    mailbox: Mailbox, home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_named: object) -> None:
        raise MemoryError("as much as there is")

    monkeypatch.setattr("postvak.process.opening.open_mail", fails)
    (receipt,) = receive(mailbox, with_header(home.encrypted()))
    assert (receipt.outcome, security(receipt).state) == ("new_ticket", "damaged")
    assert "MemoryError" in said(receipt)


def test_ordinary_mail_asks_the_database_nothing_more(
    mailbox: Mailbox, django_assert_num_queries: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_arguments: object, **_named: object) -> None:
        raise AssertionError("an ordinary mail was opened")

    monkeypatch.setattr("postvak.process.opening.open_mail", never)
    (receipt,) = receive(mailbox, mail())
    assert receipt.outcome == "new_ticket"
    assert not MailSecurity.objects.exists()


# -- OpenPGP ----------------------------------------------------------------------------

MIME = """Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=p1

--p1
Content-Type: application/pgp-encrypted

Version: 1

--p1
Content-Type: application/octet-stream; name=encrypted.asc

{armour}
--p1--
"""


@pytest.fixture
def gpg(tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    """The real program with a home of its own, in which ann and support have keys."""
    home = tmp_path / "g"
    home.mkdir(mode=0o700)

    def run(*arguments: str, content: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet", "--trust-model", "always", *arguments]
        return subprocess.run(command, input=content, capture_output=True, check=True).stdout

    for who in ("Ann <ann@customer.example>", "Support <support@example.org>"):
        run("--passphrase", "", "--quick-generate-key", who, "future-default", "default", "never")
    yield run
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed: mails that it makes are NOT tested here")
def test_an_openpgp_mail_of_gpg_goes_the_same_way(mailbox: Mailbox, gpg: Callable[..., bytes]) -> None:
    armour = gpg(
        "--armor", "-u", "ann@customer.example", "-r", "support@example.org", "--sign", "--encrypt", content=TEXT
    )
    raw = with_header(MIME.format(armour=armour.decode()).replace("\n", "\r\n").encode())
    (receipt,) = receive(mailbox, raw)
    assert (security(receipt).state, security(receipt).encrypted) == ("no_key", "pgp")
    public = gpg("--armor", "--export", "ann@customer.example")
    store.add(
        read_keys(gpg("--armor", "--export-secret-keys", "support@example.org")), source="uploaded", state="in_use"
    )
    store.add(read_keys(public), source="attached", state="offered")
    assert work_due("test:1:x", {"open_mails": try_again})
    assert (security(receipt).state, security(receipt).verdict) == ("open", "untrusted")
    assert SECRET in parse(readable(message_of(receipt))).text
    assert message_of(receipt).text == ""
    store.take_over(CryptoKey.objects.get(state="offered"))
    assert try_one(message_of(receipt))
    assert (security(receipt).verdict, security(receipt).signer) == ("good", "ann@customer.example")


FILES = """Content-Type: multipart/mixed; boundary=f

--f
Content-Type: text/plain; charset=utf-8

The plan is attached, Lampion.

--f
Content-Type: {kind}
Content-Disposition: attachment; filename="plan.txt.{ending}"
Content-Transfer-Encoding: base64

{content}
--f--
"""


@pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed: files that it makes are NOT tested here")
@pytest.mark.parametrize(
    ("kind", "ending", "armour"),
    [("application/octet-stream", "pgp", ()), ("text/plain", "asc", ("--armor",)), ("application/pgp", "gpg", ())],
)
def test_encrypted_files_beside_plain_text_are_opened_on_arrival(
    mailbox: Mailbox,
    gpg: Callable[..., bytes],
    client: Client,
    admin: Agent,
    kind: str,
    ending: str,
    armour: tuple[str],
) -> None:
    plan = f"Plan: {SECRET}".encode()
    sealed = gpg(*armour, "-r", "support@example.org", "--encrypt", content=plan)
    entity = FILES.format(kind=kind, ending=ending, content=encodebytes(sealed).decode())
    raw = with_header(entity.replace("\n", "\r\n").encode(), message_id="<1@c.example>")
    (shut,) = receive(mailbox, raw)
    assert not MailSecurity.objects.exists()  # it is for others: the mail stays an ordinary one
    assert [one.name for one in message_of(shut).attachments.all()] == [f"plan.txt.{ending}"]
    store.add(
        read_keys(gpg("--armor", "--export-secret-keys", "support@example.org")), source="uploaded", state="in_use"
    )
    (opened,) = receive(mailbox, raw.replace(b"<1@c.example>", b"<2@c.example>"))
    found = message_of(opened)
    assert (security(opened).state, security(opened).encrypted) == ("open", "pgp")
    assert "Lampion" in found.text  # what stood in clear is found
    assert not found.attachments.exists()
    client.force_login(admin)
    page = client.get(f"/tickets/{found.ticket.number}/").text
    assert "Partly encrypted" in page
    assert "Lampion" in page
    (place,) = set(re.findall(rf"/messages/{found.pk}/inside/\d+/(?=\")", page))
    assert "plan.txt" in page
    assert client.get(place).content == plan
