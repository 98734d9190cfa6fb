"""OpenPGP that somebody tampered with, or made to deceive: what is shown as signed is exactly what was signed, and nothing that was
changed on its way is shown as decrypted."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysequoia import ArmorKind

from postvak.crypto import autocrypt, pgp_message, pgp_read, protected_header
from postvak.crypto.budget import Budget
from postvak.crypto.pgp_certificate import read_certificates
from postvak.crypto.pgp_packets import Malformed, Tag, packets, written
from postvak.crypto.pgp_write import armoured
from postvak.crypto.values import State, Verdict
from tests.crypto.by_hand import signed_by_hand
from tests.crypto.gnupg import ENTITY, WORDS, Gnupg
from tests.crypto.pki import Ring

OURS, ANN = "support@bedrijf.example", "ed25519@klant.example"


def now() -> datetime:
    return datetime.now(UTC)


def literal(content: bytes) -> bytes:
    return written(Tag.literal, b"b\x00\x00\x00\x00\x00" + content)


def test_every_flipped_byte_in_what_is_encrypted_shows_nothing(gnupg: Gnupg) -> None:
    sealed, ring = gnupg("--encrypt", "-r", OURS, given=ENTITY), gnupg.ring(OURS)
    start = len(sealed) - 60
    for place in (start, start + 20, len(sealed) - 1, len(sealed) - 25):
        changed = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        found = pgp_read.decrypt(changed, ring, at=now(), sender="")
        assert (found.content, found.state) == (b"", State.damaged)
    found = pgp_read.decrypt(sealed[:-22], ring, at=now(), sender="")
    assert (found.content, found.state) == (b"", State.damaged)


def test_a_message_without_protection_against_changes_is_never_shown(gnupg: Gnupg) -> None:
    keys, data = packets(gnupg("--encrypt", "-r", OURS, given=ENTITY))
    stripped = written(keys.tag, keys.body) + written(Tag.unprotected, data.body[1:])
    found = pgp_read.decrypt(stripped, gnupg.ring(OURS), at=now(), sender="")
    assert (found.content, found.state, found.layers[0].code) == (b"", State.damaged, "pgp_unprotected")


def test_plain_packets_beside_the_encrypted_one_are_refused(gnupg: Gnupg) -> None:
    sealed, ring = gnupg("--encrypt", "-r", OURS, given=ENTITY), gnupg.ring(OURS)
    for mixed in (literal(b"Send money") + sealed, sealed + literal(b"Send money"), sealed + sealed):
        found = pgp_read.decrypt(mixed, ring, at=now(), sender="")
        assert (found.content, found.state) == (b"", State.damaged)


def test_two_contents_under_one_signature_are_refused(gnupg: Gnupg) -> None:
    signed = packets(gnupg("-z", "0", "--sign", "-u", ANN, given=ENTITY))
    again = b"".join(written(packet.tag, packet.body) for packet in signed) + literal(b"Send money")
    assert pgp_read.decrypt(again, gnupg.ring(known=(ANN,)), at=now(), sender=ANN).content == b""


def test_a_content_that_unpacks_to_too_much_is_refused() -> None:
    bomb = written(Tag.compressed, b"\x02" + zlib.compress(literal(bytes(10_000_000))))
    with pytest.raises(pgp_message.Bomb):
        pgp_message.read_content(bomb, Budget())
    nested = literal(b"x")
    for _ in range(50):
        nested = written(Tag.compressed, b"\x02" + zlib.compress(nested))
    with pytest.raises(Malformed):
        pgp_message.read_content(nested, Budget())


def test_clear_signed_text_is_all_that_counts_and_words_around_it_are_not_signed(gnupg: Gnupg) -> None:
    block = gnupg("--clear-sign", "-u", ANN, given=b"Pay 10 euro\n")
    mixed = b"Pay 1000 euro\r\n\r\n" + block + b"\r\nto this account\r\n"
    before, signed, after = pgp_read.inline(mixed, gnupg.ring(known=(ANN,)), at=now(), sender=ANN)
    assert (signed.text.strip(), signed.layers[0].verdict, signed.layers[0].covers_all) == (
        b"Pay 10 euro",
        Verdict.good,
        False,
    )
    assert [(one.is_armoured, one.layers) for one in (before, after)] == [(False, ()), (False, ())]
    assert b"1000" in before.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hash: SHA512\n\n", b"Hash: SHA512\nPay 1000 euro\n\n"),
        (b"Hash: SHA512\n\n", b"Hash: SHA512\nNote: Pay 1000 euro\n\n"),
        (b"Hash: SHA512\n\n", b"Pay 1000 euro\n\n"),
        (b"Hash: SHA512\n\n", b"Hash: SHA512\n\nPay 1000 euro\n"),
        (b"Pay 10 euro", b"Pay 1000 euro"),
    ],
)
def test_words_smuggled_into_clear_signed_text_make_it_changed(gnupg: Gnupg, old: bytes, new: bytes) -> None:
    block = gnupg("--digest-algo", "SHA512", "--clear-sign", "-u", ANN, given=b"Pay 10 euro\n")
    assert old in block
    [found] = pgp_read.inline(block.replace(old, new), gnupg.ring(known=(ANN,)), at=now(), sender=ANN)
    assert found.layers[0].verdict is Verdict.changed
    assert b"1000" in found.text  # it is shown, and not as signed


def test_a_signature_of_a_subkey_that_is_only_for_encrypting_proves_nothing(gnupg: Gnupg) -> None:
    gnupg.make("split@klant.example", kind="rsa", more="Expire-Date: 0\nSubkey-Usage: encrypt")
    key = gnupg.key("split@klant.example")
    primary, subkey = read_certificates(key.private)[0].parts
    for part, verdict in ((primary, Verdict.good), (subkey, Verdict.unknown)):
        signature = signed_by_hand(part, ENTITY)
        [layer] = pgp_read.verify(ENTITY, signature, Ring(others=[key]), at=now(), sender="split@klant.example")
        assert layer.verdict is verdict


def test_a_signature_over_text_counts_whatever_its_line_ends_are(gnupg: Gnupg) -> None:
    signature = gnupg("--textmode", "--detach-sign", "-u", ANN, given=b"one\r\ntwo\r\n")
    found = pgp_read.decrypt(signature + literal(b"one\ntwo\n"), gnupg.ring(known=(ANN,)), at=now(), sender=ANN)
    assert (found.content, found.state, found.layers[0].verdict) == (b"one\ntwo\n", State.plain, Verdict.good)


def test_an_inline_message_among_words_is_opened_and_covers_only_itself(gnupg: Gnupg) -> None:
    block = gnupg("--armor", "--encrypt", "-r", OURS, given=b"The secret word is Hyacint.\n")
    found = pgp_read.inline(b"Dear all,\n" + block + b"\nBye\n", gnupg.ring(OURS), at=now(), sender="")
    assert [one.text.strip() for one in found] == [b"Dear all,", b"The secret word is Hyacint.", b"Bye"]
    assert [layer.covers_all for one in found for layer in one.layers] == [False]
    assert pgp_read.inline(b"no armour here", gnupg.ring(OURS), at=now(), sender="") == []


def test_armour_with_a_charset_line_stray_blanks_and_no_checksum_is_read(gnupg: Gnupg) -> None:
    block = gnupg("--armor", "--encrypt", "-r", OURS, given=ENTITY)
    begin, *lines, end = [line for line in block.splitlines() if not line.startswith(b"=")]
    spoiled = [begin, b"Version: 1", b"Charset: iso-8859-15", *(line + b" \xc2\xa0" for line in lines), end]
    [found] = pgp_read.inline(b"\r\n".join(spoiled), gnupg.ring(OURS), at=now(), sender="")
    assert (found.text, found.charset) == (ENTITY, "iso-8859-15")


def test_a_text_full_of_armour_marks_is_read_in_no_time() -> None:
    text = b"-----BEGIN PGP MESSAGE-----\n" * 50_000
    assert pgp_read.inline(text, Ring(), at=now(), sender="") == []


@pytest.fixture(scope="session")
def good(gnupg: Gnupg) -> list[bytes]:
    """One of each kind that is read."""
    return [
        gnupg("--sign", "--encrypt", "-r", OURS, "-u", ANN, given=ENTITY),
        gnupg("--armor", "-z", "0", "--sign", "--encrypt", "-r", OURS, "-u", ANN, given=ENTITY),
        gnupg("--clear-sign", "-u", ANN, given=ENTITY),
        gnupg("--detach-sign", "-u", ANN, given=ENTITY),
        gnupg("--export", ANN),
        protected_header.write(ENTITY, [("Subject", b"x")], is_encrypted=True, hides_subject=True),
        b"addr=ed25519@klant.example; keydata=" + gnupg("--armor", "--export", ANN),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_whatever_make_reading_raise(gnupg: Gnupg, good: list[bytes], data: st.DataObject) -> None:
    content = data.draw(st.one_of(st.binary(max_size=200), st.sampled_from(good).flatmap(mutated)))
    ring, at = gnupg.ring(OURS, known=(ANN,)), now()
    for way in (partial(pgp_read.decrypt, sender=ANN), partial(pgp_read.inline, sender=ANN)):
        way(content, ring, at=at)  # type: ignore[operator]
    pgp_read.is_openpgp(content)
    pgp_read.verify(ENTITY, content, ring, at=at, sender=ANN)
    pgp_read.inline(armoured(content, ArmorKind.Message), ring, at=at, sender=ANN)
    protected_header.read(content)
    autocrypt.of_header([("Autocrypt", content)], sender=ANN)
    autocrypt.of_gossip([("Autocrypt-Gossip", content)], recipients=[ANN])
    autocrypt.of_attachment(content)


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """A few bytes changed, cut out or put in."""
    change = st.tuples(st.integers(0, len(content)), st.integers(0, 8), st.binary(max_size=8))

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        found = content
        for place, length, new in changes:
            found = found[:place] + new + found[place + length :]
        return found

    return st.lists(change, min_size=1, max_size=4).map(apply)


def test_words_of_the_mail_stand_nowhere_in_what_is_told_about_a_failure(gnupg: Gnupg) -> None:
    sealed = gnupg("--encrypt", "-r", OURS, given=ENTITY)
    found = pgp_read.decrypt(sealed[:-3], gnupg.ring(OURS), at=now(), sender="")
    assert WORDS.decode() not in repr(found)
