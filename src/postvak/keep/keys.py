"""The keys of the installation, locked with a passphrase: without them stored passwords can't be opened, and with them
anybody could. scrypt makes the passphrase slow to guess."""

import hashlib
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from postvak.configuration import SEALING_FILE, SECRET_FILE

NAMES = (SECRET_FILE, SEALING_FILE)
SHORTEST = 12  # letters of a passphrase
COST = {"n": 2**16, "r": 8, "p": 1}
MEMORY = 256 * 1024 * 1024


class WrongPassphrase(Exception):
    """The keys can't be opened with it."""


def lock(data: Path, passphrase: str) -> bytes:
    """The key files of the data directory as one locked file."""
    salt = secrets.token_bytes(16)
    keys = {name: (data / name).read_text() for name in NAMES}
    box = Fernet(stretched(passphrase, salt, COST)).encrypt(json.dumps(keys).encode())
    kept = {"postvak": "keys", "kdf": "scrypt", **COST, "salt": urlsafe_b64encode(salt).decode(), "box": box.decode()}
    return json.dumps(kept, indent=1).encode()


def unlock(locked: bytes, passphrase: str) -> dict[str, str]:
    """{file name: content}. Raises WrongPassphrase."""
    try:
        kept = json.loads(locked)
        cost = {name: int(kept[name]) for name in COST}
        if cost["n"] * cost["r"] * 128 > MEMORY:
            raise ValueError("too dear")
        key = stretched(passphrase, urlsafe_b64decode(kept["salt"]), cost)
        keys: dict[str, str] = json.loads(Fernet(key).decrypt(kept["box"].encode()))
    except (InvalidToken, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WrongPassphrase("The keys of this backup can't be opened with that passphrase.") from error
    return {name: keys[name] for name in NAMES if name in keys}


def stretched(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    raw = hashlib.scrypt(passphrase.encode(), salt=salt, maxmem=MEMORY, dklen=32, **cost)
    return urlsafe_b64encode(raw)


def put_back(keys: Mapping[str, str], data: Path) -> None:
    """Over those that the first start made."""
    for name, content in keys.items():
        draft = data / f"{name}.part"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(data / name)
