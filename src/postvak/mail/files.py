"""Mails from the file system: single files, directories, Maildir, mbox. Yields raw bytes, byte-identical. And when such a mail came,
which nobody remembers but the mail itself."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from postvak.mail.headers import read_date
from postvak.mail.tree import build, strip_envelope

END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
LARGEST_HEAD = 256 * 1024
FROM_LINE = re.compile(rb"(?:\A|\r?\n\r?\n)(From [^\r\n]*\r?\n)")
QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")


def read_mails(path: Path) -> Iterator[bytes]:
    """Each mail in a file (.eml or mbox) or below a directory (a Maildir's tmp is left out). Raises OSError."""
    if not path.is_dir():
        yield from read_file(path)
        return
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        if file.is_file() and not file.name.startswith(".") and "tmp" not in inside[:-1]:
            yield from read_file(file)


def read_file(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    if raw.startswith(b"From "):
        yield from split_mbox(raw)
    else:
        yield raw


def split_mbox(raw: bytes) -> Iterator[bytes]:
    """The mails of an mbox file (RFC 4155, with the ">From" quoting of mboxrd undone)."""
    starts = [match.span(1) for match in FROM_LINE.finditer(raw)]
    ends = [begin for begin, _ in starts[1:]] + [len(raw)]
    for (_, begin), end in zip(starts, ends, strict=True):
        yield QUOTED_FROM.sub(rb"\1", raw[begin:end])


def came_at(raw: bytes) -> datetime | None:
    """When a server last had it in hand (the first Received field), else when it was written; None: it doesn't say."""
    begun = strip_envelope(raw[:LARGEST_HEAD])
    end = END_OF_HEAD.search(begun)
    headers = build(begun[: end.end()] if end else begun).root.headers
    stamps = (headers.raw("received").rpartition(b";")[2].strip(), headers.raw("date"))
    return next((found for stamp in stamps if (found := read_date(stamp))), None)
