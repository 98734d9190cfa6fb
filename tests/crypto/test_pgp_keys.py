"""OpenPGP keys out of files: what is believed of them, and how a passphrase is taken off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pysequoia import ArmorKind

from postvak.crypto import pgp_keys, pgp_read, pgp_write
from postvak.crypto.pgp_packets import Tag, packets, written
from postvak.crypto.pgp_write import armoured
from postvak.crypto.values import CannotProtect, CannotRead, Key, State, Verdict
from tests.crypto.gnupg import ENTITY, PASSPHRASE, Gnupg
from tests.crypto.pki import Ring


def now() -> datetime:
    return datetime.now(UTC)


def code(content: bytes, password: str = "") -> str:
    with pytest.raises(CannotRead) as refused:
        pgp_keys.read(content, password)
    return refused.value.code


def works(ours: Key) -> bool:
    """Can it decrypt and sign?"""
    entity = pgp_write.encrypt(ENTITY, [ours], signer=ours, at=now())
    found = pgp_read.decrypt(entity, Ring(ours=[ours]), at=now(), sender="")
    return found.state is State.open and found.layers[1].verdict is Verdict.untrusted


def test_a_key_tells_whose_it_is_and_how_mails_name_it(gnupg: Gnupg) -> None:
    [key] = pgp_keys.read(gnupg.public("rsa@klant.example"))
    assert (key.subject, key.emails, key.algorithm) == ("Rsa <rsa@klant.example>", ("rsa@klant.example",), "RSA 2048")
    assert key.fingerprint in key.ids
    assert len(key.ids) == 4  # fingerprint and key id of the key and of its subkey
    assert (key.private, key.valid_to, key.is_trusted) == (b"", None, False)


def test_several_keys_in_one_file_armoured_or_not_are_all_read(gnupg: Gnupg) -> None:
    binary = gnupg("--export", "rsa@klant.example", "ed25519@klant.example")
    text = b"Our keys:\r\n" + gnupg.public("rsa@klant.example") + b"and\r\n" + gnupg.public("ed25519@klant.example")
    expected = {key.fingerprint for key in pgp_keys.read(binary)}
    assert len(expected) == 2
    assert {key.fingerprint for key in pgp_keys.read(text)} == expected


@pytest.fixture(scope="session")
def protected(gnupg: Gnupg) -> bytes:
    gnupg.make("locked@bedrijf.example", passphrase=PASSPHRASE)
    return gnupg.secret("locked@bedrijf.example", PASSPHRASE)


def test_a_secret_key_loses_its_passphrase_when_it_is_read(protected: bytes) -> None:
    assert code(protected) == "needs_password"
    assert code(protected, "not it") == "wrong_password"
    [key] = pgp_keys.read(protected, PASSPHRASE)
    assert works(key)
    assert PASSPHRASE.encode() not in key.private
    assert not any(packet.tag in {Tag.secret_key, Tag.secret_subkey} for packet in packets(key.public))


def test_a_secret_key_that_was_changed_in_its_file_is_not_taken(protected: bytes) -> None:
    first, *rest = packets(protected)
    body = first.body[:-21] + bytes([first.body[-21] ^ 1]) + first.body[-20:]
    changed = written(first.tag, body) + b"".join(written(packet.tag, packet.body) for packet in rest)
    assert code(changed, PASSPHRASE) == "wrong_password"


def test_gpg_can_use_the_secret_key_that_we_keep(protected: bytes, gnupg: Gnupg, tmp_path: Path) -> None:
    [key] = pgp_keys.read(protected, PASSPHRASE)
    home = tmp_path / "other"
    home.mkdir(mode=0o700)
    try:
        gnupg("--import", given=key.private, home=home)
        assert gnupg("--decrypt", given=gnupg("--encrypt", "-r", key.fingerprint, given=ENTITY), home=home) == ENTITY
    finally:
        gnupg.stop(home)


def test_a_key_without_its_primary_secret_signs_and_decrypts_with_its_subkeys(gnupg: Gnupg) -> None:
    gnupg.make("offline@bedrijf.example", more="Expire-Date: 0\nKey-Usage: cert")
    fingerprint = pgp_keys.read(gnupg.public("offline@bedrijf.example"))[0].fingerprint
    gnupg("--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign", "0")
    [key] = pgp_keys.read(gnupg("--passphrase", "", "--export-secret-subkeys", fingerprint))
    assert works(key)


def test_an_expired_key_is_told_and_neither_signs_nor_is_encrypted_to(gnupg: Gnupg) -> None:
    gnupg.make("late@bedrijf.example", more="Expire-Date: 1d", when="20200101T000000")
    key = gnupg.key("late@bedrijf.example")
    assert key.valid_to
    assert key.valid_to.date() == datetime(2020, 1, 2, tzinfo=UTC).date()
    signature = gnupg(
        "--faked-system-time", "20200101T120000", "--detach-sign", "-u", "late@bedrijf.example", given=ENTITY
    )

    def verdict(at: datetime) -> Verdict | None:
        return pgp_read.verify(ENTITY, signature, Ring(others=[key]), at=at, sender="late@bedrijf.example")[0].verdict

    assert verdict(key.valid_to + timedelta(days=3)) is Verdict.good  # it was valid when it signed
    assert verdict(now()) is Verdict.expired  # who has the key today can write any day into a signature
    assert refusal(key, now()) == ("recipient_expired", "signer_expired")
    assert pgp_write.why_not_encrypt(key, key.valid_to - timedelta(hours=1)) == ""


def test_a_signature_from_after_the_end_of_its_key_is_expired(gnupg: Gnupg) -> None:
    gnupg.make("later@bedrijf.example", more="Expire-Date: 1d", when="20200101T000000")
    before = gnupg.known("later@bedrijf.example")
    gnupg("--faked-system-time", "20200101T120000", "--quick-set-expire", before.fingerprint, "10d")
    signature = gnupg(
        "--faked-system-time", "20200105T000000", "--detach-sign", "-u", "later@bedrijf.example", given=ENTITY
    )
    after = gnupg.known("later@bedrijf.example")
    at = datetime(2020, 1, 5, 12, tzinfo=UTC)
    for key, verdict in ((before, Verdict.expired), (after, Verdict.good)):
        [layer] = pgp_read.verify(ENTITY, signature, Ring(others=[key]), at=at, sender="later@bedrijf.example")
        assert layer.verdict is verdict


def refusal(key: Key, at: datetime) -> tuple[str, str]:
    return pgp_write.why_not_encrypt(key, at), pgp_write.why_not_sign(key, at)


def test_a_key_signs_again_when_its_public_part_was_prolonged(gnupg: Gnupg) -> None:
    gnupg.make("longer@bedrijf.example", more="Expire-Date: 1d", when="20200101T000000")
    old = pgp_keys.read(gnupg.secret("longer@bedrijf.example"))[0]
    assert pgp_write.why_not_sign(old, now()) == "signer_expired"
    gnupg("--faked-system-time", "20200101T120000", "--quick-set-expire", old.fingerprint, "0")
    new = gnupg.known("longer@bedrijf.example")
    assert pgp_write.why_not_sign(replace(old, public=new.public, valid_to=new.valid_to), now()) == ""


def test_a_key_that_its_owner_revoked_counts_for_nothing_any_more(gnupg: Gnupg) -> None:
    gnupg.make("gone@klant.example")
    signature = gnupg("--detach-sign", "-u", "gone@klant.example", given=ENTITY)
    fingerprint = gnupg.key("gone@klant.example").fingerprint
    certificate = (gnupg.folder / "openpgp-revocs.d" / f"{fingerprint.upper()}.rev").read_bytes()
    gnupg("--import", given=certificate.replace(b":-----BEGIN", b"-----BEGIN"))
    revoked = gnupg.known("gone@klant.example")
    assert revoked.is_revoked
    assert refusal(revoked, now())[0] == "recipient_revoked"
    [layer] = pgp_read.verify(ENTITY, signature, Ring(others=[revoked]), at=now(), sender="gone@klant.example")
    assert layer.verdict is Verdict.revoked


def test_a_subkey_that_expired_alone_makes_encrypting_impossible(gnupg: Gnupg) -> None:
    gnupg.make("half@klant.example", more="Expire-Date: 0\nKey-Usage: sign,cert", when="20200101T000000")
    key = gnupg.known("half@klant.example")
    subkey = next(name for name in key.ids if len(name) == 40 and name != key.fingerprint)
    gnupg("--faked-system-time", "20200101T000001", "--quick-set-expire", key.fingerprint, "1d", subkey)
    key = gnupg.known("half@klant.example")
    assert key.valid_to  # the end of what can be done with it, though the key itself has none
    assert key.valid_to < now()
    assert pgp_write.why_not_encrypt(replace(key, valid_to=None), now()) == "recipient_expired"


def test_of_two_subkeys_only_the_one_that_is_valid_is_encrypted_to(gnupg: Gnupg) -> None:
    gnupg.make("two@klant.example", when="20200101T000000")
    fingerprint = gnupg.known("two@klant.example").fingerprint
    gnupg(
        "--faked-system-time",
        "20200101T000001",
        "--passphrase",
        "",
        "--quick-add-key",
        fingerprint,
        "cv25519",
        "encr",
        "1d",
    )
    key = pgp_keys.read(gnupg.secret("two@klant.example"))[0]
    entity = pgp_write.encrypt(ENTITY, [key], signer=None, at=now())
    found = pgp_read.decrypt(entity, Ring(ours=[key]), at=now(), sender="")
    assert (found.content, len(found.layers[0].names), key.valid_to) == (ENTITY, 1, None)


def test_a_key_without_encryption_subkey_is_refused_with_the_address(gnupg: Gnupg) -> None:
    gnupg.make("signs@klant.example")
    fingerprint = gnupg.key("signs@klant.example").fingerprint
    every = packets(gnupg("--export", fingerprint))
    alone = every[: next(place for place, packet in enumerate(every) if packet.tag == Tag.public_subkey)]
    [key] = pgp_keys.read(b"".join(written(packet.tag, packet.body) for packet in alone))
    with pytest.raises(CannotProtect) as refused:
        pgp_write.encrypt(ENTITY, [key], signer=None, at=now())
    assert (refused.value.code, refused.value.parameters) == ("recipient_unfit", {"address": "signs@klant.example"})


def test_a_short_key_is_read_and_nothing_new_is_made_with_it(gnupg: Gnupg) -> None:
    gnupg.make("short@klant.example", kind="short")
    key = gnupg.key("short@klant.example")
    assert (key.can_sign, key.can_encrypt, refusal(key, now())) == (False, False, ("recipient_unfit", "signer_unfit"))
    sealed = gnupg("--sign", "--encrypt", "-r", "short@klant.example", "-u", "short@klant.example", given=ENTITY)
    found = pgp_read.decrypt(sealed, Ring(ours=[key]), at=now(), sender="short@klant.example")
    assert (found.content, found.layers[1].verdict, found.layers[1].code) == (ENTITY, Verdict.weak, "weak_key")


def test_names_and_subkeys_that_somebody_else_appended_are_not_believed(gnupg: Gnupg) -> None:
    ours, theirs = packets(gnupg("--export", "rsa@klant.example")), packets(gnupg("--export", "ed25519@klant.example"))
    strange_name = b"".join(written(packet.tag, packet.body) for packet in theirs[1:3])
    strange_subkey = b"".join(written(packet.tag, packet.body) for packet in theirs[3:5])
    mixed = b"".join(written(packet.tag, packet.body) for packet in ours) + strange_name + strange_subkey
    [key] = pgp_keys.read(mixed)
    assert key.emails == ("rsa@klant.example",)
    assert len(key.ids) == 4
    bare = b"".join(written(packet.tag, packet.body) for packet in ours[:1])
    assert code(bare) == "unusable"  # nothing says that it is anybody's, or until when


@pytest.mark.parametrize(
    ("user_id", "emails"),
    [
        ("Ann <ann@klant.example>", ("ann@klant.example",)),
        ("ann@klant.example", ("ann@klant.example",)),
        ("Ann (work) <Ann@KLANT.example>", ("ann@klant.example",)),
        ("bank@example.org <eve@evil.example>", ("eve@evil.example",)),
        ("Ann <ann@klant.example> <eve@evil.example>", ()),
        ("Ann <ann@klant.example", ()),
        ("Ann", ()),
    ],
)
def test_a_user_id_has_one_address_or_none(user_id: str, emails: tuple[str, ...]) -> None:
    assert pgp_keys.emails_of([user_id]) == emails


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x30\x82\x01\x00", armoured(b"nothing", ArmorKind.PublicKey), b"\x99\x01"]
)
def test_what_is_no_key_is_refused(content: bytes) -> None:
    assert code(content) in {"no_key", "unusable"}
