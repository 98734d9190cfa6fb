"""Recovery codes: ten, each works once, for the day when the telephone is gone. Only their hashes are kept."""

import secrets

from django.conf import settings
from django.utils.crypto import salted_hmac

COUNT = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what looks alike
LENGTH = 10  # of 31 letters: 49 bits


def new_codes() -> list[str]:
    """As shown, "abcde-fghjk"."""
    letters = ("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT))
    return [f"{code[:5]}-{code[5:]}" for code in letters]


def digest_of(code: str, agent_key: int) -> str:
    """The same however it is typed."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return salted_hmac(
        f"recovery code of agent {agent_key}", plain, settings.SECRET_KEY, algorithm="sha256"
    ).hexdigest()
