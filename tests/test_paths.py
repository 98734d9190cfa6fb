"""Names from outside are never paths: contents, backups, exports, archives that are taken in. Others: tests.web.test_shelf (static files),
tests.web.test_ticket_page_files and tests.tickets.test_export (what we pack), tests.web.test_demo, tests.web.test_imports."""

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import IO

import pytest

from postvak.blobs.files import Place
from postvak.bring.archive import mails_in
from postvak.keep.backup import CONTENTS
from postvak.keep.load import CannotLoad, load
from postvak.keep.manifest import BadBackup
from postvak.keep.source import Backup
from postvak.models import Blob
from postvak.web import manual_book
from tests.keep import test_export
from tests.keep.test_export import emptied, exported

filled = test_export.filled
DIGEST = hashlib.sha256(b"x").hexdigest()
ELSEWHERE = [
    "../secret.key", "..", "../../etc/passwd", "/etc/passwd", f"../{DIGEST}"[:64], f"{DIGEST}/../../x", DIGEST.upper(), DIGEST[:63], "",
    f"{DIGEST}\n", f"{DIGEST}\0", "..\\secret.key", "%2e%2e/secret.key",
]  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_only_a_digest_leads_to_a_stored_content(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.key").write_text("hunter2")
    (tmp_path / "blobs").mkdir()
    place = Place(tmp_path / "blobs")
    for act in (place.get, place.size, place.remove, lambda one: place.put(one, b"evil")):
        with pytest.raises(ValueError, match="no digest"):
            act(name)
    assert [path.name for path in tmp_path.rglob("*")] == ["secret.key", "blobs"] or not (tmp_path / "x").exists()
    assert (tmp_path / "secret.key").read_text() == "hunter2"


class Files:
    """A backup whose list of contents somebody wrote."""

    def __init__(self, listed: str) -> None:
        self.listed, self.opened = listed, [""]

    def open(self, name: str) -> IO[bytes]:
        self.opened.append(name)
        return io.BytesIO(self.listed.encode() if name.endswith(CONTENTS) else b"")


@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name and name.strip() == name])
def test_a_backup_that_names_a_path_is_no_backup(name: str) -> None:
    files = Files(f"{DIGEST} 5\n{name} 5\n")
    backup = Backup("2026-11-22T100000Z", None, files)  # type: ignore[arg-type]
    with pytest.raises(BadBackup):
        list(backup.contents())
    assert files.opened == ["", f"2026-11-22T100000Z/{CONTENTS}"]


def renamed(archive: bytes, missing: list[str]) -> bytes:
    """An export whose manifest names other contents; its checksums fit."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(target, "w") as new:
        manifest = json.loads(old.read("manifest.json")) | {"missing": missing}
        contents = {name: old.read(name) for name in old.namelist() if name != "SHA256SUMS"}
        contents["manifest.json"] = json.dumps(manifest).encode()
        for name, content in contents.items():
            new.writestr(name, content)
        sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
        new.writestr("SHA256SUMS", sums)
    return target.getvalue()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.usefixtures("no_automatic_mail", "filled")
def test_an_export_that_names_a_path_is_not_taken_in(tmp_path: Path) -> None:
    """Its row would make us read, and one day delete, a file of its choice."""
    (tmp_path / "x.zip").write_bytes(renamed(exported(), ["../../../secret.key"]))
    emptied()
    with pytest.raises(CannotLoad, match="can't be one"):
        load(tmp_path / "x.zip", lambda done, total: None)
    assert not Blob.objects.exists()


MAIL = b"From: ann@customer.example\r\nSubject: x\r\n\r\nHi\r\n"


@pytest.mark.parametrize("name", ["../../evil.eml", "/evil.eml", "a/../../evil.eml", "C:\\evil.eml"])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_an_archive_of_mails_is_only_read(tmp_path: Path, form: str, name: str) -> None:
    path = tmp_path / "in" / f"mails.{form}"
    path.parent.mkdir()
    if form == "zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr(name, MAIL)
    else:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(MAIL)
            tar.addfile(info, io.BytesIO(MAIL))
    assert [found.raw for found in mails_in(path)] == [MAIL]
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [path]
    assert not Path("/evil.eml").exists()


def test_links_and_devices_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_bytes(MAIL.replace(b"Hi", b"hunter2"))
    path = tmp_path / "mails.tar"
    with tarfile.open(path, "w") as tar:
        for kind, name in (
            (tarfile.SYMTYPE, "soft.eml"),
            (tarfile.LNKTYPE, "hard.eml"),
            (tarfile.FIFOTYPE, "pipe.eml"),
            (tarfile.CHRTYPE, "null.eml"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(tmp_path / "secret.eml")
            tar.addfile(info)
    assert list(mails_in(path)) == []
    folder = tmp_path / "maildir"
    (folder / "cur").mkdir(parents=True)
    (folder / "cur" / "1").symlink_to(tmp_path / "secret.eml")
    assert list(mails_in(folder)) == []


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to a huge one: it is read in pieces, and said to be too large."""
    monkeypatch.setattr("postvak.bring.archive.LARGEST", 3_000_000)
    monkeypatch.setattr("postvak.bring.archive.PIECE", 65_536)
    path = tmp_path / "bomb.mbox.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"From ann 10:00\nSubject: x\n\n" + b"\0" * 8_000_000 + b"\n\nFrom bob 10:01\nSubject: y\n\nHi\n")
    first, second = mails_in(path)
    assert (first.problem, first.raw) == ("too_large", b"")
    assert second.raw == b"Subject: y\n\nHi\n"


def test_a_long_line_in_pieces_is_the_same_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("postvak.bring.archive.PIECE", 20)
    path = tmp_path / "a.mbox"
    long = (
        b"x" * 20 + b"\nFrom eve 10:00\n\n"
    )  # the last piece of the long line is its end alone, which is no empty line
    path.write_bytes(b"From ann 10:00\nSubject: x\n\n" + long + b"From bob 10:01\nSubject: y\n\nHi\n")
    assert [found.raw for found in mails_in(path)] == [b"Subject: x\n\n" + long[:-1], b"Subject: y\n\nHi\n"]


@pytest.mark.parametrize("topic", ["../../../etc/passwd", "..", "lists.md", "", "01-lists", "/etc/passwd"])
def test_the_manual_knows_its_chapters_only(topic: str) -> None:
    assert manual_book.chapter("en", topic) is None
