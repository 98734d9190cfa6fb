"""Copies of one OpenPGP key, an older and a newer one: nothing that one of them knows is lost."""

from __future__ import annotations

import pytest

from postvak.crypto import pgp_keys
from postvak.crypto.pgp_certificate import read_certificates
from postvak.crypto.pgp_merge import merged
from postvak.crypto.pgp_packets import packets
from tests.crypto.gnupg import Gnupg

MOVED, OLD = "moved@klant.example", "moved-old@klant.example"


@pytest.fixture(scope="module")
def copies(gnupg: Gnupg) -> tuple[bytes, bytes]:
    """Secret keys: as it was first; then with a newer subkey, one name withdrawn and the first subkey revoked."""
    gnupg.make(MOVED)
    fingerprint = gnupg.known(MOVED).fingerprint
    gnupg("--passphrase", "", "--quick-add-uid", fingerprint, f"Moved <{OLD}>")
    before = gnupg.secret(MOVED)
    gnupg("--passphrase", "", "--quick-add-key", fingerprint, "cv25519", "encr", "0")
    gnupg("--passphrase", "", "--quick-revoke-uid", fingerprint, f"Moved <{OLD}>")
    return before, gnupg.secret(MOVED)


def test_an_older_copy_takes_nothing_away_whichever_comes_last(copies: tuple[bytes, bytes]) -> None:
    before, after = copies
    for one, other in ((before, after), (after, before)):
        (old,), (new,) = pgp_keys.read(one), pgp_keys.read(other)
        [public] = pgp_keys.read_public(merged(old.public, new.public))
        assert public.emails == (MOVED,)
        [certificate] = read_certificates(merged(old.private, new.private))
        assert [bool(part.tail) for part in certificate.parts] == [True, True, True]


def test_a_public_copy_never_takes_the_secret_out(copies: tuple[bytes, bytes]) -> None:
    [key] = pgp_keys.read(copies[0])
    for content in (merged(key.private, key.public), merged(key.public, key.private)):
        assert set(packets(content)) == set(packets(key.private))


def test_another_key_and_what_is_no_key_change_nothing(gnupg: Gnupg) -> None:
    ours, theirs = gnupg.known("rsa@klant.example").public, gnupg.known("ed25519@klant.example").public
    assert merged(ours, theirs) == ours
    assert merged(ours, b"nonsense") == ours
    assert set(packets(merged(ours, ours))) == set(packets(ours))
