"""A connection to a mail server as a value, and everything that can go wrong with it as one exception.

IMAP, POP3 and SMTP sessions all speak through here: `Endpoint` says where to connect and how, `problems()`
turns whatever the socket, TLS and protocol libraries raise into a `ConnectionProblem` with a code that the
product explains in a sentence.  Nothing here knows a mailbox, a channel or the database.
"""

import base64
import imaplib
import poplib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from time import monotonic

LONGEST_WORDS = 2000  # characters of what a server said


class Security(StrEnum):
    """How the connection is encrypted."""

    none = "none"
    starttls = "starttls"  # plain text first, then upgraded; never silently left in plain text
    tls = "tls"  # from the first byte


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server and the account we use there.

    `ca_pem` is the text of one or more PEM certificates trusted in addition to the system's.  Time limits are
    seconds.  The password is never part of the repr.  With a `token` (OAuth 2) we log in by XOAUTH2 and need
    no password.
    """

    host: str
    port: int
    security: Security
    verify: bool = True
    ca_pem: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    connect_timeout: float = 30.0
    read_timeout: float = 60.0
    token: str = field(default="", repr=False)


class Problem(StrEnum):
    """Why a connection did not do what we wanted; the product has one sentence for each."""

    unknown_host = "unknown_host"  # the name does not resolve
    refused = "refused"  # nothing listens there, or no route to it
    timeout = "timeout"  # no answer within the time limits
    tls_untrusted = "tls_untrusted"  # certificate not trusted, expired or for another name
    tls_failed = "tls_failed"  # no TLS there, or no common version
    no_starttls = "no_starttls"  # STARTTLS wanted, not offered
    login_refused = "login_refused"  # wrong password, or no way of logging in that we know
    no_such_folder = "no_such_folder"
    closed = "closed"  # the server hung up
    protocol = "protocol"  # an answer we do not understand or an error we did not expect
    unavailable = "unavailable"  # the server greets us with "not now"
    rejected = "rejected"  # understood and refused, perhaps only for now
    not_stored = "not_stored"  # the server is fine, but we could not store (disk full, database down)


class ConnectionProblem(Exception):
    """The one exception of this layer.

    `said` is the server's own words or, without any, the library's text; it never contains the password.
    `details` has at least `host` and `port`; according to the problem also `folder`, `folders`, `keys`,
    `code`, `dialogue`.
    """

    def __init__(self, problem: Problem, said: str, details: Mapping[str, str] | None = None) -> None:
        super().__init__(problem, said, dict(details or {}))
        self.problem = problem
        self.said = said
        self.details: dict[str, str] = dict(details or {})

    def __str__(self) -> str:
        where = ":".join(self.details[key] for key in ("host", "port") if key in self.details)
        return f"{self.problem.value} {where}: {self.said}"


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The TLS settings of an endpoint: verified, unless it says that it is the visible exception.

    Shared by all connections with the same settings: the system's CAs take most of a megabyte. Read anew every hour,
    because they are renewed while we run.
    """
    hour = int(monotonic() // 3600)
    try:
        return _context(endpoint.ca_pem.strip(), verify=endpoint.verify, hour=hour)
    except (ssl.SSLError, ValueError) as error:
        said = f"own CA certificate is not PEM text: {error}"
        raise problem_at(endpoint, Problem.tls_untrusted, said) from error


@lru_cache(maxsize=32)
def _context(ca_pem: str, *, verify: bool, hour: int) -> ssl.SSLContext:
    """Raises ssl.SSLError, ValueError."""
    if not verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context()
    if ca_pem:
        _trust(context, ca_pem)
    return context


def _trust(context: ssl.SSLContext, ca_pem: str) -> None:
    """An own CA may be an old or a home-made one, or the server's self-signed certificate itself: for these the strict
    form check of Python 3.13 is off and a chain may end at the given certificate."""
    context.load_verify_locations(cadata=ca_pem)
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def problem_at(endpoint: Endpoint, problem: Problem, said: str, **details: str) -> ConnectionProblem:
    """A problem with this endpoint, `said` (not more than a page of it) and `details` freed of its password."""
    clean = {key: without_secrets(text, endpoint) for key, text in details.items()}
    where = {"host": endpoint.host, "port": str(endpoint.port)}
    return ConnectionProblem(problem, without_secrets(said, endpoint)[:LONGEST_WORDS], where | clean)


def cipher_of(connected: socket.socket | None) -> str:
    """Protocol and cipher ("TLSv1.3, TLS_AES_256_GCM_SHA384"); "" for a connection that isn't encrypted."""
    cipher = connected.cipher() if isinstance(connected, ssl.SSLSocket) else None
    return f"{cipher[1]}, {cipher[0]}" if cipher else ""


@contextmanager
def problems(endpoint: Endpoint) -> Iterator[None]:
    """Whatever the libraries raise inside leaves as `ConnectionProblem`, also what they make of garbage."""
    try:
        yield
    except (OSError, poplib.error_proto, imaplib.IMAP4.error, EOFError) as error:
        raise problem_at(endpoint, _problem_of(error), words(error)) from error
    except _GARBAGE as error:
        if isinstance(error, UnicodeError) and "idna" in str(error):  # "mail..example" fails before it is looked up
            raise problem_at(endpoint, Problem.unknown_host, words(error)) from error
        said = f"The server's answer makes no sense ({type(error).__name__}: {error})."
        raise problem_at(endpoint, Problem.protocol, said) from error


# imaplib, IMAPClient and poplib take answers apart without looking: what is missing there raises anything of these.
_GARBAGE = (ValueError, LookupError, TypeError, AttributeError, AssertionError)

# First match wins: subclasses stand before their parents.
_KINDS: tuple[tuple[type[Exception], Problem], ...] = (
    (socket.gaierror, Problem.unknown_host),
    (ssl.SSLCertVerificationError, Problem.tls_untrusted),
    (ssl.SSLError, Problem.tls_failed),
    (ConnectionRefusedError, Problem.refused),
    (TimeoutError, Problem.timeout),
    (smtplib.SMTPServerDisconnected, Problem.closed),
    (smtplib.SMTPAuthenticationError, Problem.login_refused),
    (smtplib.SMTPResponseException, Problem.rejected),
    (smtplib.SMTPException, Problem.protocol),
    (imaplib.IMAP4.readonly, Problem.rejected),
    (imaplib.IMAP4.abort, Problem.closed),
    (imaplib.IMAP4.error, Problem.protocol),
    (poplib.error_proto, Problem.protocol),
    (ConnectionError, Problem.closed),
    (EOFError, Problem.closed),
    (OSError, Problem.refused),  # no route to host, network unreachable
)


def _problem_of(error: BaseException) -> Problem:
    if isinstance(error, smtplib.SMTPServerDisconnected | imaplib.IMAP4.abort) and isinstance(
        error.__context__, TimeoutError
    ):
        return Problem.timeout  # both libraries call a time-out "connection closed"
    if isinstance(error, imaplib.IMAP4.abort) and "unexpected response" in str(error):
        return Problem.protocol
    if isinstance(error, poplib.error_proto) and words(error) == "EOF":
        return Problem.closed
    return next(problem for kind, problem in _KINDS if isinstance(error, kind))


def words(error: BaseException) -> str:
    """What the server (or the library) said in this exception, as one readable text."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {as_text(error.smtp_error)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = as_text(error.args[0]) if error.args else type(error).__name__
    if text[:2] in ("b'", 'b"'):  # imaplib puts bytes through str()
        text = text[2:-1]
    return text.removeprefix("-ERR").strip()


def as_text(said: bytes | str | object) -> str:
    """A server's words, which are ASCII or UTF-8 or anything, as text; without NUL, which no database takes."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.replace("\0", "\ufffd")


def without_secrets(text: str, endpoint: Endpoint) -> str:
    """`text` with password and token (also as AUTH PLAIN, LOGIN and XOAUTH2 encode them) replaced by dots."""
    for secret in _secrets(endpoint):
        text = text.replace(secret, "•••")
    return text


def _secrets(endpoint: Endpoint) -> Iterator[str]:
    name = endpoint.username.encode()
    if endpoint.password:
        password = endpoint.password.encode()
        yield from (base64.b64encode(part).decode() for part in (password, b"\0" + name + b"\0" + password))
        yield endpoint.password
    if endpoint.token:
        token = endpoint.token.encode()
        yield base64.b64encode(b"user=" + name + b"\1auth=Bearer " + token + b"\1\1").decode()
        yield endpoint.token
