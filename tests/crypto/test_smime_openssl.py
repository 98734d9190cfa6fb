"""S/MIME both ways with the real openssl: every way to sign and to encrypt that mail programs use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postvak.crypto.opening import open_mail
from postvak.crypto.values import Act, CannotProtect, Kind, State, Verdict
from postvak.crypto.writing import Wanted, protect
from postvak.mail.parse import parse
from tests.crypto.pki import HEADER, TEXT, WORDS, Pki, Ring

NOW = datetime.now(UTC) + timedelta(hours=2)  # the certificates are made later than this line is read

SIGNING: dict[str, tuple[Sequence[str], Verdict]] = {
    "rsa detached": (("-signer", "ann.pem", "-inkey", "ann.key"), Verdict.good),
    "rsa opaque": (("-signer", "ann.pem", "-inkey", "ann.key", "-nodetach"), Verdict.good),
    "rsa opaque streamed": (("-signer", "ann.pem", "-inkey", "ann.key", "-nodetach", "-stream"), Verdict.good),
    "rsa pss": (("-signer", "ann.pem", "-inkey", "ann.key", "-keyopt", "rsa_padding_mode:pss"), Verdict.good),
    "rsa pss sha512": (
        ("-signer", "ann.pem", "-inkey", "ann.key", "-keyopt", "rsa_padding_mode:pss", "-md", "sha512"),
        Verdict.good,
    ),
    "without attributes": (("-signer", "ann.pem", "-inkey", "ann.key", "-noattr"), Verdict.good),
    "opaque without attributes": (("-signer", "ann.pem", "-inkey", "ann.key", "-noattr", "-nodetach"), Verdict.good),
    "without capabilities": (("-signer", "ann.pem", "-inkey", "ann.key", "-nosmimecap"), Verdict.good),
    "by key identifier": (("-signer", "ann.pem", "-inkey", "ann.key", "-keyid"), Verdict.good),
    "with cades": (("-signer", "ann.pem", "-inkey", "ann.key", "-cades"), Verdict.good),
    "sha384": (("-signer", "ann.pem", "-inkey", "ann.key", "-md", "sha384"), Verdict.good),
    "sha512": (("-signer", "ann.pem", "-inkey", "ann.key", "-md", "sha512"), Verdict.good),
    "sha1": (("-signer", "ann.pem", "-inkey", "ann.key", "-md", "sha1"), Verdict.weak),
    "md5": (("-signer", "ann.pem", "-inkey", "ann.key", "-md", "md5"), Verdict.weak),
    "ecdsa": (("-signer", "nina.pem", "-inkey", "nina.key"), Verdict.good),
    "ecdsa sha384": (("-signer", "nina.pem", "-inkey", "nina.key", "-md", "sha384", "-nodetach"), Verdict.good),
    "ecdsa sha1": (("-signer", "nina.pem", "-inkey", "nina.key", "-md", "sha1"), Verdict.weak),
    "somebody else": (("-signer", "eve.pem", "-inkey", "eve.key"), Verdict.other_signer),
    "self-signed": (("-signer", "alone.pem", "-inkey", "alone.key"), Verdict.untrusted),
    "intermediate along": (
        ("-signer", "chained.pem", "-inkey", "chained.key", "-certfile", "middle.pem"),
        Verdict.good,
    ),
    "intermediate missing": (("-signer", "chained.pem", "-inkey", "chained.key"), Verdict.untrusted),
    "no certificate along": (("-signer", "ann.pem", "-inkey", "ann.key", "-nocerts"), Verdict.unknown),
}
ENCRYPTING: dict[str, Sequence[str]] = {
    "rsa aes128": ("-aes128", "support.pem"),
    "rsa aes192": ("-aes192", "support.pem"),
    "rsa aes256": ("-aes256", "support.pem"),
    "rsa 3des": ("-des3", "support.pem"),
    "rsa rc2 40": ("-provider", "legacy", "-provider", "default", "-rc2-40", "support.pem"),
    "rsa rc2 64": ("-provider", "legacy", "-provider", "default", "-rc2-64", "support.pem"),
    "rsa rc2 128": ("-provider", "legacy", "-provider", "default", "-rc2-128", "support.pem"),
    "rsa gcm": ("-aes-256-gcm", "support.pem"),
    "rsa gcm 128": ("-aes-128-gcm", "support.pem"),
    "rsa by key identifier": ("-aes256", "-keyid", "support.pem"),
    "rsa streamed": ("-aes256", "-stream", "support.pem"),
    "rsa not streamed": ("-aes256", "-noindef", "support.pem"),
    "oaep sha1": ("-aes256", "-recip", "support.pem", "-keyopt", "rsa_padding_mode:oaep"),
    "oaep sha256": (
        *("-aes256", "-recip", "support.pem", "-keyopt", "rsa_padding_mode:oaep"),
        *("-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256"),
    ),
    "oaep sha512, mask sha1": (
        *("-aes256", "-recip", "support.pem", "-keyopt", "rsa_padding_mode:oaep"),
        *("-keyopt", "rsa_oaep_md:sha512", "-keyopt", "rsa_mgf1_md:sha1"),
    ),
    "ecdh": ("-aes256", "-recip", "sales.pem"),
    "ecdh by key identifier": ("-aes256", "-keyid", "-recip", "sales.pem"),
    "ecdh sha256": ("-aes256", "-recip", "sales.pem", "-keyopt", "ecdh_kdf_md:sha256"),
    "ecdh sha512 wrap 128": ("-aes128", "-aes128-wrap", "-recip", "sales.pem", "-keyopt", "ecdh_kdf_md:sha512"),
    "ecdh gcm": ("-aes-256-gcm", "-recip", "sales.pem"),
    "ecdh cofactor": ("-aes256", "-recip", "sales.pem", "-keyopt", "ecdh_cofactor_mode:1"),
    "for several": ("-aes256", "ann.pem", "eve.pem", "support.pem"),
    "for both of ours": ("-aes256", "sales.pem", "support.pem"),
}


@pytest.mark.parametrize("way", SIGNING)
def test_a_mail_signed_by_openssl_is_judged(pki: Pki, ring: Ring, way: str) -> None:
    words, verdict = SIGNING[way]
    opened = open_mail(pki.signed(*words), ring, at=NOW)
    assert opened.signature is not None
    assert (opened.signature.verdict, opened.signature.code) == (verdict, opened.signature.code)
    assert parse(opened.raw).text.strip() == WORDS.decode()
    assert parse(opened.raw).subject == "Fire"
    assert bool(opened.found) is (verdict is not Verdict.unknown)


@pytest.mark.parametrize("way", ENCRYPTING)
def test_a_mail_encrypted_by_openssl_is_read(pki: Pki, ring: Ring, way: str) -> None:
    opened = open_mail(pki.encrypted(*ENCRYPTING[way]), ring, at=NOW)
    assert opened.state is State.open, opened.layers
    assert opened.encrypted == "smime"
    assert parse(opened.raw).text.strip() == WORDS.decode()


@pytest.mark.parametrize("way", ["rsa aes256", "rsa gcm", "ecdh", "oaep sha256", "rsa by key identifier"])
def test_without_the_key_it_says_whose_key_would_open_it(pki: Pki, ring: Ring, way: str) -> None:
    raw = pki.encrypted(*ENCRYPTING[way])
    opened = open_mail(raw, Ring(trusted=ring.trusted), at=NOW)
    assert (opened.state, opened.raw) == (State.no_key, raw)
    ours = {name for key in ring.ours for name in (key.issuer_id, key.ski)}
    assert ours & set(opened.missing)


@pytest.mark.parametrize("way", ["rsa detached", "rsa opaque", "ecdsa", "without attributes"])
def test_a_changed_letter_is_seen(pki: Pki, ring: Ring, way: str) -> None:
    words = ("-outform", "SMIME", *SIGNING[way][0])
    raw = pki.signed(*words)
    if WORDS in raw:
        changed = raw.replace(b"room 4", b"room 5")
    else:  # inside base64: the same length of another text in its place
        der = pki.openssl("cms", "-sign", "-outform", "DER", *SIGNING[way][0], given=TEXT).replace(b"room 4", b"room 5")
        (pki.folder / "changed.der").write_bytes(der)
        changed = HEADER + pki.openssl("cms", "-cmsout", "-inform", "DER", "-in", "changed.der")
    opened = open_mail(changed, ring, at=NOW)
    assert opened.signature is not None
    assert opened.signature.verdict is Verdict.changed
    assert b"room 5" in opened.raw
    assert opened.found == ()


def test_two_signers_each_have_a_verdict(pki: Pki, ring: Ring) -> None:
    words = ("-signer", "ann.pem", "-inkey", "ann.key", "-signer", "eve.pem", "-inkey", "eve.key")
    opened = open_mail(pki.signed(*words), ring, at=NOW)
    assert {layer.verdict for layer in opened.layers} == {Verdict.good, Verdict.other_signer}


def test_signed_inside_encrypted_inside_signed(pki: Pki, ring: Ring) -> None:
    inner = pki.openssl("cms", "-sign", "-signer", "ann.pem", "-inkey", "ann.key", given=TEXT)
    middle = pki.openssl("cms", "-encrypt", "-aes256", "support.pem", given=inner)
    raw = pki.signed("-nodetach", "-signer", "ann.pem", "-inkey", "ann.key", content=middle)
    opened = open_mail(raw, ring, at=NOW)
    assert [layer.act for layer in opened.layers] == [Act.signed, Act.encrypted, Act.signed]
    assert [layer.verdict for layer in opened.layers] == [Verdict.good, None, Verdict.good]
    assert all(layer.covers_all for layer in opened.layers)
    assert parse(opened.raw).text.strip() == WORDS.decode()


def test_compressed_by_openssl_where_it_can(pki: Pki, ring: Ring) -> None:
    made = pki.openssl("cms", "-compress", given=TEXT, fails=True)
    if not made:
        pytest.skip("this openssl was built without zlib")
    assert WORDS in open_mail(HEADER + made, ring, at=NOW).raw


@pytest.mark.parametrize("signer", ["", "support", "sales"])
@pytest.mark.parametrize("cipher", ["cbc", "gcm", "auto"])
@pytest.mark.parametrize("names", [("ann",), ("eve",), ("ann", "eve")], ids="+".join)
def test_what_we_encrypt_openssl_reads(pki: Pki, names: Sequence[str], cipher: str, signer: str) -> None:
    wanted = Wanted(
        kind=Kind.smime,
        signer=pki.key(signer) if signer else None,
        recipients=[pki.public(name) for name in names],
        cipher=cipher,
        at=NOW,
    )
    raw = protect(HEADER + b"MIME-Version: 1.0\r\n" + TEXT, wanted)
    assert WORDS not in raw
    for name in names:
        inside = pki.openssl("cms", "-decrypt", "-recip", f"{name}.pem", "-inkey", f"{name}.key", given=raw)
        if signer:
            inside = pki.openssl("cms", "-verify", "-CAfile", "root.pem", given=inside)
        assert inside == TEXT


@pytest.mark.parametrize("program", ["cms", "smime"])
@pytest.mark.parametrize("signer", ["support", "sales", "chained"])
def test_what_we_sign_openssl_accepts(pki: Pki, program: str, signer: str) -> None:
    wanted = Wanted(kind=Kind.smime, signer=pki.key(signer), extra=[pki.public("middle")], at=NOW)
    raw = protect(HEADER + b"MIME-Version: 1.0\r\n" + TEXT, wanted)
    assert pki.openssl(program, "-verify", "-CAfile", "root.pem", given=raw) == TEXT
    pki.openssl(program, "-verify", "-CAfile", "root.pem", given=raw.replace(b"room 4", b"room 5"), fails=True)
    mail = parse(raw)
    assert (mail.subject, mail.message_id) == ("Fire", "1@klant.example")


def test_the_older_program_reads_our_cbc(pki: Pki, tmp_path: Path) -> None:
    raw = protect(HEADER + TEXT, Wanted(kind=Kind.smime, recipients=[pki.public("ann")], cipher="cbc", at=NOW))
    assert pki.openssl("smime", "-decrypt", "-recip", "ann.pem", "-inkey", "ann.key", given=raw) == TEXT


def test_a_key_that_cannot_be_used_stops_the_mail(pki: Pki) -> None:
    with pytest.raises(CannotProtect) as stopped:
        protect(HEADER + TEXT, Wanted(kind=Kind.smime, signer=pki.public("support"), at=NOW))
    assert stopped.value.code == "signer_without_private"
