"""A copy of an OpenPGP key that an administrator hands in joins the one that is here."""

from collections.abc import Iterator

import pytest

from postvak.crypto import pgp_keys
from postvak.crypto.pgp_certificate import read_certificates
from postvak.keys import store
from postvak.keys.keyring import TableKeyring
from tests.crypto.gnupg import Gnupg

pytestmark = pytest.mark.django_db
NEW, OLD = "new@klant.example", "old@klant.example"


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, bytes]]:
    """An older copy, and a newer one with one more subkey and one name less."""
    folder = tmp_path_factory.mktemp("g")
    folder.chmod(0o700)
    gpg = Gnupg(folder)
    gpg.make(NEW)
    fingerprint = gpg.known(NEW).fingerprint
    gpg("--passphrase", "", "--quick-add-uid", fingerprint, f"Old <{OLD}>")
    before = gpg.secret(NEW)
    gpg("--passphrase", "", "--quick-add-key", fingerprint, "cv25519", "encr", "0")
    gpg("--passphrase", "", "--quick-revoke-uid", fingerprint, f"Old <{OLD}>")
    yield before, gpg.secret(NEW)
    gpg.stop()


def add(content: bytes) -> None:
    store.add(pgp_keys.read(content), source="uploaded", state="in_use")


def test_to_an_address_that_was_withdrawn_nothing_is_encrypted_any_more(copies: tuple[bytes, bytes]) -> None:
    before, after = copies
    for content, addresses in ((before, 2), (after, 1), (before, 1)):
        add(content)
        found = [TableKeyring().of_address(email, pgp_keys.Kind.pgp) for email in (NEW, OLD)]
        assert [len(one) for one in found] == [1, addresses - 1]


def test_an_older_copy_takes_no_subkey_from_the_one_that_is_here(copies: tuple[bytes, bytes]) -> None:
    before, after = copies
    add(after)
    add(before)
    [key] = TableKeyring().private(())
    assert [bool(part.tail) for part in read_certificates(key.private)[0].parts] == [True, True, True]
