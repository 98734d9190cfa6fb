"""What came after the gpg that is installed here: keys and messages of RFC 9580, and what newer GnuPG makes for its own."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESOCB3
from pysequoia import Cert, CipherSuite, Profile, Tsk
from pysequoia import encrypt as encrypt_for

from postvak.crypto import pgp_keys, pgp_read, pgp_write
from postvak.crypto.entities import read_entity, split
from postvak.crypto.pgp_certificate import read_certificates
from postvak.crypto.pgp_packets import Tag, packets, written
from postvak.crypto.pgp_session import read_locked, unlock
from postvak.crypto.values import CannotRead, Key, State, Verdict
from tests.crypto.pki import TEXT, Ring

ANN = "ann@klant.example"
SUITES = {
    "v6 25519": (Profile.RFC9580, CipherSuite.Cv25519),
    "v6 448": (Profile.RFC9580, CipherSuite.Cv448),
    "v6 P-256": (Profile.RFC9580, CipherSuite.P256),
    "v4 P-521": (Profile.RFC4880, CipherSuite.P521),
}


def made(name: str) -> Key:
    profile, suite = SUITES[name]
    return pgp_keys.read(bytes(Tsk.generate(f"Ann <{ANN}>", profile=profile, cipher_suite=suite)))[0]


@pytest.mark.parametrize("name", SUITES)
def test_keys_of_rfc_9580_sign_and_encrypt_both_ways(name: str) -> None:
    key, at = made(name), datetime.now(UTC)
    sealed = split(read_entity(pgp_write.encrypt(TEXT, [key], signer=key, at=at)))
    found = pgp_read.decrypt(read_entity(sealed[1]).content, Ring(ours=[key]), at=at, sender=ANN)
    assert (found.content, found.state, found.layers[1].verdict) == (TEXT, State.open, Verdict.untrusted)
    content, signature = split(read_entity(pgp_write.sign(TEXT, key, at=at)))
    [layer] = pgp_read.verify(content, read_entity(signature).content, Ring(others=[key]), at=at, sender=ANN)
    assert (layer.verdict, layer.signers) == (Verdict.untrusted, (ANN,))


def test_a_changed_chunk_of_rfc_9580_or_a_missing_last_one_shows_nothing() -> None:
    key = made("v6 25519")
    sealed = encrypt_for(TEXT * 3000, [Cert.from_bytes(key.public)], armor=False)
    assert pgp_read.decrypt(sealed, Ring(ours=[key]), at=datetime.now(UTC), sender="").state is State.open
    locked, data = packets(sealed)
    for changed in (data.body[:-1] + bytes([data.body[-1] ^ 1]), data.body[:-40], data.body[:200] + data.body[201:]):
        broken = written(locked.tag, locked.body) + written(data.tag, changed)
        found = pgp_read.decrypt(broken, Ring(ours=[key]), at=datetime.now(UTC), sender="")
        assert (found.content, found.state) == (b"", State.damaged)


def test_chunks_as_newer_gnupg_makes_them_are_read_and_changes_are_found() -> None:
    """Packet 20 of draft-koch-openpgp, OCB: the gpg that is installed here can't make it."""
    key = made("v4 P-521")
    locked, _data = packets(encrypt_for(TEXT, [Cert.from_bytes(key.public)], armor=False))
    opened = read_locked(locked.body)
    part = read_certificates(key.private)[0].part_of(opened.name)
    assert part is not None
    session, head, nonce = unlock(opened, part).key, bytes([0xD4, 1, 9, 2, 0]), bytes(range(15))
    inside = written(Tag.literal, b"b\0\0\0\0\0" + TEXT)
    steps = [inside[start : start + 64] for start in range(0, len(inside), 64)]

    def sealed(index: int, content: bytes, extra: bytes = b"") -> bytes:
        own = (int.from_bytes(nonce, "big") ^ index).to_bytes(15, "big")
        return AESOCB3(session).encrypt(own, content, head + index.to_bytes(8, "big") + extra)

    body = b"".join(sealed(index, step) for index, step in enumerate(steps))
    end = sealed(len(steps), b"", len(inside).to_bytes(8, "big"))
    start = written(Tag.session_key, locked.body)
    for tail, expected in ((body + end, TEXT), (body[80:] + end, b""), (body[: -len(steps[-1]) - 16] + end, b"")):
        message = start + written(Tag.gnupg_aead, head[1:] + nonce + tail)
        assert pgp_read.decrypt(message, Ring(ours=[key]), at=datetime.now(UTC), sender="").content == expected


def test_a_post_quantum_key_is_refused_as_one_that_is_not_understood() -> None:
    key = Tsk.generate(f"Ann <{ANN}>", profile=Profile.RFC9580, cipher_suite=CipherSuite.MLDSA65_Ed25519)
    with pytest.raises(CannotRead) as refused:
        pgp_keys.read(bytes(key))
    assert refused.value.code == "unusable"
