"""OpenPGP made to keep us busy: small mails that unpack to gigabytes, or that want thousands of keys tried."""

from __future__ import annotations

import bz2
import zlib
from base64 import b64encode
from datetime import UTC, datetime

import pytest

from postvak.crypto import autocrypt, pgp_keys, pgp_message, pgp_read
from postvak.crypto.budget import Budget
from postvak.crypto.pgp_ciphers import Unsupported
from postvak.crypto.pgp_material import is_signed, read_public
from postvak.crypto.pgp_packets import Packet, Tag, mpi, packets, written
from postvak.crypto.pgp_session import Locked, Session
from postvak.crypto.values import Key, State, Verdict
from tests.crypto.gnupg import ENTITY, Gnupg
from tests.crypto.pki import Ring

OURS, ANN = "support@bedrijf.example", "ed25519@klant.example"


def now() -> datetime:
    return datetime.now(UTC)


def packed(content: bytes) -> bytes:
    return written(Tag.compressed, b"\x02" + zlib.compress(written(Tag.literal, b"b\x00\x00\x00\x00\x00" + content)))


def test_a_small_message_never_unpacks_to_more_than_a_small_mail() -> None:
    inside = written(Tag.literal, b"b\x00\x00\x00\x00\x00" + bytes(3_000_000))
    for bomb in (packed(bytes(3_000_000)), written(Tag.compressed, b"\x03" + bz2.compress(inside))):
        with pytest.raises(pgp_message.Bomb):
            pgp_message.read_content(bomb, Budget())
        assert pgp_read.decrypt(bomb, Ring(), at=now(), sender="").state is State.damaged
    assert len(pgp_message.read_content(packed(bytes(900_000)), Budget()).content) == 900_000


def test_all_the_messages_of_one_mail_share_what_may_be_unpacked() -> None:
    budget = Budget(room=150_000)
    found = [pgp_read.decrypt(packed(bytes(100_000)), Ring(), at=now(), sender="", budget=budget) for _ in range(2)]
    assert [one.state for one in found] == [State.plain, State.damaged]
    assert found[1].layers[0].code == "too_large"


def test_session_keys_without_end_are_not_all_tried(gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch) -> None:
    locked, data = packets(gnupg("--encrypt", "-r", OURS, given=ENTITY))
    many = written(locked.tag, locked.body) * 150 + written(data.tag, data.body[:-1] + b"x")
    tries, unlock = [], pgp_read.unlock

    def counted(one: Locked, part: pgp_read.Part) -> Session:
        tries.append(one)
        return unlock(one, part)

    monkeypatch.setattr(pgp_read, "unlock", counted)
    budget = Budget()
    for _ in range(3):
        assert pgp_read.decrypt(many, gnupg.ring(OURS), at=now(), sender="", budget=budget).state is State.damaged
    assert len(tries) < 50
    assert pgp_read.decrypt(many, gnupg.ring(OURS), at=now(), sender="", budget=budget).layers[0].code == "failed"


def test_an_rsa_key_of_a_size_that_only_costs_time_checks_nothing() -> None:
    for modulus, exponent in ((1 << 3071 | 1, 1 << 3060 | 1), (1 << 9000 | 1, 65537)):
        body = b"\x04\x00\x00\x00\x00\x01" + mpi(modulus) + mpi(exponent)
        public, _rest = read_public(Packet(Tag.public_key, body))
        with pytest.raises(Unsupported):
            is_signed(public, digest=bytes(32), number=8, signature=(1,))


def test_of_two_autocrypt_fields_none_is_even_read(gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch) -> None:
    read = list[bytes]()

    def recorded(content: bytes, *_more: object) -> list[Key]:
        read.append(content)
        return []

    monkeypatch.setattr(pgp_keys, "read_public", recorded)
    field = b"addr=" + ANN.encode() + b"; keydata=" + b64encode(gnupg.known(ANN).public)
    assert autocrypt.of_header([("Autocrypt", field)] * 2, sender=ANN) == []
    assert read == []
    autocrypt.of_header([("Autocrypt", field)], sender=ANN)
    assert len(read) == 1


def test_keys_that_come_along_are_read_as_far_as_the_budget_of_the_mail_goes(gnupg: Gnupg) -> None:
    content = gnupg("--export", ANN)
    assert autocrypt.of_attachment(content, Budget())
    budget = Budget(checks=5)
    found = [bool(autocrypt.of_attachment(content, budget)) for _ in range(5)]
    assert (found[0], found[-1]) == (True, False)


def test_signatures_without_end_are_unknown_and_not_all_checked(gnupg: Gnupg) -> None:
    signature = gnupg("--detach-sign", "-u", ANN, given=ENTITY)
    ring, budget = gnupg.ring(known=(ANN,)), Budget(checks=3)
    verdicts = [
        pgp_read.verify(ENTITY, signature, ring, at=now(), sender=ANN, budget=budget)[0].verdict for _ in range(5)
    ]
    assert verdicts == [Verdict.good] * 3 + [Verdict.unknown] * 2


def test_bogus_signatures_before_it_hide_no_revocation(gnupg: Gnupg) -> None:
    gnupg.make("padded@klant.example")
    fingerprint = gnupg.known("padded@klant.example").fingerprint
    certificate = (gnupg.folder / "openpgp-revocs.d" / f"{fingerprint.upper()}.rev").read_bytes()
    gnupg("--import", given=certificate.replace(b":-----BEGIN", b"-----BEGIN"))
    primary, revocation, *rest = packets(gnupg("--export", "padded@klant.example"))
    bogus = written(Tag.signature, revocation.body[:-1] + bytes([revocation.body[-1] ^ 1]))

    def padded(count: int) -> bytes:
        start, end = written(primary.tag, primary.body), [revocation, *rest]
        return start + bogus * count + b"".join(written(packet.tag, packet.body) for packet in end)

    assert pgp_keys.read(padded(400))[0].is_revoked
    with pytest.raises(pgp_keys.CannotRead):
        pgp_keys.read(padded(3000))
