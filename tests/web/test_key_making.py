"""Keys that are made here: an OpenPGP key that gpg takes, and a request for a certificate that openssl issues."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from postvak.crypto.opening import open_mail
from postvak.crypto.values import Kind, State
from postvak.crypto.writing import Wanted, protect
from postvak.keys.keyring import TableKeyring
from postvak.keys.rows import key_of
from postvak.mail.parse import parse
from postvak.models import Address, Agent, AuditEntry, CryptoKey, Queue
from postvak.send.protection import possible, signing_keys
from postvak.web.session import CONFIRMED_AT
from tests.web.made_keys import gpg, made_once, sign

pytestmark = pytest.mark.django_db
MAIL = b"From: support@example.org\r\nTo: ann@customer.example\r\nSubject: Hi\r\n\r\nThe lamps are blue.\r\n"


@pytest.fixture
def own(support: Queue) -> Address:
    return Address.objects.filter(queue=support).first() or Address.objects.create(
        email="support@example.org", queue=support
    )


@pytest.fixture
def eva(client: Client, admin: Agent, own: Address) -> Client:
    client.force_login(admin)
    return client


def make(eva: Client, own: Address, what: str, name: str = "") -> CryptoKey:
    answer = eva.post("/admin/keys/make/", {"address": own.pk, "what": what, "name": name})
    assert answer.status_code == 302, answer.text
    return CryptoKey.objects.latest("pk")


def test_an_openpgp_key_is_made_that_signs_encrypts_and_that_gpg_takes(eva, own, tmp_path) -> None:
    row = make(eva, own, "pgp", "Lamps, the <shop>")
    assert (row.source, row.state, row.can_sign, row.can_encrypt) == ("made", "in_use", True, True)
    assert "PRIVATE" not in row.sealed_private
    assert row.subject == f"Lamps  the  shop <{own.email}>"
    assert row.valid_to is not None
    assert 1000 < (row.valid_to - timezone.now()).days < 1100
    assert list(signing_keys(own, timezone.now())) == ["pgp"]
    key = key_of(row, settings.CONFIGURATION.sealing_keys)
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg(home, "--import", given=eva.get(f"/admin/keys/{row.pk}/public.asc").content)
    sealed = gpg(home, "--trust-model", "always", "--encrypt", "--armor", "-r", own.email, given=b"from gpg")
    wrapped = b"From: x@y.example\r\nContent-Type: text/plain\r\n\r\n" + sealed
    assert b"from gpg" in read(open_mail(wrapped, TableKeyring(), at=timezone.now()).raw)
    signed = protect(MAIL, Wanted(kind=Kind.pgp, signer=key, at=timezone.now()))
    boundary = signed.partition(b'boundary="')[2].partition(b'"')[0]
    _head, content, signature, _end = signed.split(b"--" + boundary)
    (tmp_path / "s.asc").write_bytes(signature.partition(b"\r\n\r\n")[2])
    (tmp_path / "s").write_bytes(content.removeprefix(b"\r\n").removesuffix(b"\r\n"))
    gpg(home, "--verify", str(tmp_path / "s.asc"), str(tmp_path / "s"))
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def read(raw: bytes) -> bytes:
    return parse(raw).text.encode()


@pytest.mark.parametrize(("what", "algorithm"), [("rsa", "RSA-3072"), ("ec", "EC secp256r1")])
def test_a_request_finds_its_private_part_when_the_certificate_comes(eva, own, tmp_path, what, algorithm) -> None:
    row = make(eva, own, what)
    assert (row.is_request, row.algorithm, row.can_sign) == (True, algorithm, False)
    assert not row.names.exists()
    assert not possible([own.email], timezone.now())[0].keys
    page = eva.get(f"/admin/keys/{row.pk}/")
    assert "Its certificate hasn’t come yet" in page.text
    assert "BEGIN CERTIFICATE REQUEST" in page.text
    assert eva.get("/admin/keys/").text.count("Certificate requested") >= 1
    issued = issue(tmp_path, eva.get(f"/admin/keys/{row.pk}/public.pem").content, own.email)
    answer = eva.post("/admin/keys/new/", {"file": SimpleUploadedFile("c.pem", issued)})
    assert answer.status_code == 302
    whole = CryptoKey.objects.get()
    assert (whole.is_request, whole.has_private, whole.can_sign, whole.source) == (False, True, True, "uploaded")
    assert list(signing_keys(own, timezone.now())) == ["smime"]
    (tmp_path / "m").write_bytes(b"Content-Type: text/plain\r\n\r\nfrom openssl\r\n")
    (tmp_path / "c.pem").write_bytes(issued)
    sealed = subprocess.run(
        ["openssl", "cms", "-encrypt", "-aes256", "-in", "m", "c.pem"], cwd=tmp_path, check=True, capture_output=True
    ).stdout
    opened = open_mail(b"From: x@y.example\r\n" + sealed, TableKeyring(), at=timezone.now())
    assert (opened.state, b"from openssl" in opened.raw) == (State.open, True)
    actions = AuditEntry.objects.filter(kind="cryptokey").order_by("pk").values_list("action", flat=True)
    assert sorted(actions) == ["created", "created", "deleted"]


def issue(folder: Path, request: bytes, email: str) -> bytes:
    """What openssl checks, and an authority makes of it."""
    authority = made_once()
    (folder / "r.csr").write_bytes(request)
    printed = subprocess.run(
        ["openssl", "req", "-in", "r.csr", "-noout", "-verify", "-text"], cwd=folder, check=True, capture_output=True
    ).stdout.decode()
    assert f"email:{email}" in printed
    assert "E-mail Protection" in printed
    for name in ("inter.pem", "inter.key"):
        (folder / name).write_bytes((authority / name).read_bytes())
    usage = "keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement\nextendedKeyUsage=emailProtection\n"
    sign(folder, "r", "inter", f"{usage}subjectAltName=email:{email}\n", days=300)
    return (folder / "r.pem").read_bytes()


def test_a_request_gives_no_private_part_away_and_can_be_deleted(eva, own) -> None:
    row = make(eva, own, "ec")
    session = eva.session
    session[CONFIRMED_AT] = timezone.now().timestamp()
    session.save()
    assert eva.get(f"/admin/keys/{row.pk}/private/").status_code == 404
    assert "can’t be used" in eva.get(f"/admin/keys/{row.pk}/deletion/").text
    eva.post(f"/admin/keys/{row.pk}/deletion/")
    assert not CryptoKey.objects.exists()


def test_another_certificate_doesnt_take_the_private_part(eva, own) -> None:
    row = make(eva, own, "ec")
    eva.post("/admin/keys/new/", {"text": (made_once() / "support.pem").read_text()})
    assert CryptoKey.objects.filter(pk=row.pk).exists()
    assert not CryptoKey.objects.exclude(pk=row.pk).get().has_private


def test_what_is_asked_for_is_one_of_the_kinds_and_addresses(eva, own) -> None:
    assert eva.post("/admin/keys/make/", {"address": own.pk, "what": "dsa"}).status_code == 422
    assert eva.post("/admin/keys/make/", {"address": 10**6, "what": "pgp"}).status_code == 422
    assert not CryptoKey.objects.exists()
