"""Where large contents lie: one small interface, files (files.py) or S3-compatible object storage (s3.py).

A vault keeps packed bytes under a digest and knows nothing of rows, compression or mails. Which one an installation
uses is configuration (POSTVAK_BLOBS); `vault()` opens it once per process.
"""

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

from django.conf import settings

from postvak.configuration import Bucket, ConfigurationError

DIGEST = re.compile(r"[0-9a-f]{64}")
NEEDS_BOTO = (
    "POSTVAK_BLOBS names S3 storage, but the program for it is not installed: pip install 'postvak[s3]', or choose "
    "POSTVAK_BLOBS=files."
)


class BlobMissing(LookupError):
    """The bytes of a digest are gone: the place of large contents and the database don't belong together."""


class BlobCorrupt(BlobMissing):
    """There are bytes under the digest, but not those that were stored."""


class VaultUnreachable(OSError):
    """The place of large contents can't be reached, is full, or refuses us; nothing is lost, trying again may help."""


class Vault(Protocol):
    """A digest is DIGEST. Every method may raise VaultUnreachable, with one sentence for the administrator. Safe in threads."""

    def put(self, digest: str, packed: bytes) -> None:
        """Durable when it returns. What is there already has the same content and stays."""

    def get(self, digest: str) -> bytes:
        """As put. Raises BlobMissing."""

    def size(self, digest: str) -> int | None:
        """Packed bytes; None: not there."""

    def remove(self, digest: str) -> None:
        """Repeating it does no harm."""

    def digests(self) -> Iterator[str]:
        """All that are there, in ascending order; other people's files and objects are left out."""


def vault() -> Vault:
    """The one of this installation."""
    configuration = settings.CONFIGURATION
    return open_vault(configuration.bucket or configuration.blobs)


@lru_cache(maxsize=4)
def open_vault(place: Bucket | Path) -> Vault:
    """Raises ConfigurationError. Doesn't connect yet."""
    module = "postvak.blobs.s3" if isinstance(place, Bucket) else "postvak.blobs.files"
    try:
        # The only place that imports a vault's module, so that boto3 is loaded only where it is used.
        opened: Vault = import_module(module).Place(place)
    except ModuleNotFoundError as error:
        raise ConfigurationError(NEEDS_BOTO) from error
    except VaultUnreachable as error:
        raise ConfigurationError(str(error)) from error
    return opened


os.register_at_fork(after_in_child=open_vault.cache_clear)  # a child must not talk on its parent's connections
