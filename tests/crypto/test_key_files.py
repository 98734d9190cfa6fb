"""Keys are read from whatever file they come in, made with the real openssl; a wrong password is told from a missing one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postvak.crypto.folder import FolderKeyring
from postvak.crypto.key_files import read_keys
from postvak.crypto.smime_keys import joined
from postvak.crypto.values import CannotRead, Kind
from tests.crypto.pki import Pki

WITH_PRIVATE: dict[str, Callable[[Pki], bytes]] = {
    "pem": lambda pki: read(pki, "ann.key") + read(pki, "ann.pem"),
    "pem, certificate first": lambda pki: b"Bag Attributes\n" + read(pki, "ann.pem") + b"\n" + read(pki, "ann.key"),
    "p12": lambda pki: p12(pki),
    "p12 legacy": lambda pki: p12(pki, "-legacy", "-provider", "legacy", "-provider", "default"),
    "p12 3des": lambda pki: p12(pki, "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    "encrypted pkcs8": lambda pki: (
        pki.openssl("pkcs8", "-topk8", "-in", "ann.key", "-passout", "pass:Hyacint 7") + read(pki, "ann.pem")
    ),
    "proc-type": lambda pki: (
        pki.openssl("rsa", "-traditional", "-aes128", "-in", "ann.key", "-passout", "pass:Hyacint 7")
        + read(pki, "ann.pem")
    ),
    "proc-type 3des": lambda pki: (
        pki.openssl("rsa", "-traditional", "-des3", "-in", "ann.key", "-passout", "pass:Hyacint 7")
        + read(pki, "ann.pem")
    ),
}
PUBLIC: dict[str, Callable[[Pki], bytes]] = {
    "pem": lambda pki: read(pki, "ann.pem"),
    "pem with CRLF": lambda pki: read(pki, "ann.pem").replace(b"\n", b"\r\n"),
    "trusted": lambda pki: pki.openssl("x509", "-in", "ann.pem", "-trustout"),
    "der": lambda pki: pki.openssl("x509", "-in", "ann.pem", "-outform", "DER"),
    "p7b pem": lambda pki: pki.openssl("crl2pkcs7", "-nocrl", "-certfile", "ann.pem"),
    "p7b der": lambda pki: pki.openssl("crl2pkcs7", "-nocrl", "-certfile", "ann.pem", "-outform", "DER"),
    "base64 without armour": lambda pki: b"".join(read(pki, "ann.pem").splitlines()[1:-1]),
}


def read(pki: Pki, name: str) -> bytes:
    return (pki.folder / name).read_bytes()


def p12(pki: Pki, *words: str) -> bytes:
    parts = ("-inkey", "ann.key", "-in", "ann.pem", "-certfile", "root.pem", "-passout", "pass:Hyacint 7")
    return pki.openssl("pkcs12", "-export", *parts, *words)


@pytest.mark.parametrize("form", WITH_PRIVATE)
def test_a_key_comes_with_its_certificate_out_of_any_file(pki: Pki, form: str) -> None:
    key = next(one for one in read_keys(WITH_PRIVATE[form](pki), "Hyacint 7") if one.private)
    assert (key.kind, key.emails, key.algorithm) == (Kind.smime, ("ann@klant.example",), "RSA-2048")
    assert (key.fingerprint, key.private) == (pki.key("ann").fingerprint, pki.key("ann").private)


@pytest.mark.parametrize("form", PUBLIC)
def test_a_certificate_comes_out_of_any_file(pki: Pki, form: str) -> None:
    (key,) = read_keys(PUBLIC[form](pki))
    assert key == pki.public("ann")
    assert (key.can_sign, key.can_encrypt, key.is_authority) == (True, True, False)


@pytest.mark.parametrize("form", [name for name in WITH_PRIVATE if not name.startswith("pem")])
@pytest.mark.parametrize(("password", "code"), [("", "needs_password"), ("Tulp 8", "wrong_password")])
def test_a_wrong_password_is_told_from_a_missing_one(pki: Pki, form: str, password: str, code: str) -> None:
    with pytest.raises(CannotRead) as refused:
        read_keys(WITH_PRIVATE[form](pki), password)
    assert refused.value.code == code


def test_a_file_of_several_certificates_gives_each_once(pki: Pki) -> None:
    keys = read_keys(read(pki, "ann.pem") + read(pki, "root.pem") + read(pki, "ann.pem"))
    assert [key.subject for key in keys] == ["CN=ann", "CN=root"]
    assert [key.is_authority for key in keys] == [False, True]


def test_a_private_key_alone_is_put_to_its_certificate(pki: Pki) -> None:
    (bare,) = read_keys(read(pki, "ann.key"))
    assert (bare.fingerprint, bare.public) == ("", b"")
    assert joined(pki.public("ann"), bare) == pki.key("ann")
    assert joined(pki.public("support"), bare) is None


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"0", b"\0" * 1000, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_holds_no_key_says_so(content: bytes) -> None:
    with pytest.raises(CannotRead) as refused:
        read_keys(content)
    assert refused.value.code in ("no_key", "unusable")


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"0\x82\x01", b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN PRIVATE KEY-----\n"]),
)
def test_no_file_whatever_gives_anything_but_keys_or_a_reason(content: bytes, start: bytes) -> None:
    with suppress(CannotRead):
        read_keys(start + content, "x")


def test_a_folder_finds_passwords_and_puts_keys_to_their_certificates(pki: Pki, tmp_path: Path) -> None:
    (tmp_path / "ann.p12").write_bytes(p12(pki))
    (tmp_path / "ann.secret").write_text("Hyacint 7\n")
    (tmp_path / "support.key").write_bytes(read(pki, "support.key"))
    (tmp_path / "support.crt").write_bytes(read(pki, "support.pem"))
    (tmp_path / "README.txt").write_text("Keys of a test.\n")
    ring = FolderKeyring(tmp_path)
    assert {email for key in ring.private([]) for email in key.emails} == {
        "ann@klant.example",
        "support@bedrijf.example",
    }
    assert [key.subject for key in ring.anchors()] == ["CN=root"]
