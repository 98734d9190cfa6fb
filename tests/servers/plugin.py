"""The servers as pytest fixtures.  One that is not installed fails in CI and skips at home."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.servers import MissingServer
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.postgres import Postgres
from tests.servers.smtpd import SmtpServer

if TYPE_CHECKING:
    from tests.servers.s3 import S3Server

Server = TypeVar("Server")


@contextmanager
def installed(start: Callable[[], AbstractContextManager[Server]]) -> Iterator[Server]:
    starting = start()
    try:
        server = starting.__enter__()
    except MissingServer as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(f"NOT TESTED, {missing}")
    try:
        yield server
    finally:
        starting.__exit__(None, None, None)


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One for the whole run; each test adds users of its own."""
    with installed(Dovecot.running) as server:
        yield server


@pytest.fixture
def smtp_server() -> Iterator[SmtpServer]:
    """A new one for each test (it starts within milliseconds); plain, STARTTLS and TLS, no login."""
    with SmtpServer.running() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server() -> Iterator["S3Server"]:
    """One for the whole run; each test has a prefix of its own."""
    from tests.servers.s3 import S3Server  # moto takes seconds to load

    with S3Server.running() as server:
        yield server


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    """With Maildirs for Ann and for our support address; whoever else is at customer.example bounces."""
    with installed(lambda: Postfix.running("ann@customer.example", "support@example.org")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One cluster for the whole run; `create_database` gives a fresh database."""
    with installed(Postgres.running) as server:
        yield server
