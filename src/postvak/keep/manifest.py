"""The manifest of a backup: what is in it, and the checksum of each file. It is written last: what has none is no backup."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_noop as _

from postvak.jobs.said import Told

FORMAT = 1
NAME = "manifest.json"
CHUNK = 1024 * 1024


class BadBackup(Told):
    """It can't be used: cut off, damaged, or made by a program that we don't know. The text says so in a sentence."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the backup as it lies there."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`made_at`: the moment whose state it holds. `engine`: "sqlite3" or "postgresql". `migration`: the newest one.
    `counts`: rows by table. `contents`, `contents_size`: large contents, and their packed bytes; `lost`: those that couldn't be
    read when it was made."""

    made_at: datetime
    version: str
    engine: str
    migration: str
    installation: str
    counts: Mapping[str, int]
    contents: int
    contents_size: int
    has_keys: bool
    lost: int = 0
    files: Mapping[str, Stored] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return self.contents_size + sum(file.size for file in self.files.values())

    def as_bytes(self) -> bytes:
        values = asdict(self) | {"format": FORMAT, "made_at": self.made_at.isoformat()}
        return json.dumps(values | {"checksum": checksum(values)}, indent=1, sort_keys=True).encode()


def checksum(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def read(raw: bytes) -> Manifest:
    """Raises BadBackup."""
    try:
        values = json.loads(raw)
        written = values.pop("checksum")
        if values["format"] != FORMAT:
            raise BadBackup(_("This backup has a form that this version of Postvak doesn't know. Use a newer one."))
        if checksum(values) != written:
            raise BadBackup(_("The manifest of this backup was changed or is damaged."))
        del values["format"]
        values["made_at"] = datetime.fromisoformat(values["made_at"])
        values["files"] = {name: Stored(**stored) for name, stored in values["files"].items()}
        return Manifest(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadBackup(_("The manifest of this backup can't be read.")) from error
