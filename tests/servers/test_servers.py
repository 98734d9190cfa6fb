"""The servers themselves, where no other test would notice."""

import shutil
import subprocess
import sys

import psycopg
import pytest

from tests.servers import MissingServer, answers, binary, free_port, wait_until
from tests.servers.postgres import Postgres


def test_a_missing_binary_names_the_package() -> None:
    with pytest.raises(MissingServer, match="apt-get install slrn"):
        binary("no-such-program-here", package="slrn")


def test_postgres_gives_fresh_databases_over_tcp(postgres: Postgres) -> None:
    url = postgres.create_database("fresh")
    with psycopg.connect(url) as connection:
        version = connection.execute("show server_version_num").fetchone()
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
    assert version is not None
    assert int(version[0]) >= 150_000
    postgres.drop_database("fresh")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_a_free_port_is_free_again() -> None:
    assert free_port() != 0


def test_servers_stop_when_the_process_that_started_them_is_killed() -> None:
    script = (
        "import os, signal\n"
        "from tests.servers.dovecot import Dovecot\n"
        "with Dovecot.running() as dovecot:\n"
        "    print(dovecot.imap, dovecot.folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    port, folder = done.stdout.split()
    wait_until(lambda: not answers(int(port)), seconds=10, what="end of the orphaned dovecot")
    shutil.rmtree(folder)
