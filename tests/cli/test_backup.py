"""Backup, restore, export and erasing with the real program: killed in the middle, under load, after an update that failed."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.cli.test_blobs import fill
from tests.mails import mail
from tests.servers.postgres import Postgres
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.servers
PASSPHRASE = "correct horse battery"


@pytest.fixture
def filled(program: Program, tmp_path: Path) -> Program:
    fill(program, tmp_path, 2)
    return program


def backed_up(program: Program, place: Path) -> Path:
    return Path(json.loads(program.ok("backup", place, "--without-keys", "--json"))["path"])


def restored(place: Path, data: Path, *more: str) -> Program:
    program = Program(data)
    done = program.run("restore", place, *more)
    assert done.code == 0, done
    return program


def test_what_is_restored_is_what_was_backed_up(filled: Program, tmp_path: Path) -> None:
    backed_up(filled, tmp_path / "kept")
    again = restored(tmp_path / "kept", tmp_path / "new", "--live")
    mine = ("postvak_auditentry", "postvak_lease", "sqlite_sequence", "postvak_job")
    before, after = (
        [line for line in one.contents() if not any(name in line for name in mine)] for one in (filled, again)
    )
    assert sorted(before) == sorted(after)
    assert json.loads(again.ok("blobs", "check", "--json"))["kept"] == 2


@pytest.fixture
def databases(postgres: Postgres) -> Iterator[tuple[str, str]]:
    """Two empty ones."""
    names = ("kept", "fresh")
    yield tuple(postgres.create_database(name) for name in names)  # type: ignore[misc]
    for name in names:
        postgres.drop_database(name)


FACTS = """
from postvak.models import Blob, Delivery, LedgerEntry, Message, Queue, Receipt, Tally, Ticket, Trace
for model in (Blob, LedgerEntry, Message, Queue, Receipt, Tally, Ticket, Trace):
    print(model.__name__, sorted(model.objects.values_list("pk", flat=True), key=str))
