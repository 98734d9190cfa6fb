"""Secrets at rest: only with a key of this installation, and keys can be changed without losing a secret."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from postvak.crypto.sealing import CannotOpen, seal, unseal

OLD, NEW, FOREIGN = Fernet.generate_key(), Fernet.generate_key(), Fernet.generate_key()


@given(st.text(st.characters(codec="utf-8")))
def test_what_is_sealed_opens_again(secret: str) -> None:
    assert unseal(seal(secret, (OLD,)), (OLD,)) == secret


def test_the_secret_is_not_readable_and_never_looks_the_same() -> None:
    first, second = seal("geheim", (OLD,)), seal("geheim", (OLD,))
    assert "geheim" not in first
    assert first != second


def test_an_empty_secret_stays_empty() -> None:
    assert (seal("", (OLD,)), unseal("", (OLD,))) == ("", "")


def test_after_a_rotation_old_secrets_open_and_new_ones_need_the_new_key() -> None:
    before = seal("old secret", (OLD,))
    assert unseal(before, (NEW, OLD)) == "old secret"
    after = seal("new secret", (NEW, OLD))
    assert unseal(after, (NEW,)) == "new secret"
    with pytest.raises(CannotOpen):
        unseal(after, (OLD,))


def test_without_the_old_key_its_secrets_can_not_be_opened_and_the_text_says_what_to_do() -> None:
    with pytest.raises(CannotOpen, match=r"sealing\.keys.*enter the password again"):
        unseal(seal("geheim", (OLD,)), (NEW,))


@pytest.mark.parametrize("sealed", ["garbage", "gAAAAA", "\u20ac"])
def test_what_was_never_sealed_can_not_be_opened(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        unseal(sealed, (OLD,))


def test_a_changed_seal_can_not_be_opened() -> None:
    sealed = seal("geheim", (OLD,))
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    with pytest.raises(CannotOpen):
        unseal(changed, (OLD, FOREIGN))
