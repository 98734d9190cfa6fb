"""POP3 (RFC 1939) as a `Source`: mails are known by their UIDL, and the only action is to delete.

A session opens when it is needed and ends with QUIT – the server deletes for good only then, so `settle`
QUITs and the next call opens a new session.  Message numbers never leave one session.  POP3 cannot read
without leaving traces: a server that offers IMAP as well may show a fetched mail as read there.
"""

import poplib
import re
import socket
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from postvak.net import xoauth2
from postvak.net.connection import (
    Endpoint,
    Problem,
    Security,
    as_text,
    cipher_of,
    problem_at,
    problems,
    tls_context,
    words,
)
from postvak.net.time_limit import ANSWER, LISTING, LOG_IN, Limit, dial, seconds_for, time_limit
from postvak.receive.source import AfterStoring, Fetched, Item, Probe

GOODBYE_SECONDS = 3.0
_FOR_NOW = re.compile(r"^\[(SYS/TEMP|IN-USE|LOGIN-DELAY)\]", re.IGNORECASE)  # RFC 2449, RFC 3206


@dataclass(frozen=True, slots=True)
class _Session:
    """One POP3 connection with the numbers that it gave to the mails (by key, in order of arrival)."""

    pop: poplib.POP3
    numbers: dict[str, int]


class Pop3Source:
    """The maildrop of one account.  Raises `ConnectionProblem` from the constructor on.

    The first `items()` shows what was there when the constructor logged in, each later one what is there now.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._open: _Session | None = None
        self._listed = False
        self._session()

    def items(self, skip: Container[str] = ()) -> list[Item]:
        """The maildrop in order of arrival.  A session shows only its beginning, so again means a new one."""
        if self._listed:
            self.close()
        session = self._session()
        self._listed = True
        with time_limit(self._endpoint, LISTING, session.pop.sock), problems(self._endpoint):
            sizes = dict(_number_and_size(line) for line in session.pop.list()[1])
        wanted = ((key, number) for key, number in session.numbers.items() if key not in skip)
        return [Item(key, sizes.get(number, 0)) for key, number in wanted]

    def fetch(self, items: Sequence[Item]) -> Iterator[Fetched]:
        """The mails in the order of `items`; POP3 knows no time of arrival."""
        unreadable: dict[str, str] = {}
        for item in items:
            session = self._session()
            number = session.numbers.get(item.key)
            if number is None:
                continue
            limit = time_limit(self._endpoint, seconds_for(item.size), session.pop.sock)
            with limit, problems(self._endpoint):
                raw = self._read(session.pop, number, item.key, unreadable)
            if raw is not None:
                yield Fetched(item.key, raw, None)
        if unreadable:
            said = next(iter(unreadable.values()))
            raise problem_at(self._endpoint, Problem.protocol, said, keys=", ".join(unreadable))

    def _read(self, pop: poplib.POP3, number: int, key: str, unreadable: dict[str, str]) -> bytes | None:
        pop.sock.sendall(b"RETR %d\r\n" % number)
        status = _line(pop)
        if status.startswith(b"-ERR"):
            unreadable[key] = as_text(status).removeprefix("-ERR").strip()
            return None
        if not status.startswith(b"+OK"):  # we are out of step: what follows could be half of another mail
            raise poplib.error_proto(status)
        return _dotted_text(pop)

    def settle(self, keys: Sequence[str], action: AfterStoring, folder: str = "") -> None:
        """delete: DELE each one that is still there, then QUIT, with which the server really deletes them.

        A QUIT that fails raises; settling again is harmless.  `seen` and `move` do not exist in POP3.
        """
        if action is AfterStoring.leave:
            return
        if action is not AfterStoring.delete:
            raise ValueError(f"POP3 cannot {action}; only leave and delete")
        session = self._session()
        self._open = None  # whatever happens, this session is over
        try:
            with time_limit(self._endpoint, ANSWER + len(keys), session.pop.sock), problems(self._endpoint):
                for key in keys:
                    if key in session.numbers:
                        session.pop.dele(session.numbers[key])
                session.pop.quit()
        finally:
            _hang_up(session.pop)

    def close(self) -> None:
        """QUIT; nothing is marked for deletion by then, so it deletes nothing.  Raises nothing."""
        if self._open is None:
            return
        pop, self._open = self._open.pop, None
        with suppress(OSError, poplib.error_proto):
            pop.sock.settimeout(GOODBYE_SECONDS)
            pop.quit()
        _hang_up(pop)

    def greeting(self) -> str:
        """The server's first line without its +OK."""
        return as_text(self._session().pop.getwelcome()).removeprefix("+OK").strip()

    def cipher(self) -> str:
        return cipher_of(self._session().pop.sock)

    def _session(self) -> _Session:
        if self._open is None:
            pop = _connect(self._endpoint)
            try:
                with time_limit(self._endpoint, LISTING, pop.sock), problems(self._endpoint):
                    self._open = _Session(pop, _numbers(pop.uidl()[1]))
                    self._listed = False
            except BaseException:
                _hang_up(pop)
                raise
        return self._open


def probe(endpoint: Endpoint) -> Probe:
    """The test button: log in, count, change nothing.  Raises `ConnectionProblem`."""
    source = Pop3Source(endpoint)
    try:
        return Probe(source.greeting(), len(source.items()), ())
    finally:
        source.close()


# -- opening ------------------------------------------------------------


