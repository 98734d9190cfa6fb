"""Keys that come with mails: whose they are said to be must be who wrote, or to whom it went."""

from __future__ import annotations

from base64 import b64encode

import pytest

from postvak.crypto import autocrypt
from tests.crypto.gnupg import Gnupg

ANN, EVE = "ed25519@klant.example", "rsa@klant.example"


def field(gnupg: Gnupg, address: str, *, key: str = "", more: bytes = b"") -> bytes:
    data = b64encode(gnupg.known(key or address).public)
    return b"addr=" + address.encode() + b"; " + more + b"keydata=\r\n " + data[:70] + b"\r\n " + data[70:]


def test_the_key_of_the_sender_is_offered_and_not_trusted(gnupg: Gnupg) -> None:
    [key] = autocrypt.of_header(
        [("Autocrypt", field(gnupg, ANN, more=b"prefer-encrypt=mutual; _note=x; "))], sender=ANN
    )
    assert (key.fingerprint, key.is_trusted, key.private) == (gnupg.known(ANN).fingerprint, False, b"")


def test_our_own_header_is_one_that_we_would_read(gnupg: Gnupg) -> None:
    value = autocrypt.header_of(gnupg.key(ANN), address=ANN)
    assert autocrypt.of_header([("Autocrypt", value)], sender=ANN)[0].fingerprint == gnupg.key(ANN).fingerprint
    assert max(map(len, value.splitlines())) < 100


@pytest.mark.parametrize("name", ["other", "two", "critical", "no_key", "twice", "broken", "long"])
def test_a_header_that_isnt_valid_or_about_somebody_else_is_ignored(gnupg: Gnupg, name: str) -> None:
    good = field(gnupg, ANN)
    fields = {
        "other": [field(gnupg, EVE)],
        "two": [good, field(gnupg, ANN, key=EVE)],
        "critical": [field(gnupg, ANN, more=b"must=understand; ")],
        "no_key": [b"addr=" + ANN.encode()],
        "twice": [b"addr=" + EVE.encode() + b"; " + good],
        "broken": [good[:-200]],
        "long": [good + b" " * 50_000],
    }[name]
    assert autocrypt.of_header([("Autocrypt", value) for value in fields], sender=ANN) == []
    assert autocrypt.of_header([("Autocrypt", good)], sender="") == []


def test_gossip_counts_for_the_recipients_of_the_mail_only(gnupg: Gnupg) -> None:
    fields = [
        ("Autocrypt-Gossip", field(gnupg, ANN)),
        ("Autocrypt-Gossip", field(gnupg, EVE)),
        ("Autocrypt-Gossip", b"nonsense"),
    ]
    assert [key.emails for key in autocrypt.of_gossip(fields, recipients=[ANN])] == [(ANN,)]


def test_an_attached_secret_key_is_offered_without_its_secret(gnupg: Gnupg) -> None:
    [key] = autocrypt.of_attachment(gnupg.secret(ANN))
    assert (key.private, key.fingerprint) == (b"", gnupg.known(ANN).fingerprint)
    assert autocrypt.of_attachment(b"no key") == []
    assert autocrypt.of_attachment(bytes(2_000_000)) == []
