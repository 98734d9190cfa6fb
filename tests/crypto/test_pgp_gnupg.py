"""OpenPGP with the real gpg, both ways: it makes and we read, we make and it reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from postvak.crypto import pgp_read, pgp_write
from postvak.crypto.entities import read_entity, split
from postvak.crypto.values import Act, CannotProtect, State, Verdict
from tests.crypto.gnupg import ALGORITHMS, ENTITY, WORDS, WRITABLE, Gnupg

OURS = "support@bedrijf.example"
COMPRESSIONS = {"none": ("-z", "0"), "zip": ("--compress-algo", "zip"), "zlib": ("--compress-algo", "zlib")} | {
    "bzip2": ("--compress-algo", "bzip2")
}


def now() -> datetime:
    return datetime.now(UTC)


def person(kind: str) -> str:
    return f"{kind}@klant.example"


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("signer", ["rsa", "ed25519"])
def test_what_gpg_signs_and_encrypts_is_read_however_it_is_packed(gnupg: Gnupg, signer: str, compression: str) -> None:
    words = (*COMPRESSIONS[compression], "--sign", "--encrypt", "-r", OURS, "-u", person(signer))
    found = pgp_read.decrypt(
        gnupg("--armor", *words, given=ENTITY),
        gnupg.ring(OURS, known=(person(signer),)),
        at=now(),
        sender=person(signer),
    )
    assert (found.content, found.state) == (ENTITY, State.open)
    assert [(layer.act, layer.verdict) for layer in found.layers] == [(Act.encrypted, None), (Act.signed, Verdict.good)]


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_a_mail_that_gpg_encrypts_to_any_kind_of_key_is_read(gnupg: Gnupg, kind: str) -> None:
    sealed = gnupg("--encrypt", "-r", person(kind), given=ENTITY)
    found = pgp_read.decrypt(sealed, gnupg.ring(person(kind)), at=now(), sender="")
    assert (found.content, found.layers[0].key) == (ENTITY, gnupg.key(person(kind)).fingerprint)


@pytest.mark.parametrize("cipher", ["AES", "AES192", "AES256", "3DES", "CAST5", "BLOWFISH", "CAMELLIA256", "IDEA"])
def test_every_cipher_of_gpg_is_read(gnupg: Gnupg, cipher: str) -> None:
    sealed = gnupg("--cipher-algo", cipher, "--encrypt", "-r", OURS, given=ENTITY)
    assert pgp_read.decrypt(sealed, gnupg.ring(OURS), at=now(), sender="").content == ENTITY


@pytest.mark.parametrize("kind", ALGORITHMS)
@pytest.mark.parametrize("sort", ["--detach-sign", "--textmode"])
def test_a_signature_of_gpg_over_a_part_is_good_and_changed_after_a_change(gnupg: Gnupg, kind: str, sort: str) -> None:
    words = (sort,) if sort == "--detach-sign" else ("--textmode", "--detach-sign")
    signature = gnupg("--armor", *words, "-u", person(kind), given=ENTITY)
    ring = gnupg.ring(known=(person(kind),))

    def verdict(content: bytes) -> Verdict | None:
        return pgp_read.verify(content, signature, ring, at=now(), sender=person(kind))[-1].verdict

    assert verdict(ENTITY) is Verdict.good
    assert verdict(ENTITY.replace(b"\r\n", b"\n")) is Verdict.good  # a server that keeps mails with bare line ends
    assert verdict(ENTITY.replace(b"4", b"5")) is Verdict.changed


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_clear_signed_text_of_gpg_is_good(gnupg: Gnupg, kind: str) -> None:
    text = b"Hello,\r\n\r\n- one thing\r\nFrom here on: trailing blanks   \r\n-----\r\n"
    block = gnupg("--clear-sign", "-u", person(kind), given=text)
    [found] = pgp_read.inline(block, gnupg.ring(known=(person(kind),)), at=now(), sender=person(kind))
    assert (found.layers[0].verdict, found.layers[0].covers_all) == (Verdict.good, True)
    assert [line.rstrip() for line in found.text.splitlines()] == [line.rstrip() for line in text.splitlines()]


def test_a_hidden_recipient_and_several_recipients_are_read(gnupg: Gnupg) -> None:
    sealed = gnupg("--encrypt", "-R", OURS, "-r", person("rsa"), "-r", person("nistp256"), given=ENTITY)
    found = pgp_read.decrypt(sealed, gnupg.ring("sales@bedrijf.example", OURS), at=now(), sender="")
    assert (found.content, found.layers[0].key) == (ENTITY, gnupg.key(OURS).fingerprint)
    assert len(found.layers[0].names) == 2  # whom it tells of


def test_without_its_key_a_mail_names_the_keys_that_would_open_it(gnupg: Gnupg) -> None:
    sealed = gnupg("--encrypt", "-r", person("rsa"), "-r", person("ed25519"), given=ENTITY)
    found = pgp_read.decrypt(sealed, gnupg.ring(OURS), at=now(), sender="")
    assert (found.content, found.state, found.layers[0].code) == (b"", State.no_key, "pgp_no_key")
    assert all(set(gnupg.known(person(kind)).ids) & set(found.missing) for kind in ("rsa", "ed25519"))


def test_a_mail_encrypted_with_a_password_tells_so(gnupg: Gnupg) -> None:
    sealed = gnupg("--passphrase", "x", "--s2k-count", "65536", "--symmetric", given=ENTITY)
    found = pgp_read.decrypt(sealed, gnupg.ring(OURS), at=now(), sender="")
    assert (found.state, found.layers[0].code, found.content) == (State.no_key, "pgp_password", b"")


@pytest.mark.parametrize("digest", ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"])
def test_a_signature_with_an_old_hash_is_weak_and_with_a_new_one_good(gnupg: Gnupg, digest: str) -> None:
    signature = gnupg("--digest-algo", digest, "--detach-sign", "-u", person("rsa"), given=ENTITY)
    [layer] = pgp_read.verify(ENTITY, signature, gnupg.ring(known=(person("rsa"),)), at=now(), sender=person("rsa"))
    assert (layer.verdict is Verdict.weak, layer.verdict is Verdict.good) == (digest == "SHA1", digest != "SHA1")


def test_two_signers_are_two_layers_and_the_better_one_counts(gnupg: Gnupg) -> None:
    signature = gnupg("--detach-sign", "-u", person("rsa"), "-u", person("ed25519"), given=ENTITY)
    layers = pgp_read.verify(ENTITY, signature, gnupg.ring(known=(person("rsa"),)), at=now(), sender=person("rsa"))
    assert [layer.verdict for layer in layers] == [Verdict.unknown, Verdict.good]


def test_only_a_key_that_was_taken_over_and_bears_the_address_in_from_is_good(gnupg: Gnupg) -> None:
    signature, ring = gnupg("--detach-sign", "-u", person("rsa"), given=ENTITY), gnupg.ring(known=(person("rsa"),))
    offered = replace(ring, others=[replace(ring.others[0], is_trusted=False)])
    cases = [
        (ring, person("rsa"), Verdict.good),
        (ring, "director@klant.example", Verdict.other_signer),
        (ring, "", Verdict.other_signer),  # nobody, or several, in From
        (offered, person("rsa"), Verdict.untrusted),
        (gnupg.ring(), person("rsa"), Verdict.unknown),
    ]
    for keyring, sender, verdict in cases:
        assert pgp_read.verify(ENTITY, signature, keyring, at=now(), sender=sender)[0].verdict is verdict


@pytest.mark.parametrize("ours", [OURS, "sales@bedrijf.example"])
def test_gpg_finds_our_signature_good(gnupg: Gnupg, ours: str) -> None:
    entity = read_entity(pgp_write.sign(ENTITY, gnupg.key(ours), at=now()))
    content, signature = split(entity)
    assert content == ENTITY
    assert "GOODSIG" in gnupg.verified(content, read_entity(signature).content)
    assert (entity.parameters["micalg"], entity.parameters["protocol"]) == ("pgp-sha512", "application/pgp-signature")


@pytest.mark.parametrize("kind", WRITABLE)
@pytest.mark.parametrize("ours", [OURS, "sales@bedrijf.example", ""])
def test_gpg_reads_what_we_encrypt_and_sign(gnupg: Gnupg, kind: str, ours: str) -> None:
    signer = gnupg.key(ours) if ours else None
    sealed = pgp_write.encrypt(ENTITY, [gnupg.known(person(kind)), gnupg.known(person("rsa"))], signer=signer, at=now())
    version, message = split(read_entity(sealed))
    assert read_entity(version).content.strip() == b"Version: 1"
    assert WORDS not in sealed
    content, status = gnupg.decrypted(read_entity(message).content)
    assert content == ENTITY
    assert ("GOODSIG" in status) == bool(ours)
    assert "GOODMDC" in status


def test_a_key_that_the_library_cannot_write_for_is_refused_by_name(gnupg: Gnupg) -> None:
    with pytest.raises(CannotProtect) as refused:
        pgp_write.encrypt(ENTITY, [gnupg.known(person("rsa")), gnupg.known(person("brainpool"))], signer=None, at=now())
    assert (refused.value.code, refused.value.parameters) == ("recipient_unfit", {"address": person("brainpool")})


def test_what_was_encrypted_to_a_key_that_expired_or_was_revoked_since_is_still_read(gnupg: Gnupg) -> None:
    sealed = gnupg("--encrypt", "-r", OURS, given=ENTITY)
    ring = gnupg.ring(OURS)
    dead = replace(ring, ours=[replace(gnupg.key(OURS), is_revoked=True, valid_to=now() - timedelta(days=1))])
    assert pgp_read.decrypt(sealed, dead, at=now(), sender="").content == ENTITY