print([message.text for message in Message.objects.order_by("pk")])
"""


def test_on_postgresql_it_comes_back_into_an_empty_database_and_goes_on_there(
    tmp_path: Path, databases: tuple[str, str]
) -> None:
    old = Program(tmp_path / "old", database=databases[0])
    old.ok("config", "export")
    fill(old, tmp_path, 2)
    place = backed_up(old, tmp_path / "kept.tar")
    new = Program(tmp_path / "new", database=databases[1])
    done = new.run("restore", place, "--live")
    assert done.code == 0, done
    assert new.python(FACTS) == old.python(FACTS)
    assert json.loads(new.ok("blobs", "check", "--json"))["missing"] == []

    fresh = json.loads(new.ok("ingest", "--json", "-", stdin=mail(message_id="after@x.example", subject="After it")))
    assert fresh["outcome"] == "new_ticket", "sequences and triggers came along"
    again = new.run("restore", place)
    assert again.code == 1
    assert "The PostgreSQL database is not empty" in again.err


def test_a_backup_of_one_engine_is_not_put_into_another(
    filled: Program, tmp_path: Path, databases: tuple[str, str]
) -> None:
    place = backed_up(filled, tmp_path / "kept.tar")
    done = Program(tmp_path / "new", database=databases[1]).run("restore", place)
    assert done.code == 1
    assert "PostgreSQL" in done.err
    assert "Traceback" not in done.err


def test_what_lies_in_a_bucket_is_in_the_backup_and_goes_into_the_bucket_of_the_new_one(
    filled: Program, tmp_path: Path, s3_server: S3Server
) -> None:
    old, new = s3_server.environment("kept/old"), s3_server.environment("kept/new")
    keys = {name: value for name, value in old.items() if name != "POSTVAK_BLOBS"}
    filled.ok("blobs", "move", "--to", old["POSTVAK_BLOBS"], **keys)
    shutil.rmtree(filled.data / "blobs")
    made = json.loads(filled.ok("backup", tmp_path / "kept.tar", "--without-keys", "--json", **old))
    s3_server.stop()
    down = filled.run("backup", tmp_path / "none.tar", "--without-keys", **old)
    assert down.code == 1
    assert "Traceback" not in down.err
    assert not (tmp_path / "none.tar").exists()
    s3_server.start()
    again = Program(tmp_path / "new")
    assert again.run("restore", made["path"], "--live", **new).code == 0
    assert json.loads(again.ok("blobs", "check", "--json", **new))["kept"] == 2
    there = {
        prefix: {name.rpartition("/")[2]: raw for name, raw in s3_server.objects(f"kept/{prefix}").items()}
        for prefix in ("old", "new")
    }
    assert there["old"] == there["new"]
    assert s3_server.secret not in (tmp_path / "kept.tar").read_bytes().decode("latin-1")


def test_an_installation_that_is_there_is_moved_aside_and_never_overwritten(filled: Program, tmp_path: Path) -> None:
    backed_up(filled, tmp_path / "kept")
    done = filled.run("restore", tmp_path / "kept")
    assert done.code == 1
    assert "--replace" in done.err
    assert filled.run("restore", tmp_path / "kept", "--replace").code == 0
    (aside,) = filled.data.glob("replaced-*")
    assert (aside / "postvak.sqlite3").exists()
    assert (aside / "blobs").exists()


def test_keys_travel_with_a_passphrase(filled: Program, tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text(PASSPHRASE)
    filled.ok("backup", tmp_path / "x.tar", "--passphrase-file", tmp_path / "phrase")
    assert (filled.data / "sealing.keys").read_bytes().strip() not in (tmp_path / "x.tar").read_bytes()
    again = restored(tmp_path / "x.tar", tmp_path / "new", "--passphrase-file", str(tmp_path / "phrase"))
    assert (again.data / "sealing.keys").read_bytes() == (filled.data / "sealing.keys").read_bytes()
    (tmp_path / "phrase").write_text("something else entirely")
    done = Program(tmp_path / "third").run("restore", tmp_path / "x.tar", "--passphrase-file", tmp_path / "phrase")
    assert done.code == 1
    assert not (tmp_path / "third" / "postvak.sqlite3").exists()


def test_killed_in_the_middle_it_leaves_nothing_that_looks_whole(filled: Program, tmp_path: Path) -> None:
    """At a different moment each time; then a whole one is made in the same place."""
    command = [sys.executable, "-m", "postvak", "backup", str(tmp_path / "kept"), "--without-keys"]
    for delay in (0.0, 0.01, 0.05):
        process = subprocess.Popen(
            command, env=filled.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not list((tmp_path / "kept").glob("*.part")) and process.poll() is None:
            time.sleep(0.001)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = filled.run("backup", tmp_path / "kept", "--verify")
        complete = [path for path in (tmp_path / "kept").glob("*Z") if path.is_dir()]
        assert (done.code == 0) == bool(complete)
    backed_up(filled, tmp_path / "kept")
    filled.ok("backup", tmp_path / "kept", "--verify")
    assert not list((tmp_path / "kept").glob("*.part"))


def test_a_backup_under_load_is_of_one_moment(filled: Program, tmp_path: Path) -> None:
    """While mails are taken in without end: each receipt has its bytes, its line in the ledger, and its ticket its message."""
    folder = tmp_path / "load"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number}.eml").write_bytes(
            mail(message_id=f"load{number}@x.example", subject=f"Load {number}", text="x" * 300)
        )
    loading = subprocess.Popen(
        [sys.executable, "-m", "postvak", "ingest", str(folder)], env=filled.environment, stdout=subprocess.DEVNULL
    )
    try:
        with sqlite3.connect(filled.sqlite) as database:
            while database.execute("SELECT count(*) FROM postvak_ticket").fetchone()[0] < 40:
                assert loading.poll() is None
                time.sleep(0.01)
        path = backed_up(filled, tmp_path / "kept")
        was_writing = loading.poll() is None
    finally:
        loading.wait()
    assert was_writing
    manifest = json.loads((path / "manifest.json").read_text())
    again = restored(tmp_path / "kept", tmp_path / "new", "--live")
    with sqlite3.connect(again.sqlite) as database:

        def count(rest: str) -> int:
            return int(database.execute(f"SELECT count(*) FROM {rest}").fetchone()[0])

        assert 40 <= count("postvak_receipt") == manifest["counts"]["receipt"]
        assert count("postvak_receipt") == count("postvak_ledgerentry WHERE direction = 'in'")
        assert not count("postvak_receipt WHERE blob_id NOT IN (SELECT digest FROM postvak_blob)")
        assert not count("postvak_ticket t WHERE NOT EXISTS (SELECT 1 FROM postvak_message m WHERE m.ticket_id = t.id)")
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


# -- updates ----------------------------------------------------------------------------


def older(program: Program) -> None:
    """As if the last migration that adds columns were still to come, and could not be made: its first column is there already."""
    with sqlite3.connect(program.sqlite) as database:
        database.execute(
            "DELETE FROM django_migrations WHERE app = 'postvak' AND (name = '0001_start' OR name >= '0024_classification')"
        )


def test_before_an_update_the_database_is_copied_and_a_failed_one_has_a_way_back(filled: Program) -> None:
    filled.ok("outbox", "list")
    older(filled)
    before = filled.contents()
    done = filled.run("outbox", "list")
    assert done.code == 1
    assert "restore --before-upgrade" in done.err
    (twin,) = (filled.data / "before-upgrade").glob("*.sqlite3")
    assert twin.name in done.err
    assert filled.run("restore", "--before-upgrade").code == 0
    assert filled.contents() == before


def test_an_older_program_refuses_a_newer_database(filled: Program) -> None:
    with sqlite3.connect(filled.sqlite) as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('postvak', '9999_later', '2099-01-01')"
        )
    done = filled.run("outbox", "list")
    assert done.code == 1
    assert "newer Postvak" in done.err
    assert not (filled.data / "before-upgrade").exists()


# -- export and erasing ----------------------------------------------------------------------------


def test_an_export_of_the_whole_comes_back_by_the_command_line(filled: Program, tmp_path: Path) -> None:
    filled.ok("export", tmp_path / "all.zip")
    again = Program(tmp_path / "new")
    said = json.loads(again.ok("import", "export", tmp_path / "all.zip", "--json"))
    assert said["rows"]["ticket"] == 3
    checks = {
        one["name"]: one["findings"] for one in json.loads(again.run("doctor", "--offline", "--json").out)["checks"]
    }
    assert (checks["ledger_equation"], checks["stored_contents"]) == ([], [])


def test_after_erasing_no_byte_of_the_person_is_left_on_the_disk(program: Program, tmp_path: Path) -> None:
    """The database's file, its log, and the large mails; but not the keys of others."""
    large = mail(message_id="l@x.example", text="tulipomania " + os.urandom(90_000).hex())
    (tmp_path / "a.eml").write_bytes(mail(text="My word is tulipomania."))
    (tmp_path / "b.eml").write_bytes(large)
    program.ok("ingest", tmp_path / "a.eml", tmp_path / "b.eml")
    assert found_in(program.data, b"ann@customer.example")
    counts = json.loads(program.ok("erase", "ann@customer.example", "--json"))
    assert counts["own tickets"] == 2
    assert found_in(program.data, b"ann@customer.example")
    program.ok("erase", "ann@customer.example", "--yes", "--json")
    assert found_in(program.data, b"ann@customer.example") == []
    assert found_in(program.data, b"Ann Archer") == []
    assert found_in(program.data, b"tulipomania") == []


def found_in(folder: Path, word: bytes) -> list[str]:
    """Files in which it stands, in any case. Stored mails are compressed: what is left of them is counted apart."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path.relative_to(folder)) for path in files if word.lower() in path.read_bytes().lower()]
