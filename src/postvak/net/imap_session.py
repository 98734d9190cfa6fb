"""Opening an IMAP session (RFC 3501): connect, encrypt, log in, and know the folders.  All of it has one time limit.

Used for fetching and for putting copies of sent mail into a folder.
"""

import imaplib
import re
import socket
from contextlib import suppress
from typing import Any

from imapclient import IMAPClient, SocketTimeout

from postvak.net import xoauth2
from postvak.net.connection import Endpoint, Problem, as_text, problem_at, problems, tls_context, words
from postvak.net.time_limit import LOG_IN, Limit, dial, time_limit

GOODBYE_SECONDS = 3.0  # a hanging server must not hang us a second time
_FOR_NOW = re.compile(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", re.IGNORECASE)  # RFC 5530 section 3
_SIMPLE = re.compile(r"[\x21\x23-\x27\x2b-\x5b\x5e-\x7a\x7c-\x7e]+")  # goes unquoted into LOGIN


def open_session(endpoint: Endpoint) -> IMAPClient:
    """A logged-in client; raises `ConnectionProblem`.  INTERNALDATEs come with their time zone."""
    with time_limit(endpoint, LOG_IN) as limit:
        client = _connect(endpoint, limit)
        try:
            with problems(endpoint):
                if endpoint.security == "starttls":
                    _start_tls(client, endpoint)
                _log_in(client, endpoint)
        except BaseException:
            close_session(client)
            raise
    client.normalise_times = False
    return client


def _connect(endpoint: Endpoint, limit: Limit) -> IMAPClient:
    """Up to the greeting, which may be a BYE (RFC 3501 section 7.1.5)."""
    with problems(endpoint):
        try:
            return _Client(endpoint, limit)
        except imaplib.IMAP4.error as error:
            said = words(error)
            if not said.upper().startswith("* BYE"):
                raise
            raise problem_at(endpoint, Problem.unavailable, said[5:].strip()) from error


class _Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient on a connection that has a time limit from its first byte on."""

    def __init__(self, endpoint: Endpoint, limit: Limit) -> None:
        self._place = endpoint, limit
        timeout = SocketTimeout(endpoint.connect_timeout, endpoint.read_timeout)
        super().__init__(endpoint.host, endpoint.port, ssl=endpoint.security == "tls", timeout=timeout)

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(*self._place)


class _Imap4(imaplib.IMAP4):
    def __init__(self, endpoint: Endpoint, limit: Limit) -> None:
        self._place = endpoint, limit
        super().__init__(endpoint.host, endpoint.port)

    def _create_socket(self, timeout: Any = None) -> socket.socket:
        return dial(*self._place)


def _start_tls(client: IMAPClient, endpoint: Endpoint) -> None:
    if not client.has_capability("STARTTLS"):
        raise problem_at(endpoint, Problem.no_starttls, greeting(client))
    client.starttls(tls_context(endpoint))


def _log_in(client: IMAPClient, endpoint: Endpoint) -> None:
    """XOAUTH2 with a token, else LOGIN, or AUTHENTICATE PLAIN (RFC 4616) for what LOGIN cannot say: UTF-8,
    blanks in the name."""
    challenge = ""

    def answer(asked: bytes | None) -> bytes:
        """The first question is empty; a second one says why the token is refused."""
        nonlocal challenge
        challenge = xoauth2.explained(asked or b"")
        return b"" if asked else xoauth2.first_words(endpoint).encode()

    try:
        if endpoint.token:
            client.sasl_login(xoauth2.MECHANISM, answer)
        elif _fits_login(endpoint) and not client.has_capability("LOGINDISABLED"):
            client.login(endpoint.username, endpoint.password)
        else:
            client.plain_login(endpoint.username, endpoint.password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        if isinstance(error.__context__, imaplib.IMAP4.abort):
            raise error.__context__ from error  # IMAPClient makes a refused log-in of a connection that broke
        said = xoauth2.joined(words(error), challenge)
        problem = Problem.rejected if _FOR_NOW.search(said) else Problem.login_refused
        raise problem_at(endpoint, problem, said) from error


def _fits_login(endpoint: Endpoint) -> bool:
    password = endpoint.password
    return bool(_SIMPLE.fullmatch(endpoint.username)) and password.isascii() and password.isprintable()


def close_session(client: IMAPClient) -> None:
    """LOGOUT (which expunges nothing) and close; a connection that is already dead is no matter."""
    with suppress(OSError, imaplib.IMAP4.error):
        client.socket().settimeout(GOODBYE_SECONDS)
        client.logout()
    with suppress(OSError, imaplib.IMAP4.error):
        client.shutdown()


def greeting(client: IMAPClient) -> str:
    """The server's first line without protocol words, for instance "Dovecot ready."."""
    return re.sub(r"^\* (OK|PREAUTH)\s*(\[[^\]]*\]\s*)?", "", as_text(client.welcome)).strip()


def folder_names(client: IMAPClient) -> tuple[str, ...]:
    """All folders that can hold mails, as a person writes them (not in UTF-7)."""
    hidden = {rb"\noselect", rb"\nonexistent"}
    listed = client.list_folders()
    return tuple(sorted(as_text(name) for flags, _, name in listed if not hidden & _lowered(flags)))


def _lowered(flags: tuple[bytes, ...]) -> set[bytes]:
    return {flag.lower() for flag in flags}
