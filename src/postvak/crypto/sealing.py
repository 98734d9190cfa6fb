"""Secrets at rest: sealed with a key that lies outside the database (spec 11, rotating master key).

The first key seals, all keys open; a new key is put on top of the file to rotate.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """The sealed value was made with a key that this installation doesn't have."""


def seal(secret: str, keys: tuple[bytes, ...]) -> str:
    """Encrypt `secret`; an empty secret stays empty."""
    return MultiFernet([Fernet(key) for key in keys]).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str, keys: tuple[bytes, ...]) -> str:
    """The secret behind `sealed`. Raises CannotOpen."""
    if not sealed:
        return ""
    try:
        return MultiFernet([Fernet(key) for key in keys]).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise CannotOpen(
            "A stored password can't be opened with the sealing keys of this data directory. "
            "Restore the file sealing.keys from your backup or enter the password again."
        ) from error
