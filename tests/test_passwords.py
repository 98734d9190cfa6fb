"""What a password may be, how it is kept, and the keys of sessions."""

import pytest
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.test import override_settings

from postvak.models import Agent

BOB = Agent(email="bob.baker@example.org", name="Bob Baker")


@pytest.mark.parametrize("password", ["", "a1B$c2D%e3F", "qwerty123456", "bob.baker@example.org", "Bob Baker 12"])
def test_what_is_too_short_common_or_like_the_name_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, BOB)


LONG = ["correct horse battery", "é" * 64, "🔑 sleutel 🗝 Schlüssel", "a b c d e f g h i j k l", "x1" * 500]


@pytest.mark.parametrize("password", LONG)
def test_long_ones_are_kept_whole_in_any_alphabet(password: str) -> None:
    """No rule on kinds of characters; the last one counts as much as the first."""
    validate_password(password, BOB)
    kept = make_password(password)
    assert check_password(password, kept)
    assert not check_password(password[:-1], kept)


def test_they_are_kept_by_argon2id_with_a_salt_each() -> None:
    assert settings.PASSWORD_HASHERS[-1] == "django.contrib.auth.hashers.Argon2PasswordHasher"
    with override_settings(PASSWORD_HASHERS=settings.PASSWORD_HASHERS[-1:]):
        first, second = make_password("correct horse battery"), make_password("correct horse battery")
        assert first.startswith("argon2$argon2id$v=19$m=102400,t=2,p=8$")
        assert first != second
        assert check_password("correct horse battery", first)


@pytest.mark.django_db
def test_keys_of_sessions_are_long_and_random() -> None:
    keys = {SessionStore()._get_new_session_key() for _ in range(50)}  # type: ignore[attr-defined]
    assert len(keys) == 50
    assert {len(key) for key in keys} == {32}  # of 36 letters: 165 bits
    assert len({key[0] for key in keys} | {key[-1] for key in keys}) > 15
