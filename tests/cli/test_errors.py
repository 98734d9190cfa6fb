"""What goes wrong at the start is one clear sentence on stderr and exit 1, never a traceback."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import OperationalError

from postvak.cli.prepare import explain_failure
from tests.cli.program import Done, Program
from tests.servers import free_port


def sentence(done: Done, command: str = "") -> str:
    """What is said, if it is said as it should be. A mail server that hands over a mail is told to keep it."""
    assert (done.code, done.out) == (75 if command.startswith("ingest") else 1, ""), done
    assert "Traceback" not in done.err
    assert done.err.startswith("postvak: ")
    assert done.err.count("\n") == 1, done.err
    return done.err


@pytest.fixture(scope="module")
def waits_for_a_lock(installed: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[bytes]]:
    """A program that finds its database locked; it waits half a minute for it, while the other tests run."""
    program = installed.copied_to(tmp_path_factory.mktemp("locked") / "data")
    setup = program.data.parent / "setup.toml"
    setup.write_text('[[queue]]\nname = "New"\n')
    holder = sqlite3.connect(program.sqlite, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    command = [sys.executable, "-m", "postvak", "config", "apply", str(setup)]
    with subprocess.Popen(command, env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        yield process
        process.kill()
    holder.close()


@pytest.mark.usefixtures("waits_for_a_lock")
@pytest.mark.parametrize("command", ["version", "config export", "serve", "ingest -"])
def test_a_data_directory_that_can_not_be_made(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    said = sentence(Program(tmp_path / "file" / "data").run(*command.split()), command)
    assert f"The data directory {tmp_path / 'file' / 'data'} can't be made (Not a directory)." in said
    assert "POSTVAK_DATA" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTVAK_DATABASE", "mysql://db/post"),
        ("POSTVAK_DATABASE", "postgres://db:port/post"),
        ("POSTVAK_TIME_ZONE", "Mars/Base"),
        ("POSTVAK_LANGUAGE", "xx"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(program: Program, name: str, value: str) -> None:
    assert name in sentence(program.run("config", "export", **{name: value}))


def test_damaged_sealing_keys(program: Program) -> None:
    (program.data / "sealing.keys").write_text("garbage\n")
    assert "sealing.keys holds a line that is no key" in sentence(program.run("config", "export"))


def test_a_database_of_a_newer_version_is_left_alone(program: Program) -> None:
    with sqlite3.connect(program.sqlite) as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('postvak', '9999_future', '2030-01-01')"
        )
    before = program.contents()
    said = sentence(program.run("ingest", "-", stdin=b"Subject: x\r\n\r\n"), "ingest")
    assert "was made by a newer Postvak (it has 9999_future)" in said
    assert program.contents() == before


@pytest.mark.parametrize("command", ["config export", "ingest -", "fetch", "worker"])
def test_garbage_instead_of_a_database_is_left_alone(program: Program, command: str) -> None:
    garbage = os.urandom(8192)
    for path in program.data.glob("postvak.sqlite3*"):
        path.unlink()
    program.sqlite.write_bytes(garbage)
    said = sentence(program.run(*command.split()), command)
    assert f"The database {program.sqlite} can't be used (file is not a database)." in said
    assert program.sqlite.read_bytes() == garbage


def test_a_foreign_sqlite_database_is_left_alone(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "foreign.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE postvak_agent (id INTEGER PRIMARY KEY, song TEXT)")
    said = sentence(Program(program.data, database=f"sqlite://{path}").run("config", "export"))
    assert f"The database {path} can't be" in said


def test_a_place_where_no_database_can_be_made(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = sentence(Program(program.data, database=f"sqlite://{tmp_path}/file/x.db").run("config", "export"))
    assert f"The database {tmp_path}/file/x.db can't be opened (unable to open database file)." in said


def test_a_postgresql_server_that_does_not_answer(program: Program) -> None:
    url = f"postgres://ann:geheim@127.0.0.1:{free_port()}/post"
    said = sentence(Program(program.data, database=url).run("config", "export"))
    assert "The database post on 127.0.0.1 can't be opened" in said
    assert "Connection refused" in said
    assert "geheim" not in said


def test_a_port_that_is_taken(program: Program) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = sentence(program.run("serve", "--port", str(port)))
    assert said == (
        f"postvak: Port {port} on 127.0.0.1 can't be used (Address already in use). "
        "Stop the program that has it, or choose another with --port.\n"
    )


@pytest.mark.parametrize(("option", "value"), [("--port", "99999"), ("--host", "no-such-host.invalid")])
def test_an_address_that_does_not_exist(program: Program, option: str, value: str) -> None:
    said = sentence(program.run("serve", option, value))
    assert value in said
    assert "can't be used" in said


@pytest.mark.parametrize("name", ["Command line", "Nowhere"])
def test_a_mailbox_that_can_not_be_fetched(program: Program, name: str) -> None:
    assert f"“{name}”" in sentence(program.run("fetch", name))


def test_an_unknown_job_is_wrong_usage(program: Program) -> None:
    done = program.run("worker", "--only", "receive,cook")
    assert done.code == 2
    assert "unknown job cook" in done.err


def test_a_database_that_another_program_holds_is_one_sentence_after_half_a_minute(
    waits_for_a_lock: subprocess.Popen[bytes],
) -> None:
    out, err = waits_for_a_lock.communicate(timeout=90)
    said = sentence(Done(waits_for_a_lock.returncode, out.decode(), err.decode()))
    assert "is locked by another program. Stop what holds it" in said


def test_an_update_that_got_no_lock_in_time_says_what_to_wait_for() -> None:
    said = explain_failure(OperationalError("canceling statement due to lock timeout\n"))
    assert "is held by another program, for example a running backup" in said
    assert "start again later" in said
