"""Certificates & keys as an administrator sees them; files made by openssl and gpg."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from postvak.crypto.sealing import unseal
from postvak.jobs.queue import enqueue
from postvak.jobs.run import work_due
from postvak.models import (
    Address,
    Agent,
    AuditEntry,
    CryptoKey,
    Customer,
    Job,
    KeyName,
    MailSecurity,
    Message,
    Options,
    Queue,
    Revocation,
)
from postvak.process.run import process_due
from postvak.receive.accept import Arrived, accept
from postvak.setup import revocation_lists
from postvak.tickets.privacy.erase import KIND as ERASE
from postvak.web.session import CONFIRMED_AT
from postvak.worker.works import WORKS
from tests.mails import mail
from tests.web.made_keys import gpg, made_once

pytestmark = pytest.mark.django_db
LIST, NEW = "/admin/keys/", "/admin/keys/new/"


@pytest.fixture
def files() -> Path:
    return made_once()


@pytest.fixture
def eva(client: Client, admin: Agent, support: Queue) -> Client:
    client.force_login(admin)
    return client


def add(eva: Client, path: Path, **fields: str) -> CryptoKey:
    """The newest that came of it."""
    answer = eva.post(NEW, {"file": SimpleUploadedFile(path.name, path.read_bytes()), **fields})
    assert answer.status_code == 302, re.findall(r'class="error".*?</p>', answer.text, re.S)
    return CryptoKey.objects.latest("pk")


def refused(eva: Client, path: Path, **fields: str) -> str:
    answer = eva.post(NEW, {"file": SimpleUploadedFile(path.name, path.read_bytes()), **fields})
    assert answer.status_code == 422
    return answer.text


def audited() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(kind="cryptokey").order_by("pk").values_list("action", "name"))


# ---- adding --------------------------------------------------------------------------------


def test_a_pfx_brings_the_certificate_with_its_private_key_sealed_and_the_chain_that_goes_along(eva, files) -> None:
    add(eva, files / "support.p12", password="geheim123")
    own = CryptoKey.objects.get(names__value="support@example.org")
    assert own.has_private
    assert "PRIVATE" not in own.sealed_private
    assert len(unseal(own.sealed_private, settings.CONFIGURATION.sealing_keys)) > 100
    assert [str(one) for one in own.intermediates.all()] == ["CN=Lamps Issuing,O=Lamps BV"]
    assert CryptoKey.objects.get(role="intermediate").state == "in_use"
    assert {action for action, _name in audited()} == {"created"}
    assert own.sealed_private not in str(list(AuditEntry.objects.values_list("changes", flat=True)))


def test_a_wrong_or_missing_password_is_told_at_its_field_and_nothing_is_kept(eva, files) -> None:
    assert "It is locked. Enter its password below" in refused(eva, files / "support.p12")
    assert "That password doesn’t open it" in refused(eva, files / "support.p12", password="wrong")
    assert "geheim" not in refused(eva, files / "support.sec.asc", password="geheim")
    assert not CryptoKey.objects.exists()


def test_what_is_no_key_is_refused_also_empty_broken_and_with_nul(eva, files, tmp_path) -> None:
    for content in (
        b"",
        b"\x00\xff\xfe",
        b"Dear all",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ):
        path = tmp_path / "f"
        path.write_bytes(content)
        assert eva.post(NEW, {"file": SimpleUploadedFile("f", content)}).status_code == 422
        assert eva.post(NEW, {"text": content.decode("latin-1")}).status_code == 422
    assert "Choose a file, or paste the text below" in eva.post(NEW, {}).text


def test_pasted_text_is_as_good_as_a_file(eva, files) -> None:
    answer = eva.post(NEW, {"text": (files / "bjorn.asc").read_text()}, follow=True)
    assert "Björn Müller" in answer.text
    assert CryptoKey.objects.get().kind == "pgp"


def test_a_private_key_joins_the_certificate_that_is_here_and_alone_it_is_refused(eva, files) -> None:
    assert "Add the certificate first" in refused(eva, files / "support.key")
    public = add(eva, files / "support.pem")
    assert not public.has_private
    assert add(eva, files / "support.key") == public
    public.refresh_from_db()
    assert public.has_private
    assert [action for action, _name in audited()] == ["created", "changed"]


def test_an_authority_is_trusted_only_when_somebody_says_so_and_a_person_never(eva, files) -> None:
    assert add(eva, files / "root.pem").role == "intermediate"
    assert add(eva, files / "ann.pem", authorities="anchor").role == "person"
    add(eva, files / "root.pem", authorities="anchor")
    root = CryptoKey.objects.get(subject="CN=Lamps Root,O=Lamps BV")
    assert root.role == "anchor"
    ann = CryptoKey.objects.get(role="person")
    eva.post(f"{LIST}{ann.pk}/", {"role": "anchor", "comment": "x"})
    ann.refresh_from_db()
    assert (ann.role, ann.comment) == ("person", "x")
    eva.post(f"{LIST}{root.pk}/", {"role": "intermediate", "comment": ""})
    root.refresh_from_db()
    assert root.role == "intermediate"


def test_adding_a_private_key_tries_the_waiting_mails_again(eva, files, mailbox) -> None:
    waiting_mail(mailbox)
    add(eva, files / "ann.pem")
    assert not Job.objects.filter(kind="open_mails").exists()
    add(eva, files / "support.sec.asc", password="zebra-lock")
    assert Job.objects.filter(kind="open_mails").count() == 1


def waiting_mail(mailbox) -> Message:
    accept(mailbox, [Arrived("w/1", mail(subject="Sealed"))])
    process_due("test:1:x")
    message = Message.objects.get()
    MailSecurity.objects.create(
        message=message, encrypted="pgp", state="no_key", missing=["03d5978bfd679b6c"], looked_at=timezone.now()
    )
    return message


# ---- the list ------------------------------------------------------------------------------


def rows(number: int, **columns: object) -> None:
    """As many certificates of people, each with two addresses."""
    now = timezone.now()
    made = CryptoKey.objects.bulk_create(
        CryptoKey(
            kind="smime", fingerprint=f"{at:064x}", subject=f"CN=Person {at:05}", public=b"x", created_at=now,
            valid_from=now, valid_to=now + timedelta(days=at + 1), **columns,
        )
        for at in range(number)
    )  # fmt: skip
    KeyName.objects.bulk_create(
        KeyName(key=row, kind="address", value=f"{name}{at}@p.example")
        for at, row in enumerate(made)
        for name in ("a", "b")
    )


def test_a_long_list_comes_in_pages_and_asks_the_database_as_much_as_a_short_one(eva) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert eva.get(LIST).status_code == 200
        return len(asked)

    rows(1)
    eva.get(LIST)
    few = queries()
    CryptoKey.objects.all().delete()
    rows(1000)
    assert queries() == few
    page = eva.get(f"{LIST}?page=2&sort=-to").text
    assert page.count('class="main"') == 100
    assert "Page 2 of 10" in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=archer", {"Ann Archer"}),
        ("q=ANN@CUSTOMER", {"Ann Archer"}),
        ("q=customer.example", {"Ann Archer", "Björn Müller"}),
        ("kind=pgp", {"Björn Müller"}),
        ("whose=ours", {"Support Lamps"}),
        ("whose=authorities", {"Lamps Issuing"}),
        ("whose=people&kind=smime", {"Ann Archer"}),
        ("status=ending", {"Support Lamps"}),
        ("status=revoked", set()),
        ("q=%00", {"Ann Archer", "Björn Müller", "Support Lamps", "Lamps Issuing"}),
        ("kind=none&whose=x&status=y&page=z&q=%25", set()),
    ],
)
def test_the_list_is_searched_and_narrowed(eva, files, asked: str, found: set[str]) -> None:
    add(eva, files / "support.p12", password="geheim123")
    add(eva, files / "ann.pem")
    add(eva, files / "bjorn.asc")
    page = eva.get(f"{LIST}?{asked}").text
    assert set(re.findall(r'class="main"><a [^>]*>(.*?)</a>', page)) == found


def test_a_fingerprint_is_found_however_it_is_grouped(eva, files) -> None:
    key = add(eva, files / "bjorn.asc")
    end = key.fingerprint[-12:].upper()
    for typed in (end, f"{end[:4]} {end[4:8]} {end[8:]}", f"{end[:2]}:{end[2:4]}:{end[4:]}", f"0x{end}"):
        assert "Björn" in eva.get(LIST, {"q": typed}).text, typed


# ---- one key -------------------------------------------------------------------------------


def test_the_page_shows_the_chain_and_never_the_private_part(eva, files) -> None:
    add(eva, files / "root.pem", authorities="anchor")
    add(eva, files / "support.p12", password="geheim123")
    own = CryptoKey.objects.exclude(sealed_private="").get()
    page = eva.get(f"{LIST}{own.pk}/").text
    assert re.findall(r'<ol class="chain">.*?Lamps Issuing.*?Lamps Root.*?trusted.*?</ol>', page, re.S)
    assert "expires in 25 days" in page
    assert "PRIVATE" not in page
    assert own.sealed_private not in page + eva.get(LIST).text


def test_what_is_offered_counts_for_nothing_until_it_is_taken_over_and_may_be_refused(eva, files) -> None:
    key = add(eva, files / "bjorn.asc")
    CryptoKey.objects.update(state="offered", source="autocrypt")
    assert "came with mails and is only offered" in eva.get(LIST).text
    assert "This one is only offered" in eva.get(f"{LIST}{key.pk}/").text
    assert eva.get(f"{LIST}{key.pk}/acceptance/").status_code == 405
    eva.post(f"{LIST}{key.pk}/acceptance/")
    key.refresh_from_db()
    assert (key.state, audited()[-1][0]) == ("in_use", "changed")
    CryptoKey.objects.update(state="offered")
    assert "Refuse “" in eva.get(f"{LIST}{key.pk}/deletion/").text
    eva.post(f"{LIST}{key.pk}/deletion/")
    assert not CryptoKey.objects.exists()


def test_before_one_is_taken_over_its_page_names_the_key_that_is_used_for_its_address(eva, files) -> None:
    key = add(eva, files / "bjorn.asc")
    CryptoKey.objects.update(state="offered")
    page = eva.get(f"{LIST}{key.pk}/").text
    assert "Taken over, it counts for bjorn@customer.example" in page
    assert "Another one is used" not in page
    own = add(eva, files / "ann.pem")
    KeyName.objects.create(key=own, kind="address", value="bjorn@customer.example")
    page = eva.get(f"{LIST}{key.pk}/").text
    assert re.search(r"Another one is used for one of these addresses already.*Ann Archer", page, re.S)


def test_revoking_is_kept_and_shown_and_audited(eva, files) -> None:
    key = add(eva, files / "ann.pem")
    eva.post(f"{LIST}{key.pk}/revocation/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "It was revoked on" in eva.get(f"{LIST}{key.pk}/").text
    assert audited()[-1][0] == "changed"


def test_before_deleting_it_says_how_many_mails_are_lost_and_which_addresses_sign_with_it(eva, files, mailbox) -> None:
    key = add(eva, files / "support.sec.asc", password="zebra-lock")
    message = waiting_mail(mailbox)
    report = [
        {"kind": "pgp", "act": "encrypted", "key": key.fingerprint},
        {"kind": "pgp", "act": "signed", "key": "ab"},
    ]
    MailSecurity.objects.filter(pk=message.pk).update(state="open", report=report, missing=[])
    Address.objects.filter(email="support@example.org").update(signing_key=key)
    page = eva.get(f"{LIST}{key.pk}/deletion/").text
    assert "1 mail here is encrypted to it" in page
    assert "Mails from support@example.org are signed with it" in page
    assert CryptoKey.objects.exists()
    eva.post(f"{LIST}{key.pk}/deletion/")
    assert not CryptoKey.objects.exists()
    assert audited()[-1][0] == "deleted"


# ---- downloads -----------------------------------------------------------------------------


def test_the_public_part_comes_in_the_usual_forms_and_programs_read_it(eva, files, tmp_path) -> None:
    ann, bjorn = add(eva, files / "ann.pem"), add(eva, files / "bjorn.asc")
    (tmp_path / "a.pem").write_bytes(eva.get(f"{LIST}{ann.pk}/public.pem").content)
    assert (tmp_path / "a.pem").read_bytes() == (files / "ann.pem").read_bytes()
    assert eva.get(f"{LIST}{ann.pk}/public.der").content[:1] == b"0"
    shown = gpg(files / "gnupg", "--show-keys", "--with-colons", given=eva.get(f"{LIST}{bjorn.pk}/public.asc").content)
    assert bjorn.fingerprint.upper() in shown.decode()
    assert eva.get(f"{LIST}{bjorn.pk}/public.pem").status_code == 404
    assert confirmed(eva).get(f"{LIST}{ann.pk}/private/").status_code == 404


def test_a_private_key_needs_the_password_once_more_and_leaves_a_line_in_the_audit(eva, files) -> None:
    add(eva, files / "support.p12", password="geheim123")
    own = CryptoKey.objects.exclude(sealed_private="").get()
    session = eva.session
    session.pop(CONFIRMED_AT, None)
    session.save()
    for answer in (eva.get(f"{LIST}{own.pk}/private/"), eva.post(f"{LIST}{own.pk}/private/", {"passphrase": "x" * 12})):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/preferences/confirmation/")
    assert not AuditEntry.objects.filter(action="downloaded").exists()
    file = confirmed(eva).post(f"{LIST}{own.pk}/private/", {"passphrase": "long enough one"})
    assert file.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="downloaded")
    assert (entry.kind, entry.key, entry.name) == ("cryptokey", own.pk, "private key of Support Lamps")
    opened = subprocess.run(
        ["openssl", "pkcs12", "-in", "/dev/stdin", "-nodes", "-passin", "pass:long enough one"],
        input=file.content, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    assert opened.count("BEGIN CERTIFICATE") == 2
    assert "BEGIN PRIVATE KEY" in opened


def confirmed(eva: Client) -> Client:
    session = eva.session
    session[CONFIRMED_AT] = datetime.now(UTC).timestamp()
    session.save()
    return eva


def test_a_short_passphrase_locks_nothing(eva, files) -> None:
    key = add(eva, files / "support.sec.asc", password="zebra-lock")
    answer = confirmed(eva).post(f"{LIST}{key.pk}/private/", {"passphrase": "short"})
    assert answer.status_code == 422
    assert not AuditEntry.objects.filter(action="downloaded").exists()


def test_a_downloaded_openpgp_key_is_locked_with_the_passphrase(eva, files, tmp_path) -> None:
    key = add(eva, files / "support.sec.asc", password="zebra-lock")
    file = confirmed(eva).post(f"{LIST}{key.pk}/private/", {"passphrase": "long enough ö"})
    (tmp_path / "back.asc").write_bytes(file.content)
    assert "That password doesn’t open it" in refused(eva, tmp_path / "back.asc", password="zebra-lock")
    assert add(eva, tmp_path / "back.asc", password="long enough ö") == key


# ---- trust, waiting, options ---------------------------------------------------------------


def test_a_revocation_list_is_taken_only_if_a_known_authority_signed_it(eva, files) -> None:
    def give(content: bytes):
        return eva.post("/admin/keys/revocations/new/", {"list": SimpleUploadedFile("a.crl", content)})

    content = (files / "revoked.crl").read_bytes()
    assert "an authority that isn’t here" in give(content).text
    add(eva, files / "inter.pem")
    assert "for which no trusted authority vouches" in give(content).text
    add(eva, files / "root.pem", authorities="anchor")
    assert "This is no revocation list" in give(b"\x00nothing").text
    ann, support = add(eva, files / "ann.pem"), add(eva, files / "support.pem")
    assert give(content).status_code == 302
    ann.refresh_from_db()
    support.refresh_from_db()
    assert (ann.revoked_at is None, support.revoked_at) == (False, None)
    assert Revocation.objects.get().name == "CN=Lamps Issuing,O=Lamps BV"
    assert ">1</td>" in eva.get("/admin/keys/trust/").text
    assert AuditEntry.objects.filter(kind="revocation", action="created").exists()
    ann.delete()
    assert add(eva, files / "ann.pem").revoked_at is not None  # added later than the list
    eva.post(f"/admin/keys/revocations/{Revocation.objects.get().pk}/deletion/")
    assert not Revocation.objects.exists()


def test_lists_are_fetched_by_a_button_and_once_a_day_and_only_signed_ones_are_kept(eva, files, monkeypatch) -> None:
    asked: list[str] = []

    def fetched(url: str, *, most: int) -> bytes:
        asked.append(url)
        return (files / "revoked.crl").read_bytes()

    monkeypatch.setattr(revocation_lists, "fetch", fetched)
    now = timezone.now()
    assert revocation_lists.ask_daily(now, "test:1:x") == 0
    add(eva, files / "ann.pem")
    assert revocation_lists.ask_daily(now, "test:1:x") == 1
    assert revocation_lists.ask_daily(now, "test:1:x") == 0
    work_due("test:1:x", WORKS)
    assert (Job.objects.get(kind="fetch_lists").counts, Revocation.objects.count()) == (
        {"new": 0, "same": 0, "failed": 1},
        0,
    )
    add(eva, files / "inter.pem")
    add(eva, files / "root.pem", authorities="anchor")
    eva.post("/admin/keys/revocations/fetching/")
    Job.objects.exclude(kind="fetch_lists").delete()
    work_due("test:1:x", WORKS)
    assert Revocation.objects.get().name == "CN=Lamps Issuing,O=Lamps BV"
    assert asked == ["http://lists.example/issuing.crl"] * 2


def test_trust_and_protection_are_saved_with_the_audit(eva) -> None:
    assert eva.post("/admin/keys/trust/", {}).status_code == 302
    wanted = {"first_kind": "pgp", "smime_cipher": "gcm", "automatic_unprotected": "bare"}
    assert eva.post("/admin/keys/protection/", wanted).status_code == 302
    options = Options.objects.get()
    assert not options.trusts_system_cas
    assert (options.first_kind, options.smime_cipher, options.automatic_unprotected) == ("pgp", "gcm", "bare")
    assert not options.hides_subject
    assert AuditEntry.objects.filter(kind="options").count() == 2
    assert eva.post("/admin/keys/protection/", {"first_kind": "none"}).status_code == 422


def test_mails_without_a_key_are_listed_with_the_keys_that_would_open_them_and_tried_again_by_hand(
    eva, mailbox
) -> None:
    assert "Nothing waits" in eva.get("/admin/keys/waiting/").text
    eva.post("/admin/keys/waiting/attempt/")
    assert not Job.objects.filter(kind="open_mails").exists()
    waiting_mail(mailbox)
    page = eva.get("/admin/keys/waiting/").text
    assert "03D5 978B FD67 9B6C" in page
    assert "Sealed" in page
    eva.post("/admin/keys/waiting/attempt/")
    eva.post("/admin/keys/waiting/attempt/")
    assert Job.objects.filter(kind="open_mails").count() == 1
    assert "They are being tried once more" in eva.get("/admin/keys/waiting/").text


def test_only_administrators_come_in(client: Client, bob: Agent) -> None:
    client.force_login(bob)
    for url in (
        LIST,
        NEW,
        "/admin/keys/trust/",
        "/admin/keys/waiting/",
        "/admin/keys/protection/",
        "/admin/keys/1/private/",
    ):
        assert client.get(url).status_code == 403, url


# ---- customers -----------------------------------------------------------------------------


def test_the_page_of_a_customer_shows_his_keys_and_what_is_offered_to_an_agent_without_a_link(
    eva, files, client: Client, bob: Agent, mailbox
) -> None:
    waiting_mail(mailbox)
    ann = Customer.objects.get(addresses__email="ann@customer.example")
    page = eva.get(f"/customers/{ann.pk}/").text
    assert "Only offered" not in page
    key = add(eva, files / "ann.pem")
    CryptoKey.objects.update(state="offered")
    assert f'href="/admin/keys/{key.pk}/"' in eva.get(f"/customers/{ann.pk}/").text
    client.force_login(bob)
    page = client.get(f"/customers/{ann.pk}/").text
    assert "Only offered: an administrator has to take it over" in page
    assert f"/admin/keys/{key.pk}/" not in page


def test_erasing_a_person_takes_the_certificate_along_and_leaves_ours(eva, files, mailbox) -> None:
    add(eva, files / "ann.pem")
    add(eva, files / "support.p12", password="geheim123")
    waiting_mail(mailbox)
    ann = Customer.objects.get(addresses__email="ann@customer.example")
    assert "certificates and keys" in eva.get(f"/admin/privacy/{ann.pk}/").text
    enqueue(ERASE, {"customer": ann.pk, "whole": True}, by=None)
    Job.objects.exclude(kind=ERASE).delete()
    work_due("test:1:x", WORKS)
    assert Job.objects.get().state == "done"
    assert not KeyName.objects.filter(value="ann@customer.example").exists()
    assert CryptoKey.objects.exclude(sealed_private="").count() == 1
