"""PGP/MIME as we send it: what can't be protected isn't made, whatever happens on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pysequoia import ArmorKind

from postvak.crypto import pgp_read, pgp_write
from postvak.crypto.entities import read_entity, split
from postvak.crypto.pgp_packets import Tag, written
from postvak.crypto.values import CannotProtect, State
from tests.crypto.gnupg import ENTITY, WORDS, Gnupg

OURS, ANN = "support@bedrijf.example", "ed25519@klant.example"


def now() -> datetime:
    return datetime.now(UTC)


class Panic(BaseException):
    """What the Rust library throws when it breaks down: no Exception."""


@pytest.mark.parametrize("failure", [RuntimeError(WORDS), MemoryError(), Panic(WORDS)])
def test_whatever_the_library_throws_is_a_refusal_without_words_of_the_mail(
    gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def broken(*_arguments: object, **_more: object) -> bytes:
        raise failure

    ours, ann = gnupg.key(OURS), gnupg.known(ANN)
    monkeypatch.setattr(pgp_write, "sign_with", broken)
    with pytest.raises(CannotProtect) as refused:
        pgp_write.sign(ENTITY, ours, at=now())
    assert WORDS.decode() not in str(refused.value)
    monkeypatch.setattr(pgp_write, "encrypt_for", broken)
    with pytest.raises(CannotProtect) as refused:
        pgp_write.encrypt(ENTITY, [ann], signer=ours, at=now())
    assert WORDS.decode() not in str(refused.value)


@pytest.mark.parametrize("made", ["clear", "for_nobody", "for_another", "for_one_more", "with_password"])
def test_what_the_library_made_is_looked_at_before_it_is_let_out(
    gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    wrong = {
        "clear": written(Tag.literal, b"b\0\0\0\0\0" + ENTITY),
        "for_nobody": b"",
        "for_another": gnupg("--encrypt", "-r", "rsa@klant.example", given=ENTITY),
        "for_one_more": gnupg("--encrypt", "-r", ANN, "-r", "rsa@klant.example", given=ENTITY),
        "with_password": gnupg(
            "--passphrase", "x", "--s2k-count", "65536", "--symmetric", "--encrypt", "-r", ANN, given=ENTITY
        ),
    }[made]
    monkeypatch.setattr(pgp_write, "encrypt_for", lambda *_arguments, **_more: wrong)
    with pytest.raises(CannotProtect):
        pgp_write.encrypt(ENTITY, [gnupg.known(ANN)], signer=None, at=now())


def test_a_signature_that_doesnt_fit_is_not_let_out(gnupg: Gnupg, monkeypatch: pytest.MonkeyPatch) -> None:
    other = gnupg("--detach-sign", "-u", OURS, given=b"something else")
    monkeypatch.setattr(pgp_write, "sign_with", lambda *_arguments, **_more: other)
    with pytest.raises(CannotProtect):
        pgp_write.sign(ENTITY, gnupg.key(OURS), at=now())


def test_nobody_to_encrypt_to_and_no_secret_key_to_sign_with_are_refusals(gnupg: Gnupg) -> None:
    for recipients, signer, code in (
        ([], None, "no_recipients"),
        ([gnupg.known(ANN)], gnupg.known(OURS), "signer_without_private"),
    ):
        with pytest.raises(CannotProtect) as refused:
            pgp_write.encrypt(ENTITY, recipients, signer=signer, at=now())
        assert refused.value.code == code


def test_bare_line_ends_and_eight_bit_letters_survive_signing(gnupg: Gnupg) -> None:
    entity = read_entity(pgp_write.sign(ENTITY.replace(b"\r\n", b"\n"), gnupg.key(OURS), at=now()))
    content, signature = split(entity)
    assert content == ENTITY
    assert entity.headers.raw("content-transfer-encoding").strip() == b"8bit"
    assert "GOODSIG" in gnupg.verified(content, read_entity(signature).content)


def test_a_mail_of_five_megabytes_goes_there_and_back(gnupg: Gnupg) -> None:
    entity = ENTITY + b"0123456789abcdef" * 4 * 80_000 + b"\r\n"
    sealed = read_entity(pgp_write.encrypt(entity, [gnupg.key(OURS)], signer=gnupg.key(OURS), at=now()))
    message = read_entity(split(sealed)[1])
    assert max(map(len, message.body.splitlines())) <= 76
    found = pgp_read.decrypt(message.content, gnupg.ring(OURS), at=now(), sender="")
    assert (found.content == entity, found.state) == (True, State.open)


@pytest.mark.parametrize("length", [100, 101, 102])
def test_armour_of_our_own_is_what_gpg_takes_at_any_length(gnupg: Gnupg, length: int) -> None:
    """Where base64 needs no padding, GnuPG 2.2 doesn't find the end without a checksum."""
    content = written(Tag.literal, b"b\0\0\0\0\0" + b"x" * length)
    block = pgp_write.armoured(content, ArmorKind.Message)
    assert gnupg("--dearmor", given=block) == content
    assert b"\n" not in block.replace(b"\r\n", b"")
