"""Labelled mails from a CSV file, packed or not."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from postvak.classify.measure import Labelled
from postvak.classify.text import Text

LONGEST_FIELD = 50_000_000
SUBJECT_NAMES = ("subject", "title", "betreff", "onderwerp", "titel")
SEPARATORS = ",;\t|"
START = 2  # bytes that tell a packed file
PACKED = b"\x1f\x8b"


class BadFile(Exception):
    """The sentence says what is wrong with the file."""


@dataclass(frozen=True, slots=True)
class Columns:
    text: Sequence[str]
    label: str
    group: str = ""
    at: str = ""
    split: str = ""

    def named(self) -> list[str]:
        return [name for name in (*self.text, self.label, self.group, self.at, self.split) if name]


def read_labelled(path: Path, columns: Columns) -> list[Labelled]:
    """Rows without a label are left out. Raises BadFile."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with opened(path) as file:
            mails = list(labelled(file, columns))
    except (csv.Error, EOFError, zlib.error) as error:
        raise BadFile(f"{path} is no CSV file that can be read: {error}.") from error
    except OSError as error:
        raise BadFile(f"{path} can't be read: {error.strerror or error}.") from error
    if not mails:
        raise BadFile(f"{path} has no row with a label.")
    return mails


def opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        is_packed = file.read(START) == PACKED
    if is_packed:
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def labelled(file: IO[str], columns: Columns) -> Iterator[Labelled]:
    first = file.readline().replace("\0", "")
    separator = max(SEPARATORS, key=first.count)
    names = next(csv.reader([first], delimiter=separator), [])
    missing = [name for name in columns.named() if name not in names]
    if missing:
        raise BadFile(f"There is no column {', '.join(missing)}. The columns are: {', '.join(names)}.")
    rows = csv.DictReader((line.replace("\0", "") for line in file), names, delimiter=separator)
    for row in rows:
        label = (row[columns.label] or "").strip()
        if label:
            yield Labelled(
                text_of(row, columns.text),
                label,
                group=row.get(columns.group) or "",
                at=(row.get(columns.at) or "").strip(),
                split=(row.get(columns.split) or "").strip().casefold(),
            )


def text_of(row: dict[str, str | None], names: Sequence[str]) -> Text:
    """Of several columns, the one that is called so, or else the first, is the subject."""
    subject = next((name for name in names if name.casefold() in SUBJECT_NAMES), names[0] if len(names) > 1 else "")
    body = "\n".join(row[name] or "" for name in names if name != subject)
    return Text(subject=(row[subject] or "") if subject else "", body=body)
