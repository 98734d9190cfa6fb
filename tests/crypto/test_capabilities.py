"""What a signed mail says that its writer's program reads, and which cipher a mail to him gets. With the real openssl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postvak.crypto import cms, der, smime_write
from postvak.crypto.opening import open_mail
from postvak.crypto.values import Kind, Layer, Verdict
from postvak.crypto.writing import Wanted, protect
from tests.crypto.pki import HEADER, TEXT, Pki, Ring

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read
GCM, CBC = "AES-256-GCM", "AES-256-CBC"


def signature(raw: bytes, ring: Ring) -> Layer:
    found = open_mail(raw, ring, at=NOW).signature
    assert found is not None
    return found


def signed_by_us(pki: Pki) -> bytes:
    return protect(HEADER + TEXT, Wanted(kind=Kind.smime, signer=pki.key("ann"), at=NOW))


def test_what_openssl_says_that_it_reads_is_known_by_name(pki: Pki, ring: Ring) -> None:
    told = signature(pki.signed("-signer", "ann.pem", "-inkey", "ann.key"), ring).ciphers
    assert CBC in told
    assert GCM not in told
    assert not {"3DES-CBC", "RC2-128-CBC"} & set(told)
    silent = pki.signed("-signer", "ann.pem", "-inkey", "ann.key", "-nosmimecap")
    assert signature(silent, ring).ciphers == ()


def test_only_a_good_signature_tells(pki: Pki, ring: Ring) -> None:
    for name in ("eve", "alone"):  # somebody else; nobody vouches
        layer = signature(pki.signed("-signer", f"{name}.pem", "-inkey", f"{name}.key"), ring)
        assert (layer.verdict is Verdict.good, layer.ciphers) == (False, ())


def test_our_own_mails_say_what_we_read(pki: Pki, ring: Ring) -> None:
    raw = signed_by_us(pki)
    assert signature(raw, ring).ciphers == (GCM, CBC, "AES-128-GCM", "AES-128-CBC")
    printed = pki.openssl("cms", "-cmsout", "-print", "-noout", given=raw).decode()
    capabilities = printed[printed.index("S/MIME Capabilities") :]
    assert "aes-256-gcm" in capabilities
    assert "aes-256-cbc" in capabilities


@pytest.mark.parametrize("broken", [der.null(), der.sequence(der.null()), der.sequence(der.sequence()), b""])
def test_what_is_written_wrongly_there_takes_nothing_from_the_signature(
    pki: Pki, ring: Ring, monkeypatch: pytest.MonkeyPatch, broken: bytes
) -> None:
    usual = smime_write._attributes

    def attributes(digest: bytes, at: datetime) -> list[bytes]:
        *rest, _capabilities = usual(digest, at)
        return [*rest, der.sequence(der.oid(cms.SMIME_CAPABILITIES), der.set_of(broken or der.sequence()))]

    monkeypatch.setattr(smime_write, "_attributes", attributes)
    layer = signature(signed_by_us(pki), ring)
    assert (layer.verdict, layer.ciphers) == (Verdict.good, ())


@pytest.mark.parametrize(
    ("known", "cipher", "kind"),
    [
        ({}, "auto", b"enveloped-data"),
        ({"ann": (GCM, CBC)}, "auto", b"enveloped-data"),
        ({"ann": (GCM, CBC), "eve": (CBC,)}, "auto", b"enveloped-data"),
        ({"ann": (GCM, CBC), "eve": (CBC, GCM)}, "auto", b"authEnveloped-data"),
        ({"ann": (GCM, CBC), "eve": (CBC, GCM)}, "cbc", b"enveloped-data"),
        ({}, "gcm", b"authEnveloped-data"),
    ],
)
def test_a_mail_is_gcm_only_if_all_can_read_it(
    pki: Pki, known: dict[str, Sequence[str]], cipher: str, kind: bytes
) -> None:
    recipients = [replace(pki.public(name), ciphers=tuple(known.get(name, ()))) for name in ("ann", "eve")]
    raw = protect(HEADER + TEXT, Wanted(kind=Kind.smime, recipients=recipients, cipher=cipher, at=NOW))
    assert b"smime-type=" + kind in raw
    for name in ("ann", "eve"):
        assert pki.openssl("cms", "-decrypt", "-recip", f"{name}.pem", "-inkey", f"{name}.key", given=raw) == TEXT
