"""Mails out of an archive, one after the other: a mail file, an mbox, a Maildir or directory, a ZIP or TAR of those.

Streams, so that gigabytes need little memory, and starts again at a `Spot` (file and byte offset) after a crash. Raises
OSError and ArchiveError only for the archive itself; a file in it that can't be read is said as `Found.problem`.
"""

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import zstandard

LARGEST = 150 * 1024 * 1024  # bytes of one mail
PIECE = 1024 * 1024  # bytes of a line that are read at once: one without an end must not fill the memory
QUOTED_FROM = re.compile(rb"(?m)^>(>*From )")
FROM_LINE = re.compile(rb"From \S.*\d\d:\d\d")
NO_MAILS = re.compile(
    r"(^|/)(\.[^/]*|dovecot[-.][^/]*|maildirfolder|maildirsize|courierimap[^/]*|subscriptions|__MACOSX/.*|[^/]*\.msf)$"
)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")


class ArchiveError(ValueError):
    """The archive can't be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the next mail begins: the name of the file inside, and how many bytes of it are done; -1: it is done."""

    name: str = ""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One mail. `after`: where to go on once it is written. `done`: bytes of the archive read so far. `problem`: a code of
    reasons.py; then there are no bytes."""

    name: str
    raw: bytes
    after: Spot
    done: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    name: str
    stream: IO[bytes]
    base: int  # bytes of the archive before it
    tell: object = None  # the file whose position says how far we are, where sizes don't


def size_of(path: Path) -> int:
    """What `Found.done` counts up to."""
    if path.is_dir():
        return sum(file.stat().st_size for file in files_in(path))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in members_of_zip(archive))
    return path.stat().st_size


def mails_in(path: Path, start: Spot = Spot()) -> Iterator[Found]:  # noqa: B008 - frozen
    """All mails from `start` on, always in the same order."""
    is_waiting = bool(start.name)
    try:
        for member in members(path):
            with member.stream:
                if is_waiting and member.name != start.name:
                    continue
                offset, is_waiting = (start.offset if is_waiting else 0), False
                if offset >= 0:
                    yield from mails_of(member, offset)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, zstandard.ZstdError, EOFError, gzip.BadGzipFile) as error:
        raise ArchiveError(str(error)) from error


# ---- files ------------------------------------------------------------


def members(path: Path) -> Iterator[Member]:
    if path.is_dir():
        base = 0
        for file in files_in(path):
            yield Member(file.relative_to(path).as_posix(), file.open("rb"), base)
            base += file.stat().st_size
    elif path.name.lower().endswith(TARS):
        yield from members_of_tar(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            base = 0
            for info in members_of_zip(archive):
                yield Member(info.filename, archive.open(info), base)
                base += info.file_size
    else:
        raw = path.open("rb")
        yield Member(path.name, unpacked(raw, path.name), 0, raw if packed(path.name) else None)


def packed(name: str) -> bool:
    return name.lower().endswith((".gz", ".zst"))


def unpacked(raw: IO[bytes], name: str) -> IO[bytes]:
    if name.lower().endswith(".gz"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if name.lower().endswith(".zst"):
        return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))
    return raw


def files_in(path: Path) -> list[Path]:
    """A Maildir's tmp and the indexes of mail servers are left out, and what a link leads out to."""
    found = []
    for file in path.rglob("*"):
        inside = file.relative_to(path)
        if "tmp" not in inside.parts[:-1] and not file.is_symlink() and file.is_file():
            found.append(file)
    return sorted(file for file in found if not NO_MAILS.search(file.relative_to(path).as_posix()))


def members_of_zip(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    infos = [info for info in archive.infolist() if not info.is_dir() and not NO_MAILS.search(info.filename)]
    return sorted(infos, key=lambda info: info.filename)


def members_of_tar(path: Path) -> Iterator[Member]:
    with path.open("rb") as raw:
        name = path.name.lower()
        if name.endswith(".zst"):
            opened = tarfile.open(fileobj=unpacked(raw, name), mode="r|")  # noqa: SIM115 - closed below
        else:
            opened = tarfile.open(fileobj=raw, mode="r|*")  # noqa: SIM115
        with opened as archive:
            for info in archive:
                stream = archive.extractfile(info) if info.isfile() and not NO_MAILS.search(info.name) else None
                if stream is not None and "/tmp/" not in f"/{info.name}":  # noqa: S108 - a Maildir's
                    yield Member(info.name, stream, 0, raw)


# ---- mails ------------------------------------------------------------


def mails_of(member: Member, offset: int) -> Iterator[Found]:
    """An mbox begins with "From "; anything else is one mail."""
    first = member.stream.read(5) if not offset else b"From "
    if first != b"From ":
        raw = first + member.stream.read(LARGEST + 1 - len(first))
        problem = "too_large" if len(raw) > LARGEST else ""
        yield Found(member.name, b"" if problem else raw, Spot(member.name, -1), position(member, len(raw)), problem)
        return
    skip(member.stream, offset)
    yield from split(member, b"" if offset else first, offset)


def skip(stream: IO[bytes], offset: int) -> None:
    left = offset
    if left and stream.seekable():
        stream.seek(offset)
        return
    while left and (part := stream.read(min(left, 1 << 20))):
        left -= len(part)


def split(member: Member, begun: bytes, offset: int) -> Iterator[Found]:
    """The mails of an mbox (RFC 4155, mboxrd): a line "From … 12:34" after an empty one begins the next. `offset`: where the
    stream stands, but for `begun`."""
    lines: list[bytes] = []
    size, at, is_blank, is_open, is_whole = 0, offset, True, False, True
    is_first = True
    while line := (begun + member.stream.readline(PIECE) if is_first else member.stream.readline(PIECE)):
        begins = is_blank and line.startswith(b"From ") and (is_first or FROM_LINE.match(line))
        if begins and is_open:
            yield found(member, lines, size, at)
            lines, size = [], 0
        is_first = False
        at += len(line)
        is_blank, is_whole = is_whole and not line.strip(b"\r\n"), line.endswith(b"\n")
        if begins:
            is_open = True
            continue
        size += len(line)
        if size <= LARGEST:
            lines.append(line)
    if is_open:
        yield found(member, lines, size, at)


def found(member: Member, lines: list[bytes], size: int, at: int) -> Found:
    if size > LARGEST:
        return Found(f"{member.name}@{at - size}", b"", Spot(member.name, at), position(member, at), "too_large")
    raw = b"".join(lines)
    raw = (
        raw.removesuffix(b"\r\n" if raw.endswith(b"\r\n\r\n") else b"\n")
        if raw.endswith((b"\n\n", b"\r\n\r\n"))
        else raw
    )
    return Found(
        f"{member.name}@{at - size}", QUOTED_FROM.sub(rb"\1", raw), Spot(member.name, at), position(member, at)
    )


def position(member: Member, read: int) -> int:
    tell = getattr(member.tell, "tell", None)
    return int(tell()) if tell else member.base + read