def _connect(endpoint: Endpoint) -> poplib.POP3:
    """A logged-in connection."""
    with time_limit(endpoint, LOG_IN) as limit:
        pop = _greeted(endpoint, limit)
        try:
            with problems(endpoint):
                pop.sock.settimeout(endpoint.read_timeout)
                if endpoint.security is Security.starttls:
                    _start_tls(pop, endpoint)
                _log_in(pop, endpoint)
        except BaseException:
            _hang_up(pop)
            raise
    return pop


class _Pop3(poplib.POP3):
    """On a connection that has a time limit from its first byte on."""

    def __init__(self, endpoint: Endpoint, limit: Limit) -> None:
        self._place = endpoint, limit
        super().__init__(endpoint.host, endpoint.port)

    def _create_socket(self, timeout: Any) -> socket.socket:
        return dial(*self._place)


def _greeted(endpoint: Endpoint, limit: Limit) -> poplib.POP3:
    """A greeting with -ERR means "not now": there is nothing yet that could be wrong with what we said."""
    with problems(endpoint):
        try:
            return _Pop3(endpoint, limit)
        except poplib.error_proto as error:
            if not _is_refusal(error):
                raise
            raise problem_at(endpoint, Problem.unavailable, words(error)) from error


def _start_tls(pop: poplib.POP3, endpoint: Endpoint) -> None:
    """STLS (RFC 2595 section 4)."""
    if "STLS" not in pop.capa():
        raise problem_at(endpoint, Problem.no_starttls, as_text(pop.getwelcome()))
    pop.stls(tls_context(endpoint))


def _log_in(pop: poplib.POP3, endpoint: Endpoint) -> None:
    """XOAUTH2 with a token, else USER and PASS in UTF-8 (RFC 6856 section 2.1)."""
    if not (endpoint.username + endpoint.password).isprintable():
        raise problem_at(endpoint, Problem.login_refused, "POP3 cannot send control characters in a login")
    try:
        if endpoint.token:
            _log_in_by_token(pop, endpoint)
        else:
            pop.user(endpoint.username)
            pop.pass_(endpoint.password)
    except poplib.error_proto as error:
        if not _is_refusal(error):  # the connection broke, or what came back is no answer to a log-in
            raise
        said = words(error)
        problem = Problem.rejected if _FOR_NOW.match(said) else Problem.login_refused
        raise problem_at(endpoint, problem, said) from error


def _log_in_by_token(pop: poplib.POP3, endpoint: Endpoint) -> None:
    """In two steps, because a command may have no more than 255 bytes (RFC 2449 section 4) and tokens are longer;
    for a server that wants it in one, as Google's pages show it, the token in the command itself."""
    words_for_us = xoauth2.encoded(endpoint).encode()
    said = _say(pop, b"AUTH " + xoauth2.MECHANISM.encode())
    said = _say(pop, words_for_us if said.startswith(b"+ ") else b"AUTH XOAUTH2 " + words_for_us)
    challenge = ""
    if said.startswith(b"+ "):
        challenge = xoauth2.decoded(said[2:])
        said = _say(pop, b"")
    if not said.startswith(b"+OK"):
        raise poplib.error_proto(xoauth2.joined(as_text(said), challenge))


def _say(pop: poplib.POP3, line: bytes) -> bytes:
    """One line to the server, one back without its end; "+" alone (RFC 5034 wants a blank behind it) as "+ "."""
    pop.sock.sendall(line + b"\r\n")
    said = _line(pop).rstrip(b"\r\n")
    return b"+ " if said == b"+" else said


def _is_refusal(error: poplib.error_proto) -> bool:
    """The server's own -ERR; poplib writes "-ERR EOF" itself when the connection broke."""
    return bool(error.args) and as_text(error.args[0]).startswith("-ERR") and words(error) != "EOF"


def _hang_up(pop: poplib.POP3) -> None:
    with suppress(OSError):
        pop.close()


# -- reading ------------------------------------------------------------


def _numbers(listing: Sequence[bytes]) -> dict[str, int]:
    """Key -> message number.  Equal UIDLs (RFC 1939 section 7 allows that for equal mails) get " 2" …"""
    numbers: dict[str, int] = {}
    for line in listing:
        number, _, uidl = as_text(line).partition(" ")
        key, copy = f"UIDL/{uidl.strip()}", 1
        while key in numbers:
            copy += 1
            key = f"UIDL/{uidl.strip()} {copy}"
        numbers[key] = int(number)
    if len(set(numbers.values())) < len(numbers):  # one of them would be taken for another mail
        raise poplib.error_proto("the same message number twice in the answer to UIDL")
    return numbers


def _number_and_size(line: bytes) -> tuple[int, int]:
    number, size = line.split()[:2]
    return int(number), int(size)


def _line(pop: poplib.POP3) -> bytes:
    """One line with its line end, however long (poplib itself gives up after 2,048 bytes, out of step)."""
    line = pop.file.readline()
    if not line.endswith(b"\n"):
        raise EOFError("the server closed the connection in the middle of a mail")
    return line


def _dotted_text(pop: poplib.POP3) -> bytes:
    """A mail up to its final dot (RFC 1939 section 3), byte by byte as the server holds it.

    Only a line after CRLF begins with a stuffed dot; after a bare LF it is the mail's own.
    """
    mail, at_start = bytearray(), True
    while (line := _line(pop)) != b".\r\n" or not at_start:
        mail += line[1:] if at_start and line.startswith(b".") else line
        at_start = line.endswith(b"\r\n")
    return bytes(mail)
