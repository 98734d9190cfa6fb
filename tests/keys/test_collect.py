"""What a mail brings along: only what stands between a good signature and an anchor is kept, and nothing gets in its way."""

import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postvak.crypto.key_files import read_keys
from postvak.crypto.opening import open_mail
from postvak.crypto.values import Act, Kind, Layer, Opened, State, Verdict
from postvak.crypto.writing import Wanted, protect
from postvak.keys import store
from postvak.keys.collect import collect
from postvak.keys.keyring import TableKeyring
from postvak.models import CryptoKey, Options
from tests.keys.authorities import Authority
from tests.keys.people import TEXT, House, Person, issue, with_header

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def root() -> Authority:
    Options.objects.update(trusts_system_cas=False)
    found = Authority("Root")
    found.come("anchor")
    return found


@pytest.fixture
def issuing(root: Authority) -> Authority:
    return Authority("Issuing", root)


@pytest.fixture
def ann(issuing: Authority, tmp_path: Path) -> Person:
    return issue(tmp_path, "ann@customer.example", "Ann Archer", issuing.name, issuing.key)


def opened(house: House, ann: Person, *along: Authority) -> Opened:
    """A mail that Ann signed, with these certificates in its bag."""
    bag = ann.folder / "bag.pem"
    bag.write_bytes(b"".join(one.pem for one in along))
    raw = with_header(house.signed(TEXT, *(["-certfile", str(bag)] if along else []), by=ann))
    return open_mail(raw, TableKeyring(), at=NOW)


def verdict(found: Opened) -> Verdict | None:
    return found.signature.verdict if found.signature else None


def authorities() -> list[str]:
    return list(CryptoKey.objects.filter(role="intermediate").values_list("subject", flat=True))


def test_an_authority_in_a_signed_mail_is_kept_only_between_the_signer_and_an_anchor(
    house_of_keys: House, issuing: Authority, ann: Person
) -> None:
    found = opened(house_of_keys, ann, Authority("Lamps Bank"), Authority("Issuing"), issuing)
    assert verdict(found) is Verdict.good
    collect([found])
    assert authorities() == ["CN=Issuing"]
    kept = CryptoKey.objects.get(role="intermediate")
    assert (kept.state, bytes(kept.public)) == ("in_use", read_keys(issuing.pem)[0].public)
    assert verdict(opened(house_of_keys, ann)) is Verdict.good  # the next mail may leave it out


def test_what_nobody_vouches_for_brings_no_authority_not_even_as_an_offer(house_of_keys: House, tmp_path: Path) -> None:
    eves = Authority("Issuing")
    eve = issue(tmp_path, "ann@customer.example", "Ann Archer", eves.name, eves.key)
    found = opened(house_of_keys, eve, eves)
    assert verdict(found) is Verdict.untrusted
    collect([found])
    assert [(row.role, row.state) for row in CryptoKey.objects.all()] == [("person", "offered")]


def test_authorities_of_the_same_name_however_many_dont_hide_the_real_one(
    house_of_keys: House, issuing: Authority, ann: Person
) -> None:
    fakes = [read_keys(Authority("Issuing").pem)[0] for _ in range(70)]
    store.add(fakes[:5], source="signed_mail", state="offered")
    assert not TableKeyring().issuers(fakes[0].subject_id)
    store.add(fakes[5:], source="uploaded", state="in_use")
    assert verdict(opened(house_of_keys, ann, issuing)) is Verdict.good


def test_a_signature_over_a_part_of_the_mail_brings_no_certificate_into_use(house_of_keys: House) -> None:
    (key,) = read_keys(house_of_keys.ann.certificate.read_bytes())
    layer = Layer(Kind.smime, Act.signed, Verdict.good, key=key.fingerprint)
    for one in (replace(layer, covers_all=False), replace(layer, code="signed_outside")):
        collect([Opened(b"", State.plain, (one,), found=(key,))])
        row = CryptoKey.objects.get()
        assert row.state == "offered"
        row.delete()
    collect([Opened(b"", State.plain, (layer,), found=(key,))])
    assert CryptoKey.objects.get().state == "in_use"


@pytest.fixture
def key_of_two(tmp_path: Path) -> Iterator[bytes]:
    """An OpenPGP key in which Eve has written the address of somebody else, too."""
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
    eve, boss = "Eve <eve@elsewhere.example>", "Boss <boss@customer.example>"
    subprocess.run([*gpg, "--quick-generate-key", eve, "ed25519", "default", "never"], check=True)
    subprocess.run([*gpg, "--quick-add-uid", eve, boss], check=True)
    yield subprocess.run([*gpg, "--export"], check=True, capture_output=True).stdout
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


@pytest.mark.skipif(
    shutil.which("gpg") is None, reason="gpg is not installed: Autocrypt with its keys is NOT tested here"
)
def test_a_key_of_an_autocrypt_header_is_taken_over_for_the_address_it_came_with_only(key_of_two: bytes) -> None:
    raw = b"From: eve@elsewhere.example\r\nAutocrypt: addr=eve@elsewhere.example; keydata="
    found = open_mail(raw + b64encode(key_of_two) + b"\r\n\r\nHello\r\n", TableKeyring(), at=NOW)
    collect([found])
    row = CryptoKey.objects.get()
    assert (row.state, row.source) == ("offered", "autocrypt")
    assert store.take_over(row)
    assert not TableKeyring().of_address("boss@customer.example", Kind.pgp)
    keys = TableKeyring().of_address("eve@elsewhere.example", Kind.pgp)
    assert [key.emails for key in keys] == [("eve@elsewhere.example",)]


def test_what_the_signers_program_reads_is_kept_with_his_certificate_and_the_last_mail_counts(
    house_of_keys: House,
) -> None:
    house_of_keys.trusted()
    (key,) = read_keys(house_of_keys.ann.both)
    ours = protect(with_header(TEXT), Wanted(kind=Kind.smime, signer=key, at=NOW))
    theirs = with_header(house_of_keys.signed())  # openssl says nothing of GCM
    told = []
    for raw, are_new in ((theirs, True), (ours, True), (theirs, False), (theirs, True)):
        collect([open_mail(raw, TableKeyring(), at=NOW)], are_new=are_new)
        told.append("AES-256-GCM" in CryptoKey.objects.get(role="person").ciphers)
    assert told == [False, True, True, False]
    assert "AES-256-CBC" in CryptoKey.objects.get(role="person").ciphers


def test_what_a_signature_says_that_proves_nothing_is_not_believed(house_of_keys: House) -> None:
    collect([open_mail(with_header(house_of_keys.signed()), TableKeyring(), at=NOW)])
    row = CryptoKey.objects.get(role="person")
    assert (row.state, row.ciphers) == ("offered", [])
