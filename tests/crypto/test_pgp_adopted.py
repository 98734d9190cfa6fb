"""A key that adopts somebody else's subkey: it neither takes away what the true one proves, nor is it named instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from postvak.crypto import pgp_keys, pgp_read
from postvak.crypto.pgp_certificate import read_certificates
from postvak.crypto.pgp_packets import written
from postvak.crypto.pgp_signature import Sort, of_subkey
from postvak.crypto.values import Key, Layer, Verdict
from tests.crypto.by_hand import signed_by_hand
from tests.crypto.gnupg import ENTITY, Gnupg
from tests.crypto.pki import Ring

ALICE = "alice@bedrijf.example"
ENCRYPTS = b"\x02\x1b\x0c"  # key flags


@pytest.fixture(scope="module")
def alice(gnupg: Gnupg) -> Key:
    """Signs with a subkey."""
    gnupg.make(ALICE, more="Expire-Date: 0\nKey-Usage: cert")
    gnupg("--passphrase", "", "--quick-add-key", gnupg.known(ALICE).fingerprint, "ed25519", "sign", "0")
    return replace(pgp_keys.read(gnupg.public(ALICE))[0], is_trusted=True)


@pytest.fixture(scope="module")
def eve(gnupg: Gnupg, alice: Key) -> Key:
    """Offered, with the key of Alice as a subkey to encrypt to; for that Alice need not agree."""
    theirs = next(part for part in read_certificates(alice.public)[0].subkeys if part.can_sign)
    own = pgp_keys.read(gnupg.secret("rsa@klant.example"))[0]
    primary = read_certificates(own.private)[0].primary
    binding = signed_by_hand(primary, of_subkey(primary.public, theirs.public), sort=Sort.subkey, more=ENCRYPTS)
    [made] = pgp_keys.read_public(own.public + written(theirs.packet.tag, theirs.packet.body) + binding)
    assert theirs.public.fingerprint in made.ids
    return made


def judged(gnupg: Gnupg, content: bytes, *keys: Key) -> Layer:
    signature = gnupg("--detach-sign", "-u", ALICE, given=ENTITY)
    [layer] = pgp_read.verify(content, signature, Ring(others=keys), at=datetime.now(UTC), sender=ALICE)
    return layer


def test_a_key_that_adopts_the_signers_key_changes_no_verdict(gnupg: Gnupg, alice: Key, eve: Key) -> None:
    assert judged(gnupg, ENTITY, eve, alice).verdict is Verdict.good
    assert judged(gnupg, ENTITY + b"x", eve, alice).subject == alice.subject
    offered = replace(alice, is_trusted=False)
    assert judged(gnupg, ENTITY, replace(eve, is_trusted=True), offered).verdict is Verdict.untrusted


def test_who_adopts_a_key_is_not_told_as_the_signer(gnupg: Gnupg, eve: Key) -> None:
    layer = judged(gnupg, ENTITY, eve)
    assert (layer.verdict, layer.code, layer.key, layer.subject) == (Verdict.unknown, "key_not_for_signing", "", "")
